-- Answers that are kept for 24 hours for whoever repeats a request of the API (Idempotency-Key). Never a secret: what is shown once is not in
-- them. Additions only: the version before still runs.
CREATE TABLE answers (
  id uuid PRIMARY KEY,
  -- Null: an operator's, which concerns no tenant or all.
  tenant_id uuid REFERENCES tenants (id),
  -- SHA-256 of tenant, person or key, operation and the caller's key.
  name bytea NOT NULL UNIQUE CHECK (length(name) = 32),
  -- SHA-256 of what was asked for.
  request bytea NOT NULL CHECK (length(request) = 32),
  -- Null: it is under way.
  status integer,
  body text,
  began_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX answers_expires ON answers (expires_at);

ALTER TABLE answers ENABLE ROW LEVEL SECURITY;
CREATE POLICY everything ON answers TO gatehouse_operator USING (true) WITH CHECK (true);
CREATE POLICY desk ON answers TO gatehouse_desk USING (tenant_id = current_setting('gatehouse.tenant')::uuid) WITH CHECK (tenant_id = current_setting('gatehouse.tenant')::uuid);
-- The resolver only takes away what is over.
CREATE POLICY over ON answers TO gatehouse_resolver USING (expires_at < now());

-- To lock a row for deleting needs an UPDATE of something.
GRANT SELECT, DELETE, UPDATE (expires_at) ON answers TO gatehouse_resolver;
GRANT SELECT, INSERT, UPDATE, DELETE ON answers TO gatehouse_desk, gatehouse_operator;
