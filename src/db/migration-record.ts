import { hostname } from 'node:os'
import { uuidv7 } from '#base/id.ts'
import type { ControlDb, MigrationFailure } from './database.ts'
import { sql } from './sql.ts'

/** A tenant that is below the version, as its registry row said when it was read. */
export interface Behind {
  readonly id: string
  readonly slug: string
  readonly schema: string
  readonly placement: string
}

/** What a schema should have had: of Gatehouse's own migrations, and of TOOLS_DIR/sql. */
export interface Wanted {
  readonly tenant: number
  readonly tools: number
}

export interface Selection {
  readonly wanted: Wanted
  /** Slugs or names of schemas; null: all. */
  readonly only: readonly string[] | null
}

/** How many tenants of which placement are below the version; deleted ones are not counted. */
export async function countBehind(
  db: ControlDb,
  { wanted: { tenant, tools }, only }: Selection,
): Promise<readonly { readonly placement: string; readonly tenants: number }[]> {
  return await db.query(sql`
    SELECT placement, count(*)::integer AS tenants FROM tenants
    WHERE status <> 'deleted' AND (schema_version < ${tenant} OR tools_version < ${tools})
      AND (${only}::text[] IS NULL OR slug = ANY (${only}) OR schema = ANY (${only}))
    GROUP BY placement ORDER BY placement`)
}

/** Some of them, in the order in which they were made, so that those made meanwhile come last. @param after id of the last one seen. */
export async function readBehind(
  db: ControlDb,
  { wanted: { tenant, tools }, only }: Selection,
  placement: string,
  after: string | null,
  limit: number,
): Promise<Behind[]> {
  return await db.query<Behind>(sql`
    SELECT id, slug, schema, placement FROM tenants
    WHERE status <> 'deleted' AND (schema_version < ${tenant} OR tools_version < ${tools}) AND placement = ${placement}
      AND (${after}::uuid IS NULL OR id > ${after})
      AND (${only}::text[] IS NULL OR slug = ANY (${only}) OR schema = ANY (${only}))
    ORDER BY id LIMIT ${limit}`)
}

/** Those to try first: the named ones, or so many of the oldest, whose last migration did not fail if there are such. */
export async function readCanaries(
  db: ControlDb,
  { wanted: { tenant, tools }, only }: Selection,
  canary: number | readonly string[],
): Promise<readonly Behind[]> {
  const slugs = typeof canary === 'number' ? null : canary
  const most = typeof canary === 'number' ? canary : canary.length
  return await db.query<Behind>(sql`
    SELECT id, slug, schema, placement FROM tenants
    WHERE status <> 'deleted' AND (schema_version < ${tenant} OR tools_version < ${tools})
      AND (${slugs}::text[] IS NULL OR slug = ANY (${slugs}))
      AND (${only}::text[] IS NULL OR slug = ANY (${only}) OR schema = ANY (${only}))
    ORDER BY id IN (SELECT tenant_id FROM migration_failures), status <> 'active', id LIMIT ${most}`)
}

/** Where the tenant is now; null: deleted, or at the version already. */
export async function stillBehind(db: ControlDb, id: string, { tenant, tools }: Wanted): Promise<Behind | null> {
  const [row] = await db.query<Behind>(sql`
    SELECT id, slug, schema, placement FROM tenants
    WHERE id = ${id} AND status <> 'deleted' AND (schema_version < ${tenant} OR tools_version < ${tools})`)
  return row ?? null
}

/** A command without TOOLS_DIR knows of no tools' migrations: what is there stays. */
export async function setVersion(db: ControlDb, schema: string, { tenant, tools }: Wanted): Promise<void> {
  await db.query(sql`
    UPDATE tenants SET schema_version = ${tenant}, tools_version = greatest(tools_version, ${tools}) WHERE schema = ${schema}`)
}

export async function forgetFailure(db: ControlDb, id: string): Promise<void> {
  await db.query(sql`DELETE FROM migration_failures WHERE tenant_id = ${id}`)
}

export async function noteFailure(db: ControlDb, id: string, failure: MigrationFailure): Promise<void> {
  const { file, error, sqlstate, hint } = failure
  await db.query(sql`
    INSERT INTO migration_failures (tenant_id, file, error, sqlstate, hint, failed_at)
    VALUES (${id}, ${file}, ${error}, ${sqlstate}, ${hint}, now())
    ON CONFLICT (tenant_id) DO UPDATE SET file = excluded.file, error = excluded.error, sqlstate = excluded.sqlstate,
      hint = excluded.hint, failed_at = excluded.failed_at`)
}

export interface RunState {
  readonly total: number
  readonly done: number
  readonly failed: number
}

/** How many runs are kept, for whoever asks when the last one was. */
const KEPT = 20

/** @returns the id of the run. */
export async function beginRun(db: ControlDb, version: number, total: number): Promise<string> {
  const id = uuidv7()
  await db.query(sql`
    INSERT INTO migration_runs (id, runner, version, started_at, seen_at, total, done, failed)
    VALUES (${id}, ${`${hostname()} ${process.pid}`.slice(0, 200)}, ${version}, now(), now(), ${total}, 0, 0)`)
  await db.query(sql`
    DELETE FROM migration_runs WHERE id NOT IN (SELECT id FROM migration_runs ORDER BY started_at DESC LIMIT ${KEPT})`)
  return id
}

export async function noteRun(db: ControlDb, id: string, state: RunState, ended: boolean): Promise<void> {
  await db.query(sql`
    UPDATE migration_runs SET total = ${state.total}, done = ${state.done}, failed = ${state.failed}, seen_at = now(),
      ended_at = CASE WHEN ${ended}::boolean THEN now() END
    WHERE id = ${id}`)
}
