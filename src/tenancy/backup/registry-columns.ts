import type { Table } from '#db/rows.ts'

const words = (text: string): readonly string[] => text.split(/\s+/)
const ID = [{ name: 'id', type: 'uuid' }]

interface RegistryTable extends Omit<Table, 'of'> {
  /** The column that says whose row it is. */
  readonly tenant: string
  /** Columns that a backup leaves out on purpose. */
  readonly without: readonly string[]
}

/**
 * What a backup holds of the registry, column by column, in the order in which it is read: whoever refers comes before those referred to, so
 * that a member who joins meanwhile is not missed. What a migration adds has to be named here, in one list or the other (tested).
 */
const TABLES: readonly RegistryTable[] = [
  {
    name: 'tenants',
    tenant: 'id',
    key: ID,
    columns: words(
      'id slug name schema status placement schema_version origin created_at suspended_at mcp_admin operator_access plan tools_off',
    ),
    // A restored tenant is neither deleted nor about to be.
    // And tools_version is what the restored schema has.
    without: words('deleted_at delete_after delete_asked_by delete_lease tools_version'),
  },
  {
    name: 'invitations',
    tenant: 'tenant_id',
    key: ID,
    columns: words(`id tenant_id email role digest state inviter_member_id created_at expires_at accepted_at
      accepted_member_id`),
    without: [],
  },
  {
    name: 'api_keys',
    tenant: 'tenant_id',
    key: [{ name: 'id', type: 'text' }],
    columns:
      words(`id tenant_id name digest scopes creator_member_id role cidrs created_at expires_at revoked_at last_used_at
      last_used_ip rotated_to requests_per_hour`),
    without: [],
  },
  {
    name: 'members',
    tenant: 'tenant_id',
    key: ID,
    columns:
      words(`id tenant_id iss sub provider email name role status source evidence home tokens_not_before created_at
      removed_at declined_until`),
    without: [],
  },
  {
    name: 'domains',
    tenant: 'tenant_id',
    key: ID,
    columns:
      words(`id tenant_id domain state token verified_by include_subdomains asserted_by join_mode default_role allow_once
      created_at verified_at checked_at claimed_at owner_candidate next_check failures failing_since awaiting_since lapsed_at problem`),
    without: [],
  },
  {
    // Sealed as they are, and bound to the tenant's id.
    name: 'upstreams',
    tenant: 'tenant_id',
    key: [{ name: 'name', type: 'text' }],
    columns: words('tenant_id name url fields sealed version set_at set_by'),
    without: [],
  },
  {
    name: 'organizations',
    tenant: 'tenant_id',
    key: ID,
    columns: words('id tenant_id iss kind value join_mode default_role created_at'),
    without: [],
  },
]

export const registryTables = (): readonly RegistryTable[] => TABLES

/** Those tables as they are read for one tenant. */
export const registryTablesOf = (tenant: string): readonly Table[] =>
  TABLES.map(({ name, columns, key, tenant: column }) => ({ name, columns, key, of: { column, tenant } }))

/** Tables of the registry that name a tenant and are in no backup: what passes, what is kept for other reasons, and what starts anew. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  audit: 'is the registry’s own, and outlives tenants',
  usage: 'counts, kept for 90 days',
  answers: 'for 24 hours',
  confirmations: 'for 10 minutes',
  migration_failures: 'made anew by migrate',
  moves: 'between two servers of this registry',
}
