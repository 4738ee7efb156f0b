import type { DatabaseConfig } from '#base/config.ts'
import type { Database, TenantPlace } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { explain } from './failure.ts'
import { failed, ok, warning, type Finding } from './finding.ts'

/** D16: do tenants log in as TENANT_LOGIN says, and does it work for one of them? */
export async function examineLogins(
  database: Database,
  { tenantLogin, tenantConnections }: Pick<DatabaseConfig, 'tenantLogin' | 'tenantConnections'>,
): Promise<readonly Finding[]> {
  const { total, able } = await database.admin.logins()
  if (!tenantLogin) {
    if (able === 0) return []
    return [
      warning('tenant logins', `TENANT_LOGIN is off and ${able} tenants may still log in: run \`gatehouse migrate\``),
    ]
  }
  if (able < total)
    return [failed('tenant logins', `${total - able} of ${total} tenants cannot log in: run \`gatehouse migrate\``)]
  const [tenant] = await database.control({ as: 'operator', access: 'read' }, async (db) => {
    return await db.query<TenantPlace & { readonly slug: string }>(sql`
      SELECT slug, schema, placement, schema_version AS "schemaVersion" FROM tenants
      WHERE status = 'active' ORDER BY id LIMIT 1`)
  })
  try {
    if (tenant !== undefined) await database.tenant(tenant, { access: 'read' }, async () => {})
  } catch (error) {
    return [failed('tenant logins', `${tenant?.slug ?? ''} cannot log in: ${explain(error)}`)]
  }
  return [
    ok(
      'tenant logins',
      `${able} tenants log in as themselves, with at most ${tenantConnections} connections per process`,
    ),
  ]
}
