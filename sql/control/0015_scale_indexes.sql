-- What would otherwise look at every tenant: which are behind at each start (src/db/migration-record.ts), how many were made within the hour
-- at each that is made by sign-in (src/tenancy/provision.ts), and the one of everybody with a public mailbox (src/tenancy/resolve.ts).
-- Indexes only: the version before still runs.

CREATE INDEX tenants_version ON tenants (schema_version) WHERE status <> 'deleted';
CREATE INDEX tenants_made ON tenants (created_at) WHERE origin IN ('provision', 'personal');
CREATE INDEX tenants_shared ON tenants (id) WHERE origin = 'personal' AND slug LIKE 'shared%' AND status <> 'deleted';
