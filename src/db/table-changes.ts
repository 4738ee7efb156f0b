import { createHash } from 'node:crypto'
import { pipeline } from 'node:stream/promises'
import type pg from 'pg'
import { sqlState } from './errors.ts'
import type { Table } from './rows.ts'
import { columnList, nameOf, tableIn, tableOut, type Snapshot } from './table-copy.ts'

/** Rows of one table that were brought over. */
export interface TableChanges {
  /** Written since the horizon; some of them may have been there already. */
  readonly written: number
  /** No longer at the source. */
  readonly deleted: number
}

/** Half of what 32-bit transaction numbers can tell apart: beyond it nobody knows what is newer. */
const FARTHEST = 2n ** 30n
const CYCLE = 2n ** 32n

/** Can changes since `horizon` still be told by row versions, at a server that stands at `now`? */
export const isInReach = (horizon: string, now: string): boolean => {
  const passed = BigInt(now) - BigInt(horizon)
  return passed >= 0n && passed < FARTHEST
}

/**
 * Makes tables of `target` equal to the snapshot, given that they were equal to one with this horizon: rows whose version is not older
 * are written over, in the order of foreign keys; then rows that are no longer there are deleted, the other way round. Run again with the
 * same horizon it changes nothing. Looks at neither rights nor triggers. Costs a scan of each table and memory for none.
 */
export async function bringChanges(
  snapshot: Snapshot,
  target: pg.PoolClient,
  tables: readonly Table[],
  horizon: string,
): Promise<Readonly<Record<string, TableChanges>>> {
  const written: Record<string, number> = {}
  const deleted: Record<string, number> = {}
  const dropped: string[] = []
  const stage = nameOf('gatehouse', `stage_${createHash('sha256').update(snapshot.schema).digest('hex').slice(0, 20)}`)
  for (const table of tables) {
    const since = `pg_catalog.age(t.xmin) <= pg_catalog.age('${BigInt(horizon) % CYCLE}'::pg_catalog.xid)`
    written[table.name] = await staged(
      snapshot,
      target,
      table,
      stage,
      { columns: table.columns, where: since },
      async () => await writeOver(snapshot, target, table, stage, dropped),
    )
  }
  for (const table of tables.toReversed()) {
    if ((await countOf(snapshot.client, snapshot.schema, table)) === (await countOf(target, snapshot.schema, table)))
      continue
    deleted[table.name] = await deleteGone(snapshot, target, table, stage)
  }
  for (const statement of dropped.toReversed()) await target.query(statement)
  return Object.fromEntries(
    tables.map(({ name }) => [name, { written: written[name] ?? 0, deleted: deleted[name] ?? 0 }]),
  )
}

/** Rows of the source in a table beside the target's, for `work`, and gone after it. Nothing is done when there are none. */
async function staged(
  { client, schema }: Snapshot,
  target: pg.PoolClient,
  table: Table,
  stage: string,
  { columns, where }: { readonly columns: readonly string[]; readonly where?: string },
  work: () => Promise<unknown>,
): Promise<number> {
  const [space = '', name = ''] = stage.split('.').map((part) => part.slice(1, -1))
  // Without the constraints, which hold for the table alone.
  await target.query(
    `CREATE UNLOGGED TABLE ${stage} AS SELECT ${columnList(columns)} FROM ${nameOf(schema, table.name)} WITH NO DATA`,
  )
  const into = tableIn(target, space, { name, columns })
  await pipeline(tableOut(client, schema, { ...table, columns }, where), into)
  if (into.rowCount > 0 || where === undefined) await work()
  await target.query(`DROP TABLE ${stage}`)
  return into.rowCount
}

/** @param dropped statements that put back what had to be taken away for it */
async function writeOver(
  snapshot: Snapshot,
  target: pg.PoolClient,
  table: Table,
  stage: string,
  dropped: string[],
): Promise<void> {
  const { schema } = snapshot
  const name = nameOf(schema, table.name)
  const key = table.key.map((column) => column.name)
  const fixed = new Set([...key, ...(await alwaysIdentity(target, schema, table))])
  const rest = table.columns.filter((column) => !fixed.has(column))
  const insert = `INSERT INTO ${name} (${columnList(table.columns)}) OVERRIDING SYSTEM VALUE SELECT ${columnList(table.columns)} FROM ${stage}`
  const set = rest.map((column) => `${columnList([column])} = EXCLUDED.${columnList([column])}`).join(', ')
  await target.query('SAVEPOINT write_over')
  try {
    await target.query(`${insert} ON CONFLICT (${columnList(key)}) DO ${set === '' ? 'NOTHING' : `UPDATE SET ${set}`}`)
  } catch (error) {
    // Two rows changed places under a unique index, or one took what a deleted one had: the old ones go first, all at once.
    if (sqlState(error) !== '23505' && sqlState(error) !== '23P01') throw error
    await target.query('ROLLBACK TO write_over')
    await takeReferences(target, schema, table, dropped)
    await target.query(`DELETE FROM ${name} t USING ${stage} s WHERE ${sameKey(table)}`)
    await deleteGone(snapshot, target, table, `${stage.slice(0, -1)}_k"`)
    await target.query(insert)
  }
  await target.query('RELEASE write_over')
}

/** Rows of the target whose keys the source does not have. Answers how many there were. */
async function deleteGone(snapshot: Snapshot, target: pg.PoolClient, table: Table, stage: string): Promise<number> {
  const columns = table.key.map((column) => column.name)
  let deleted = 0
  await staged(snapshot, target, table, stage, { columns }, async () => {
    const { rowCount } = await target.query(
      `DELETE FROM ${nameOf(snapshot.schema, table.name)} t WHERE NOT EXISTS (SELECT FROM ${stage} s WHERE ${sameKey(table)})`,
    )
    deleted = rowCount ?? 0
  })
  return deleted
}

const sameKey = ({ key }: Table): string =>
  key.map(({ name }) => `${columnList([name], 's')} = ${columnList([name], 't')}`).join(' AND ')

async function countOf(client: pg.ClientBase, schema: string, table: Table): Promise<string | undefined> {
  const { rows } = await client.query<{ rows: string }>(
    `SELECT count(*)::text AS rows FROM ${nameOf(schema, table.name)}`,
  )
  return rows[0]?.rows
}

async function alwaysIdentity(client: pg.ClientBase, schema: string, { name }: Table): Promise<readonly string[]> {
  const { rows } = await client.query<{ column: string }>(
    `SELECT attname::text AS column FROM pg_catalog.pg_attribute WHERE attrelid = $1::regclass AND attidentity = 'a'`,
    [nameOf(schema, name)],
  )
  return rows.map(({ column }) => column)
}

/** Takes away the foreign keys that refer to a table, so that its rows can be replaced without taking others with them. */
async function takeReferences(
  client: pg.ClientBase,
  schema: string,
  { name }: Table,
  dropped: string[],
): Promise<void> {
  const { rows } = await client.query<{ child: string; name: string; words: string }>(
    `SELECT k.conrelid::pg_catalog.regclass::text AS child, pg_catalog.quote_ident(k.conname) AS name,
      pg_catalog.pg_get_constraintdef(k.oid) AS words
      FROM pg_catalog.pg_constraint k WHERE k.contype = 'f' AND k.confrelid = $1::regclass AND k.conparentid = 0`,
    [nameOf(schema, name)],
  )
  for (const { child, name: constraint, words } of rows) {
    await client.query(`ALTER TABLE ${child} DROP CONSTRAINT ${constraint}`)
    dropped.push(`ALTER TABLE ${child} ADD CONSTRAINT ${constraint} ${words}`)
  }
}
