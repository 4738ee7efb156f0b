import type { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import { named } from './errors.ts'
import { insideNamed } from './inside.ts'
import { assertSchema, ROLE } from './names.ts'
import { extended, lease } from './pool.ts'
import { tablesIn, type Table } from './rows.ts'

/**
 * Rows of whole tables from one Postgres server to another, or to a file, with COPY: streamed, so that memory does not grow with the rows.
 * In text, which servers of different versions (15 to 18) read alike. The embedded database speaks no COPY over its socket and is
 * neither source nor target.
 */

/** What a snapshot is read with, and what is in it. */
export interface Snapshot {
  /** In REPEATABLE READ, as the tables' owner: the snapshot is taken. */
  readonly client: pg.PoolClient
  readonly schema: string
  /** Each after those it refers to. Partitions are not listed, their tables are. */
  readonly tables: readonly Table[]
  /**
   * The oldest transaction that was open when the snapshot was taken (a 64-bit number). Whatever the snapshot may not hold was written by
   * this one or a later one.
   */
  readonly horizon: string
}

/** Text that reads back as it was on every server, whatever its settings. No time limit: a snapshot takes as long as its rows. */
export const COPY_SETTINGS = [
  `SET LOCAL search_path = ''`,
  'SET LOCAL statement_timeout = 0',
  'SET LOCAL idle_in_transaction_session_timeout = 0',
  `SET LOCAL client_encoding = 'UTF8'`,
  `SET LOCAL DateStyle = 'ISO, YMD'`,
  `SET LOCAL IntervalStyle = 'postgres'`,
  `SET LOCAL TimeZone = 'UTC'`,
  'SET LOCAL extra_float_digits = 1',
  `SET LOCAL bytea_output = 'hex'`,
  // A policy that hides rows from the owner (FORCE ROW LEVEL SECURITY) must fail the copy, not thin it out.
  'SET LOCAL row_security = off',
].join('; ')

/**
 * Reads a tenant's tables as they were at one moment. `work` may take as long as it likes; it holds back vacuum meanwhile, no writer.
 * A connection on which something went wrong is destroyed. Throws as database.ts says, and what `work` throws.
 */
export async function withSnapshot<T>(
  pool: pg.Pool,
  schema: string,
  work: (snapshot: Snapshot) => Promise<T>,
): Promise<T> {
  assertSchema(schema)
  return await onOne(pool, async (client) => {
    await client.query(
      `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; ${COPY_SETTINGS}; SET LOCAL ROLE ${ROLE.owner}; SET LOCAL search_path = ${schema}, pg_temp`,
    )
    const { rows } = await client.query<{ horizon: string }>(
      `SELECT pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())::text AS horizon`,
    )
    const tables = await tablesIn({
      query: async <Row extends object>(statement: { text: string; values: readonly unknown[] }) =>
        (await client.query<Row>(extended(statement.text, statement.values))).rows,
    })
    await client.query(`SET LOCAL search_path = ''`)
    return await work({ client, schema, tables, horizon: rows[0]?.horizon ?? '0' })
  })
}

/** One transaction that writes whole tables as their owner. Committed when `work` resolves; nothing of it stays otherwise. */
export async function withOwner<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  return await onOne(pool, async (client) => {
    await client.query(`BEGIN; ${COPY_SETTINGS}; SET LOCAL ROLE ${ROLE.owner}`)
    return await work(client)
  })
}

async function onOne<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await lease(pool)
  try {
    const result = await work(client)
    const { command } = await client.query('COMMIT')
    if (command !== 'COMMIT') throw new Error(`the server answered COMMIT with ${command}`)
    client.release()
    return result
  } catch (error) {
    // It may stand in the middle of a COPY, which nothing but its end can end.
    client.release(true)
    throw named(error)
  }
}

/**
 * The rows of a table as COPY writes them, one line each. Must be read to its end, or the connection be destroyed.
 * @param where a condition of ours on the row `t`; absent: all rows
 */
export function tableOut(client: pg.PoolClient, schema: string, table: Table, where = 'true'): Readable {
  const columns = columnList(table.columns, 't')
  return client.query(copyTo(`COPY (SELECT ${columns} FROM ${nameOf(schema, table.name)} t WHERE ${where}) TO STDOUT`))
}

/** What `tableOut` gave into a table with the same columns. `rowCount` is there when it has finished. */
export function tableIn(
  client: pg.PoolClient,
  schema: string,
  { name, columns }: Pick<Table, 'name' | 'columns'>,
): Writable & { readonly rowCount: number } {
  return client.query(copyFrom(`COPY ${nameOf(schema, name)} (${columnList(columns)}) FROM STDIN`))
}

/** All of one table from one connection to the other, no faster than the slower of them. Answers how many rows. */
async function copyTable(
  { client, schema }: Pick<Snapshot, 'client' | 'schema'>,
  target: pg.PoolClient,
  table: Table,
): Promise<number> {
  const into = tableIn(target, schema, table)
  await pipeline(tableOut(client, schema, table), into)
  return into.rowCount
}

/**
 * Every table of the snapshot but `except` into the same, empty tables of `target`. Sequences are not among them (`copySequences`).
 * Answers rows by table. `onTable` is told after each.
 */
export async function copyTables(
  snapshot: Snapshot,
  target: pg.PoolClient,
  {
    except = [],
    onTable,
  }: { readonly except?: readonly string[]; readonly onTable?: (name: string, rows: number) => void },
): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {}
  for (const table of snapshot.tables) {
    if (except.includes(table.name)) continue
    const rows = await copyTable(snapshot, target, table)
    counts[table.name] = rows
    onTable?.(table.name, rows)
  }
  return counts
}

/** Sequences go on where the snapshot's stand. They are outside of every transaction: only what comes after the last writer is exact. */
export async function copySequences({ client, schema }: Snapshot, target: pg.PoolClient): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT c.relname::text AS name FROM pg_catalog.pg_class c
      WHERE c.oid = ANY (${insideNamed('pg_class')}) AND c.relkind = 'S' ORDER BY 1`,
    [schema],
  )
  for (const { name } of rows) {
    const sequence = nameOf(schema, name)
    const { rows: states } = await client.query<{ last: string; called: boolean }>(
      `SELECT last_value::text AS last, is_called AS called FROM ${sequence}`,
    )
    const [state] = states
    if (state !== undefined)
      await target.query('SELECT pg_catalog.setval($1::regclass, $2::bigint, $3)', [sequence, state.last, state.called])
  }
}

/** A name of the catalogue, quoted. */
export const nameOf = (schema: string, name: string): string =>
  `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`

/** Columns for a statement, quoted. */
export const columnList = (columns: readonly string[], of?: string): string =>
  columns.map((column) => `${of === undefined ? '' : `${of}.`}${pg.escapeIdentifier(column)}`).join(', ')
