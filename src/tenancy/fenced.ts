import { Refusal } from '#base/refusal.ts'
import type { Database } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { toTenant, type TenantRow } from './tenant-row.ts'

/** Why the database shut a tenant's schema (D18), as the registry says at this moment. Throws DatabaseUnavailable. */
export async function refusalNow(database: Database, id: string, slug: string): Promise<Refusal> {
  const [row] = await database.control({ as: 'resolver' }, async (db) => {
    return await db.query<TenantRow>(sql`
      SELECT id AS tenant_id, slug, name AS tenant_name, schema, status AS tenant_status, placement, schema_version,
        mcp_admin, delete_after, plan, plan_limits(plan) AS limits, tools_off
      FROM tenants WHERE id = ${id}`)
  })
  const tenant = row === undefined ? null : toTenant(row)
  if (tenant === null) return new Refusal('tenant_unknown', { detail: `${slug} is deleted` })
  if (tenant.status === 'suspended') return new Refusal('tenant_suspended', { detail: `${slug} is suspended` })
  return new Refusal('tenant_moving', { detail: `${slug} is fenced though active: being moved, resumed or repaired` })
}
