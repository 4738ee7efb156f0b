-- What a tenant may do at most, as operators sell it. Additions only: the version before still runs, and knows no plans.

CREATE TABLE plans (
  name text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9_]{0,40}$'),
  title text NOT NULL CHECK (length(title) BETWEEN 1 AND 100),
  -- Each null: what the server's configuration says.
  calls_per_minute integer CHECK (calls_per_minute BETWEEN 1 AND 10000000),
  calls_per_minute_principal integer CHECK (calls_per_minute_principal BETWEEN 1 AND 10000000),
  concurrent_calls integer CHECK (concurrent_calls BETWEEN 1 AND 10000),
  -- The two that only narrow what the server allows.
  result_bytes integer CHECK (result_bytes BETWEEN 1024 AND 67108864),
  call_seconds integer CHECK (call_seconds BETWEEN 1 AND 300),
  -- Keys of one member that work at the same time.
  keys integer CHECK (keys BETWEEN 0 AND 1000),
  changed_at timestamptz NOT NULL
);
ALTER TABLE plans ENABLE ROW LEVEL SECURITY;
-- The same for everybody, and no tenant's secret: a desk reads its own through its tenant's row.
CREATE POLICY read ON plans FOR SELECT TO gatehouse_resolver, gatehouse_desk USING (true);
CREATE POLICY everything ON plans TO gatehouse_operator USING (true) WITH CHECK (true);
GRANT SELECT ON plans TO gatehouse_resolver, gatehouse_desk;
GRANT SELECT, INSERT, UPDATE, DELETE ON plans TO gatehouse_operator;

-- Null: the server's own limits.
ALTER TABLE tenants ADD COLUMN plan text REFERENCES plans (name);
CREATE INDEX tenants_plan ON tenants (plan) WHERE plan IS NOT NULL;

-- A plan as a column beside the tenant's others, wherever a tenant is read; null: no plan.
CREATE FUNCTION plan_limits(name text) RETURNS jsonb LANGUAGE sql STABLE
AS $$ SELECT to_jsonb(plans) FROM plans WHERE plans.name = plan_limits.name $$;
GRANT EXECUTE ON FUNCTION plan_limits(text) TO gatehouse_resolver, gatehouse_desk, gatehouse_operator;
