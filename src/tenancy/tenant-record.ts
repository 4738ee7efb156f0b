import type { ControlDb } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import type { Note } from './ledger.ts'
import { limitsOf, rfc3339, rfc3339OrNull, type TenantRow } from './tenant-row.ts'
import type { Tenant } from './tenant.ts'

/** A tenant as lists show it: deleted ones too, since slug and schema name are never reused. */
export interface TenantRecord extends Omit<Tenant, 'status' | 'mcpAdmin' | 'deleteAfter' | 'toolsOff'> {
  readonly status: Tenant['status'] | 'deleted'
  readonly origin: 'operator' | 'provision' | 'personal' | 'development'
  /** Do `tenant:admin` and `tenant:owner` count over MCP (D32)? */
  readonly mcp_admin: boolean
  /** May operators see as a member (D37)? */
  readonly operator_access: boolean
  /** Names of the tools that are switched off, in their order; also of what is no tool any more. */
  readonly tools_off: readonly string[]
  /** It is deleted after this; null: it stays, or is deleted. */
  readonly delete_after: string | null
  /** `provider:sub` of the owner who asked for that, or `operator <name>`. */
  readonly delete_asked_by: string | null
  readonly created_at: string
  readonly suspended_at: string | null
  readonly deleted_at: string | null
}

interface Row extends TenantRow {
  readonly origin: TenantRecord['origin']
  readonly operator_access: boolean
  readonly delete_asked_by: string | null
  readonly created_at: Date
  readonly suspended_at: Date | null
  readonly deleted_at: Date | null
}

/** The one of this slug, or null: all of them; in the order in which they were made. `db` is the operator's. */
export async function readTenants(db: ControlDb, slug: string | null): Promise<readonly TenantRecord[]> {
  const rows = await db.query<Row>(sql`
    SELECT id AS tenant_id, slug, name AS tenant_name, schema, status AS tenant_status, placement, schema_version,
      mcp_admin, operator_access, delete_after, delete_asked_by, plan, plan_limits(plan) AS limits, tools_off, origin, created_at, suspended_at, deleted_at
    FROM tenants WHERE ${slug}::text IS NULL OR slug = ${slug} ORDER BY id`)
  return rows.map(toRecord)
}

/** What the registry notes of a change to a tenant: everything that rests on its row is read again. */
export const tenantNote = (
  { id, slug }: Pick<Tenant, 'id' | 'slug'>,
  action: string,
  detail: Readonly<Record<string, unknown>> = {},
): Note => ({
  action,
  target: slug,
  detail,
  changes: [
    { table: 'tenants', tenant: id, id },
    { table: 'api_keys', tenant: id, id: null },
  ],
})

function toRecord(row: Row): TenantRecord {
  return {
    id: row.tenant_id,
    slug: row.slug,
    name: row.tenant_name,
    schema: row.schema,
    status: row.tenant_status,
    placement: row.placement,
    schemaVersion: row.schema_version,
    origin: row.origin,
    mcp_admin: row.mcp_admin,
    operator_access: row.operator_access,
    tools_off: row.tools_off,
    delete_after: rfc3339OrNull(row.delete_after),
    delete_asked_by: row.delete_asked_by,
    plan: row.plan,
    limits: limitsOf(row.limits),
    created_at: rfc3339(row.created_at),
    suspended_at: rfc3339OrNull(row.suspended_at),
    deleted_at: rfc3339OrNull(row.deleted_at),
  }
}
