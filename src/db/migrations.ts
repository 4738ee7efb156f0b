import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type pg from 'pg'
import { packageRoot } from '#base/package.ts'
import { ROLE } from './names.ts'
import { statementsOf } from './statements.ts'

/** Which migrations a schema has had: Gatehouse's own, and those of TOOLS_DIR/sql. */
const LEDGER = 'schema_migrations'
export const TOOL_LEDGER = 'tool_migrations'
/** Made by the runner: no data of the tenant's. */
export const LEDGERS: readonly string[] = [LEDGER, TOOL_LEDGER]

export interface Migration {
  readonly version: number
  readonly name: string
  readonly sha256: string
  readonly text: string
}

/** One file of a migration could not be applied; what Postgres says of it is the cause. */
export class MigrationFailed extends Error {
  override readonly name = 'MigrationFailed'
  /** Its name, without the folder. */
  readonly file: string

  constructor(file: string, why: string, options?: ErrorOptions) {
    super(why, options)
    this.file = file
  }
}

/** The numbered files of sql/control or sql/tenant, in order. Their versions are 1, 2, 3 ... without a gap. */
export async function readMigrations(
  kind: 'control' | 'tenant',
  folder = join(packageRoot, 'sql', kind),
): Promise<readonly Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort()
  return await Promise.all(
    names.map(async (name, index) => {
      const version = Number(/^(\d{4})_[a-z0-9_]+\.sql$/.exec(name)?.[1])
      if (version !== index + 1) throw new Error(`sql/${kind}/${name} is not number ${index + 1}`)
      const text = await readFile(join(folder, name), 'utf8')
      return { version, name, sha256: createHash('sha256').update(text).digest('hex'), text }
    }),
  )
}

/**
 * Applies what is pending in one schema, as the owner role, within the caller's transaction. One runner at a time per schema.
 * Throws MigrationFailed, also when a file was changed after it was applied: nobody knows then what the schema holds; and what Postgres
 * says when there is no such schema.
 * Leaves the transaction in the owner's role and with the schema as its search_path.
 * @returns the version reached.
 */
export async function migrate(
  client: pg.ClientBase,
  schema: string,
  migrations: readonly Migration[],
  ledger = LEDGER,
): Promise<number> {
  await client.query(`SET LOCAL ROLE ${ROLE.owner}; SET LOCAL search_path = ${schema}, ext, pg_temp`)
  await client.query('SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended($1, 0))', [
    `gatehouse:${schema}`,
  ])
  // With the schema's name: one that was dropped meanwhile must be an error, not a reason to make tables in the next of the path.
  await client.query(`CREATE TABLE IF NOT EXISTS ${schema}.${ledger} (
    version integer PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`)
  const { rows: applied } = await client.query<{ version: number; name: string; sha256: string }>(
    `SELECT version, name, sha256 FROM ${ledger} ORDER BY version`,
  )
  for (const { version, name, sha256 } of applied) {
    const known = migrations[version - 1]
    // A newer program was here: its versions are additions that this one can live with (expand, then contract).
    if (known !== undefined && known.sha256 !== sha256)
      throw new MigrationFailed(name, `${name} was changed after it was applied to ${schema}`)
  }
  for (const { version, name, sha256, text } of migrations.slice(applied.length)) {
    try {
      for (const statement of statementsOf(text)) await client.query(statement)
    } catch (error) {
      throw new MigrationFailed(name, error instanceof Error ? error.message : String(error), { cause: error })
    }
    await client.query(`INSERT INTO ${ledger} (version, name, sha256) VALUES ($1, $2, $3)`, [version, name, sha256])
  }
  return Math.max(applied.length, migrations.length)
}
