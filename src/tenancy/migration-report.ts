import type { Database } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { needOperator } from './ledger.ts'
import type { Actor } from './registry.ts'
import { RegistryError } from './registry-error.ts'
import { rfc3339, rfc3339OrNull } from './tenant-row.ts'

export interface MigrationReport {
  /** Versions of the registry: what it has (null: none yet), and what this program needs. */
  readonly control: { readonly version: number | null; readonly required: number }
  /** Versions of a tenant's schema: what this program needs, and the oldest that it serves. */
  readonly tenant: { readonly required: number; readonly oldestServed: number }
  /** How many tenants have which version on which Postgres server, the lowest first; deleted ones are not counted. */
  readonly versions: readonly { readonly placement: string; readonly version: number; readonly tenants: number }[]
  readonly behindInAll: number
  /** Those below the required version, the lowest first; 100 at most. */
  readonly behind: readonly {
    readonly slug: string
    readonly schema: string
    readonly placement: string
    readonly version: number
    /** false: too far behind, so that its people get 503. */
    readonly served: boolean
  }[]
  /** Those that are behind because their last migration failed, the latest first; 100 at most. */
  readonly failures: readonly MigrationFailureRecord[]
  /** Of `migrate`, the latest first; 5 at most. */
  readonly runs: readonly MigrationRunRecord[]
}

interface MigrationFailureRecord {
  readonly slug: string
  readonly schema: string
  /** Of sql/tenant; null: before or after the files. */
  readonly file: string | null
  readonly error: string
  readonly sqlstate: string | null
  readonly hint: string | null
  readonly failed_at: string
}

interface MigrationRunRecord {
  /** Host and process number. */
  readonly runner: string
  readonly version: number
  readonly started_at: string
  readonly ended_at: string | null
  /** It gave a sign of life in the last 15 seconds. Neither this nor ended: it was killed. */
  readonly running: boolean
  readonly total: number
  readonly done: number
  readonly failed: number
}

/** Which versions there are, what failed and what runs, as the database says now. Operators only. */
export async function migrationReport(
  database: Database,
  actor: Actor,
  only: readonly string[] | null = null,
): Promise<MigrationReport> {
  needOperator(actor)
  const { control, tenant, tools } = database.admin.required
  const version = await database.admin.controlVersion()
  if (version === null)
    throw new RegistryError('conflict', 'the registry is not migrated to this version: run `gatehouse migrate` first')
  const [versions, behind, counted, failures, runs] = await database.control({ as: 'operator' }, async (db) => {
    // A registry that is behind itself has neither failures nor runs yet, and does not count migrations of tools.
    const [kept] = await db.query<{ kept: boolean }>(sql`SELECT to_regclass('migration_runs') IS NOT NULL AS kept`)
    return [
      await db.query<MigrationReport['versions'][number]>(sql`
      SELECT placement, schema_version AS version, count(*)::integer AS tenants FROM tenants
      WHERE status <> 'deleted' AND (${only}::text[] IS NULL OR slug = ANY (${only}) OR schema = ANY (${only}))
      GROUP BY placement, schema_version ORDER BY schema_version, placement`),
      await db.query<Omit<MigrationReport['behind'][number], 'served'>>(sql`
      SELECT slug, schema, placement, schema_version AS version FROM tenants
      WHERE status <> 'deleted' AND (schema_version < ${tenant} OR coalesce((to_jsonb(tenants) ->> 'tools_version')::integer, 0) < ${tools}) ORDER BY schema_version, slug LIMIT 100`),
      await db.query<{ count: number }>(sql`
      SELECT count(*)::integer AS count FROM tenants WHERE status <> 'deleted' AND (schema_version < ${tenant} OR coalesce((to_jsonb(tenants) ->> 'tools_version')::integer, 0) < ${tools})`),
      kept?.kept !== true
        ? []
        : await db.query<Omit<MigrationFailureRecord, 'failed_at'> & { failed_at: Date }>(sql`
      SELECT t.slug, t.schema, f.file, f.error, f.sqlstate, f.hint, f.failed_at FROM migration_failures f JOIN tenants t ON t.id = f.tenant_id
      WHERE t.status <> 'deleted' AND (t.schema_version < ${tenant} OR coalesce((to_jsonb(t) ->> 'tools_version')::integer, 0) < ${tools}) ORDER BY f.failed_at DESC LIMIT 100`),
      kept?.kept !== true
        ? []
        : await db.query<
            Omit<MigrationRunRecord, 'started_at' | 'ended_at'> & { started_at: Date; ended_at: Date | null }
          >(sql`
      SELECT runner, version, started_at, ended_at, ended_at IS NULL AND seen_at > now() - interval '15 seconds' AS running, total, done, failed
      FROM migration_runs ORDER BY started_at DESC LIMIT 5`),
    ] as const
  })
  const oldest = oldestServed(tenant)
  return {
    control: { version, required: control },
    tenant: { required: tenant, oldestServed: oldest },
    versions,
    behindInAll: counted[0]?.count ?? 0,
    behind: behind.map((row) => ({ ...row, served: row.version >= oldest })),
    failures: failures.map((row) => ({ ...row, failed_at: rfc3339(row.failed_at) })),
    runs: runs.map((row) => ({
      ...row,
      started_at: rfc3339(row.started_at),
      ended_at: rfc3339OrNull(row.ended_at),
    })),
  }
}

/** Throws RegistryError `unknown` for the first that is no slug or schema of a tenant. Operators only. */
export async function assertTenants(database: Database, actor: Actor, names: readonly string[]): Promise<void> {
  needOperator(actor)
  const known = await database.control(
    { as: 'operator' },
    async (db) =>
      await db.query<{ slug: string; schema: string }>(sql`
      SELECT slug, schema FROM tenants WHERE status <> 'deleted' AND (slug = ANY (${names}) OR schema = ANY (${names}))`),
  )
  const missing = names.find((name) => !known.some(({ slug, schema }) => slug === name || schema === name))
  if (missing !== undefined) throw new RegistryError('unknown', `there is no tenant ${missing}`)
}

/** DESIGN section 8: one version behind is served during a roll-out, more is not; nor is a schema that was never made. */
export const oldestServed = (required: number): number => Math.max(1, required - 1)
