import type { Table } from '#db/rows.ts'

const words = (text: string): readonly string[] => text.split(/\s+/)
const ID = [{ name: 'id', type: 'uuid' }]

/**
 * What an archive says of the registry, by the name of its folder. Written column by column: no digest, no domain's challenge and no
 * MAC leaves (D38), and what a later migration adds stays until somebody looked at it.
 */
const TABLES: readonly (Omit<Table, 'of'> & { readonly folder?: string; readonly tenant?: string })[] = [
  {
    name: 'tenants',
    folder: 'tenant',
    tenant: 'id',
    key: ID,
    columns: words('id slug name status origin mcp_admin operator_access tools_off delete_after created_at'),
  },
  {
    name: 'domains',
    key: ID,
    columns: words(`id domain state verified_by include_subdomains asserted_by join_mode default_role
      allow_once created_at claimed_at verified_at checked_at lapsed_at`),
  },
  {
    name: 'organizations',
    key: ID,
    columns: words('id iss kind value join_mode default_role created_at'),
  },
  {
    name: 'members',
    key: ID,
    columns: words(`id iss sub provider email name role status source evidence home
      tokens_not_before created_at removed_at declined_until`),
  },
  {
    name: 'invitations',
    key: ID,
    columns: words(`id email role state inviter_member_id created_at expires_at accepted_at
      accepted_member_id`),
  },
  {
    name: 'api_keys',
    key: [{ name: 'id', type: 'text' }],
    columns: words(`id name scopes creator_member_id role cidrs requests_per_hour created_at
      expires_at revoked_at last_used_at last_used_ip rotated_to`),
  },
  {
    name: 'usage',
    key: [
      { name: 'hour', type: 'timestamp with time zone' },
      { name: 'tool', type: 'text' },
      { name: 'iss', type: 'text' },
      { name: 'sub', type: 'text' },
    ],
    columns: words('hour tool iss sub provider calls failures refusals total_ms max_ms'),
  },
  {
    name: 'audit',
    key: ID,
    columns: words(`id at iss sub key_id action target outcome latency_ms request_id ip
      detail`),
  },
]

/** Folder under `registry/` and the table with this tenant's rows. */
export const registryTables = (tenant: string): readonly (readonly [folder: string, table: Table])[] =>
  TABLES.map(({ folder, tenant: column = 'tenant_id', ...table }) => [
    folder ?? table.name,
    { ...table, of: { column, tenant } },
  ])

/** Of the tenant's own audit the same: what happened, without MAC and digest of the arguments. */
export const auditColumns: readonly string[] = TABLES.find(({ name }) => name === 'audit')?.columns ?? []
