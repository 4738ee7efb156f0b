import type pg from 'pg'
import { columnList, nameOf } from './table-copy.ts'
import type { Table } from './rows.ts'

/** How closely two copies of a table are compared: how many rows, also which keys, or every column of every row. */
export type Closeness = 'counts' | 'keys' | 'rows'

interface TableDigest {
  readonly rows: number
  /** A sum over hashes, so that the order of rows does not matter; null when only counted. */
  readonly digest: string | null
}

/**
 * A table as this connection's transaction sees it. The same rows give the same digest on servers of version 15 to 18; it shows mistakes, and is
 * no protection against somebody who builds collisions. Generated columns are left out: another server may make them otherwise.
 */
async function digestOf(
  client: pg.ClientBase,
  schema: string,
  table: Table,
  closeness: Closeness,
): Promise<TableDigest> {
  const { rows } = await client.query<{ rows: string; digest: string | null }>(
    `SELECT count(*)::text AS rows, ${digestWords(table, closeness)} AS digest FROM ${nameOf(schema, table.name)} t`,
  )
  return { rows: Number(rows[0]?.rows ?? 0), digest: rows[0]?.digest ?? null }
}

function digestWords({ columns, key }: Table, closeness: Closeness): string {
  if (closeness === 'counts') return 'NULL'
  const keys = columnList(
    key.map(({ name }) => name),
    't',
  )
  const hash =
    closeness === 'keys'
      ? `pg_catalog.hash_record_extended(ROW(${keys}), 0)`
      : `pg_catalog.hashtextextended(ROW(${columnList(columns, 't')})::text, 0)`
  return `coalesce(pg_catalog.sum(${hash}::numeric), 0)::text`
}

/** What differs between two servers' copies, in words; null: nothing. Both are read at once. */
export async function difference(
  source: pg.ClientBase,
  target: pg.ClientBase,
  schema: string,
  table: Table,
  closeness: Closeness,
): Promise<string | null> {
  const [here, there] = await Promise.all([
    digestOf(source, schema, table, closeness),
    digestOf(target, schema, table, closeness),
  ])
  if (here.rows !== there.rows)
    return `${table.name} has ${here.rows} rows at the source and ${there.rows} at the target`
  if (here.digest !== there.digest)
    return `${table.name} has the same number of rows on both servers and not the same ${closeness}`
  return null
}
