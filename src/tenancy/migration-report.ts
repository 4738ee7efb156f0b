import type { Database } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { needOperator } from './ledger.ts'
import type { Actor } from './registry.ts'

export interface MigrationReport {
  /** Versions of the registry: what it has (null: none yet), and what this program needs. */
  readonly control: { readonly version: number | null; readonly required: number }
  /** Version of a tenant's schema that this program needs; it serves tenants of the one before it too. */
  readonly tenant: { readonly required: number }
  /** How many tenants have which version, the lowest first; deleted ones are not counted. */
  readonly versions: readonly { readonly version: number; readonly tenants: number }[]
  /** Those below the required version, the lowest first; 100 at most. */
  readonly behind: readonly {
    readonly slug: string
    readonly schema: string
    readonly version: number
    /** false: too far behind, so that its people get 503. */
    readonly served: boolean
  }[]
}

/** Which versions there are, as the database says now. Operators only. Does not say why a migration failed: `gatehouse migrate` does. */
export async function migrationReport(database: Database, actor: Actor): Promise<MigrationReport> {
  needOperator(actor)
  const { control, tenant } = database.admin.required
  const version = await database.admin.controlVersion()
  const [versions, behind] = await database.control({ as: 'operator' }, async (db) => [
    await db.query<{ version: number; tenants: number }>(sql`
      SELECT schema_version AS version, count(*)::integer AS tenants FROM tenants WHERE status <> 'deleted'
      GROUP BY schema_version ORDER BY schema_version`),
    await db.query<{ slug: string; schema: string; version: number }>(sql`
      SELECT slug, schema, schema_version AS version FROM tenants WHERE status <> 'deleted' AND schema_version < ${tenant}
      ORDER BY schema_version, slug LIMIT 100`),
  ])
  return {
    control: { version, required: control },
    tenant: { required: tenant },
    versions,
    behind: behind.map((row) => ({ ...row, served: row.version >= oldestServed(tenant) })),
  }
}

/** DESIGN section 8: one version behind is served during a roll-out, more is not; nor is a schema that was never made. */
export const oldestServed = (required: number): number => Math.max(1, required - 1)
