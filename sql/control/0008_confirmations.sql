-- What an admin asked for over MCP and has to confirm in the console (D32): the operation and its arguments, which hold no secret. One use,
-- 10 minutes; rows of the past are deleted on the way.

CREATE TABLE confirmations (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants (id),
  -- Whose chat asked; nobody else may confirm.
  iss text NOT NULL CHECK (length(iss) BETWEEN 1 AND 2048),
  sub text NOT NULL CHECK (length(sub) BETWEEN 1 AND 255),
  -- The client that asked, where the token names it.
  client_id text,
  -- Id of the operation (src/desk), and its input.
  operation text NOT NULL CHECK (length(operation) BETWEEN 1 AND 64),
  input jsonb NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  settled_at timestamptz
);
CREATE INDEX confirmations_person ON confirmations (tenant_id, iss, sub);
CREATE INDEX confirmations_expires ON confirmations (expires_at);

ALTER TABLE confirmations ENABLE ROW LEVEL SECURITY;
CREATE POLICY operator ON confirmations TO gatehouse_operator USING (true) WITH CHECK (true);
CREATE POLICY desk ON confirmations TO gatehouse_desk USING (tenant_id = current_setting('gatehouse.tenant')::uuid) WITH CHECK (tenant_id = current_setting('gatehouse.tenant')::uuid);
GRANT SELECT, INSERT, UPDATE (settled_at), DELETE ON confirmations TO gatehouse_desk;
GRANT SELECT, DELETE ON confirmations TO gatehouse_operator;
