-- What tenants have of their own at APIs that tools call (UPSTREAM_URL). Additions only: the version before still runs.

CREATE TABLE upstreams (
  tenant_id uuid NOT NULL REFERENCES tenants (id),
  -- As in the configuration; a row of one that is not configured any more is not read.
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
  -- The tenant's own base URL; null: the configured one.
  url text CHECK (length(url) BETWEEN 1 AND 2048),
  -- Names of the fields inside.
  fields text[] NOT NULL,
  -- AES-256-GCM under a key of SESSION_SECRET; tenant, name and URL are bound to it, so that a row moved or changed opens to nothing.
  sealed text NOT NULL,
  -- Another one each time it is set.
  version uuid NOT NULL,
  set_at timestamptz NOT NULL,
  -- `provider:sub`, or `operator <name>`.
  set_by text NOT NULL,
  PRIMARY KEY (tenant_id, name)
);

ALTER TABLE upstreams ENABLE ROW LEVEL SECURITY;
CREATE POLICY operator ON upstreams TO gatehouse_operator USING (true) WITH CHECK (true);
-- The server reads as the desk of one tenant too: no role of it sees the rows of two.
CREATE POLICY desk ON upstreams TO gatehouse_desk USING (tenant_id = current_setting('gatehouse.tenant')::uuid) WITH CHECK (tenant_id = current_setting('gatehouse.tenant')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON upstreams TO gatehouse_desk, gatehouse_operator;
