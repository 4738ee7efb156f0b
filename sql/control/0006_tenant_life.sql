-- What an owner sets of a tenant, and its deletion after a time of waiting. Additions only: the version before still runs.
-- Desk and resolver read them with the rest of the row; only the operator's role writes them.
ALTER TABLE tenants
  -- Over MCP `tenant:admin` is off until an owner turns it on (D32).
  ADD COLUMN mcp_admin boolean NOT NULL DEFAULT false,
  -- Operators may see as a member only when the tenant allows it (D37).
  ADD COLUMN operator_access boolean NOT NULL DEFAULT false,
  -- Deleted by the background after this. Null: it stays.
  ADD COLUMN delete_after timestamptz,
  -- `provider:sub` of the owner who asked, or `operator <name>`.
  ADD COLUMN delete_asked_by text,
  -- Its deletion has begun and cannot be taken back; until then it is one replica's, later any may go on with it.
  ADD COLUMN delete_lease timestamptz;
CREATE INDEX tenants_delete_after ON tenants (delete_after) WHERE delete_after IS NOT NULL;
