import type pg from 'pg'
import { insideNamed } from './inside.ts'
import type { Migration } from './migrations.ts'
import { withSnapshot, type Snapshot } from './table-copy.ts'
import { TransferFailed } from './transfer-failed.ts'

/** Compared, never copied: both servers must stand at the same version. */
const VERSIONS = 'schema_migrations'

/** The version of the source, when this program can make the same on another server. */
export async function versionOf(source: pg.Pool, schema: string, migrations: readonly Migration[]): Promise<number> {
  return await withSnapshot(source, schema, async ({ client }) => {
    const applied = await versionsIn(client, schema)
    if (applied.length > migrations.length)
      throw new TransferFailed(
        'refused',
        `${schema} was migrated by a newer version of this program: move it with that one`,
      )
    if (applied.some(({ sha256 }, index) => migrations[index]?.sha256 !== sha256))
      throw new TransferFailed('refused', `${schema} was made by other migrations than this program has`)
    return applied.length
  })
}

interface Applied {
  readonly version: number
  readonly sha256: string
}

async function versionsIn(client: pg.ClientBase, schema: string): Promise<readonly Applied[]> {
  const { rows } = await client.query<Applied>(`SELECT version, sha256 FROM ${schema}.${VERSIONS} ORDER BY version`)
  return rows
}

/** Same version, same tables, same columns: else rows would be lost, or have no place to go to. */
export async function assertAlike({ client, schema }: Snapshot, target: pg.ClientBase): Promise<void> {
  const columns = `SELECT pg_catalog.string_agg(pg_catalog.format('%s.%s %s %s %s', c.relname, a.attname,
      pg_catalog.format_type(a.atttypid, a.atttypmod), a.attgenerated, a.attnotnull), ', ' ORDER BY c.relname, a.attname) AS words
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.oid = ANY (${insideNamed('pg_class')}) AND c.relkind IN ('r', 'p', 'S')`
  const told = async (at: pg.ClientBase): Promise<string> => {
    const { rows } = await at.query<{ words: string }>(columns, [schema])
    return JSON.stringify([rows[0]?.words, await versionsIn(at, schema)])
  }
  if ((await told(client)) !== (await told(target)))
    throw new TransferFailed(
      'differs',
      `the tables of ${schema} are not the same on both servers: it was migrated meanwhile, or changed by hand`,
    )
}
