-- One tenant's administrative changes in the order in which they are read, by each of what they can be asked for
-- (src/tenancy/audit-search.ts). Indexes only: the version before still runs. Refusals that belong to no tenant, which anybody can
-- cause, are in none of them.

CREATE INDEX audit_tenant_at ON audit (tenant_id, at, id) WHERE tenant_id IS NOT NULL;
CREATE INDEX audit_tenant_action ON audit (tenant_id, action, at, id) WHERE tenant_id IS NOT NULL;
CREATE INDEX audit_tenant_sub ON audit (tenant_id, sub, at, id) WHERE tenant_id IS NOT NULL;
CREATE INDEX audit_tenant_target ON audit (tenant_id, target, at, id) WHERE tenant_id IS NOT NULL AND target IS NOT NULL;
CREATE INDEX audit_tenant_outcome ON audit (tenant_id, outcome, at, id) WHERE tenant_id IS NOT NULL;
