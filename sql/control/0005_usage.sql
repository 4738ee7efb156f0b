-- How much is called, rolled up per hour, and limits of single keys. Additions only: the version before still runs.

CREATE TABLE usage (
  -- Its beginning, UTC.
  hour timestamptz NOT NULL,
  -- No foreign key, as in the audit: a flush holds many tenants' rows and none of them may fail for one tenant.
  tenant_id uuid NOT NULL,
  -- The tool (or resource, or prompt); `unknown`: names of nothing here; `refused`: requests turned away before a tool was reached.
  tool text NOT NULL CHECK (length(tool) BETWEEN 1 AND 128),
  -- Who: the person, or the key by provider `api-key` and its public id, whichever way it came.
  iss text NOT NULL,
  sub text NOT NULL,
  provider text NOT NULL,
  -- Failed calls are calls too; refusals are none.
  calls bigint NOT NULL DEFAULT 0,
  failures bigint NOT NULL DEFAULT 0,
  refusals bigint NOT NULL DEFAULT 0,
  -- Milliseconds of all calls together, and of the longest.
  total_ms bigint NOT NULL DEFAULT 0,
  max_ms integer NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, hour, tool, iss, sub)
);
CREATE INDEX usage_hour ON usage (hour);

ALTER TABLE usage ENABLE ROW LEVEL SECURITY;
CREATE POLICY read ON usage FOR SELECT TO gatehouse_resolver, gatehouse_operator USING (true);
CREATE POLICY count ON usage FOR INSERT TO gatehouse_resolver WITH CHECK (true);
CREATE POLICY add ON usage FOR UPDATE TO gatehouse_resolver USING (true) WITH CHECK (true);
-- What is recent can be deleted with its tenant only, by an operator.
CREATE POLICY forget ON usage FOR DELETE TO gatehouse_resolver USING (hour < now() - interval '1 day');
CREATE POLICY erase ON usage FOR DELETE TO gatehouse_operator USING (true);
CREATE POLICY desk ON usage FOR SELECT TO gatehouse_desk USING (tenant_id = current_setting('gatehouse.tenant')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON usage TO gatehouse_resolver;
GRANT SELECT ON usage TO gatehouse_desk;
GRANT SELECT, DELETE ON usage TO gatehouse_operator;

-- Work in the background that one replica does for all: whoever moves the moment on has it until then.
CREATE TABLE chores (
  name text PRIMARY KEY,
  taken_until timestamptz NOT NULL
);
ALTER TABLE chores ENABLE ROW LEVEL SECURITY;
CREATE POLICY chores ON chores TO gatehouse_resolver USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON chores TO gatehouse_resolver;

-- Null: no limit of its own.
ALTER TABLE api_keys ADD COLUMN requests_per_hour integer CHECK (requests_per_hour BETWEEN 1 AND 1000000);
