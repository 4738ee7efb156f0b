import type { Queryable } from './database.ts'
import { sql, type Sql } from './sql.ts'

/** A column as the catalogue says it is. */
interface Column {
  readonly name: string
  /** As Postgres writes it: `timestamp with time zone`. */
  readonly type: string
}

/** A table whose rows go out or come in as a whole. */
export interface Table {
  readonly name: string
  /** Those that are written; generated ones are not among them. */
  readonly columns: readonly string[]
  /** The primary key, in its order. */
  readonly key: readonly Column[]
  /** Only rows of this tenant: for tables of the registry, which hold those of all. */
  readonly of?: { readonly column: string; readonly tenant: string }
}

export interface Batch {
  /** One JSON object each, without line breaks. */
  readonly lines: readonly string[]
  /** Where the next batch begins; null: there was nothing more. */
  readonly last: readonly string[] | null
}

export interface BatchOptions {
  /** `last` of the batch before; null: the first one. */
  readonly after: readonly string[] | null
  readonly rows: number
  /** Octets of all lines together; the last of them may go beyond it. */
  readonly bytes: number
}

const NAME = /^[a-z_][a-z0-9_]{0,62}$/
/** What format_type can answer for a key that rows are sorted by. */
const TYPE = /^[a-z][a-z0-9 ]{0,60}(?:\(\d{1,5}(?:,\d{1,5})?\))?(?: with(?:out)? time zone)?$/

/**
 * The tables of the schema that `db` speaks to, each after those it refers to by foreign key, so that rows can be inserted in this order.
 * Throws TypeError for what cannot be told in NDJSON and back: a table without a primary key, names of other than a-z 0-9 _, tables
 * that refer to each other in a circle.
 */
export async function tablesIn(db: Queryable): Promise<readonly Table[]> {
  const columns = await db.query<Column & { table: string; generated: boolean; position: number | null }>(sql`
    SELECT c.relname::text AS table, a.attname::text AS name, pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
      a.attgenerated <> '' AS generated,
      (SELECT k.position FROM pg_catalog.pg_index i, pg_catalog.unnest(i.indkey) WITH ORDINALITY AS k (attnum, position)
        WHERE i.indrelid = c.oid AND i.indisprimary AND k.attnum = a.attnum)::integer AS position
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = pg_catalog.to_regnamespace(pg_catalog.current_schema()::text) AND c.relkind IN ('r', 'p')
      AND NOT c.relispartition
    ORDER BY c.relname, a.attnum`)
  const references = await db.query<{ child: string; parent: string }>(sql`
    SELECT DISTINCT c.relname::text AS child, p.relname::text AS parent FROM pg_catalog.pg_constraint k
      JOIN pg_catalog.pg_class c ON c.oid = k.conrelid JOIN pg_catalog.pg_class p ON p.oid = k.confrelid
    WHERE k.contype = 'f' AND k.conrelid <> k.confrelid
      AND c.relnamespace = pg_catalog.to_regnamespace(pg_catalog.current_schema()::text)`)
  const tables = [...new Set(columns.map(({ table }) => table))].map((name) => {
    const all = columns.filter(({ table }) => table === name)
    return {
      name,
      columns: all.filter(({ generated }) => !generated).map((column) => column.name),
      key: all
        .filter(({ position }) => position !== null)
        .sort((a, b) => (a.position ?? 0) - (b.position ?? 0))
        .map((column) => ({ name: column.name, type: column.type })),
    }
  })
  for (const table of tables) assertPlain(table)
  return parentsFirst(tables, references)
}

function parentsFirst(
  tables: readonly Table[],
  references: readonly { readonly child: string; readonly parent: string }[],
): readonly Table[] {
  const sorted: Table[] = []
  for (let waiting = tables; waiting.length > 0;) {
    const ready = waiting.filter(
      ({ name }) =>
        !references.some(({ child, parent }) => child === name && waiting.some((one) => one.name === parent)),
    )
    if (ready.length === 0)
      throw new TypeError(`these tables refer to each other in a circle: ${waiting.map(({ name }) => name).join(', ')}`)
    sorted.push(...ready)
    waiting = waiting.filter((table) => !ready.includes(table))
  }
  return sorted
}

/** The next rows in the order of the primary key. Every value is as `to_jsonb` writes it: numbers exact, times with microseconds. */
export async function readRows(db: Queryable, table: Table, { after, rows, bytes }: BatchOptions): Promise<Batch> {
  assertPlain(table)
  const { columns, key, of } = table
  const keys = key.map(({ name }) => quoted(name)).join(', ')
  const values: unknown[] = []
  const bind = (value: unknown): string => `$${values.push(value)}`
  const conditions = [
    ...(of === undefined ? [] : [`${quoted(of.column)} = ${bind(of.tenant)}::uuid`]),
    ...(after === null
      ? []
      : [`(${keys}) > (${key.map(({ type }, index) => `${bind(after[index])}::${type}`).join(', ')})`]),
  ]
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`
  const inner = `SELECT ${columns.map(quoted).join(', ')} FROM ${quoted(table.name)}${where} ORDER BY ${keys} LIMIT ${bind(rows)}`
  const sorted = key.map(({ name }) => `r.${quoted(name)}`)
  const found = await db.query<{ line: string; last: string[] }>(
    composed(
      `SELECT w.line, w.last FROM (
        SELECT l.line, l.last, l.n, pg_catalog.sum(pg_catalog.octet_length(l.line)) OVER (ORDER BY l.n) AS running FROM (
          SELECT pg_catalog.to_jsonb(r)::text AS line, ARRAY[${sorted.map((one) => `${one}::text`).join(', ')}] AS last,
            pg_catalog.row_number() OVER (ORDER BY ${sorted.join(', ')}) AS n
          FROM (${inner}) AS r) AS l) AS w
      WHERE w.running - pg_catalog.octet_length(w.line) < ${bind(bytes)} ORDER BY w.n`,
      values,
    ),
  )
  return { lines: found.map(({ line }) => line), last: found.at(-1)?.last ?? null }
}

/**
 * Rows as `readRows` gave them, with every value bound. A key of a line that is no column of `columns` is passed over: look before.
 * Throws what Postgres says of rows that do not fit.
 */
export async function insertRows(
  db: Queryable,
  table: Pick<Table, 'name'>,
  columns: readonly string[],
  lines: readonly string[],
): Promise<void> {
  for (const name of [table.name, ...columns]) assertName(name)
  const list = columns.map(quoted).join(', ')
  const text = `INSERT INTO ${quoted(table.name)} (${list})
    SELECT ${list} FROM pg_catalog.jsonb_populate_recordset(NULL::${quoted(table.name)}, $1::jsonb)`
  await db.query(composed(text, [`[${lines.join(',')}]`]))
}

export async function isEmpty(db: Queryable, { name }: Pick<Table, 'name'>): Promise<boolean> {
  assertName(name)
  return (await db.query(composed(`SELECT 1 AS one FROM ${quoted(name)} LIMIT 1`, []))).length === 0
}

/** The one place where a statement's text is put together: of names that `assertName` let pass, and nothing that anybody sent. */
function composed(text: string, values: readonly unknown[]): Sql {
  const parts = text.split(/\$\d+/)
  const order = [...text.matchAll(/\$(\d+)/g)].map(([, index]) => values[Number(index) - 1])
  return sql(Object.assign(parts, { raw: parts }), ...order)
}

const quoted = (name: string): string => `"${name}"`

function assertName(name: string): void {
  if (!NAME.test(name)) throw new TypeError(`${JSON.stringify(name)} is no name of a table or column for this`)
}

function assertPlain({ name, columns, key, of }: Table): void {
  for (const each of [name, ...columns, ...key.map((column) => column.name), ...(of === undefined ? [] : [of.column])])
    assertName(each)
  if (key.length === 0) throw new TypeError(`the table ${name} has no primary key`)
  const odd = key.find(({ type }) => !TYPE.test(type))
  if (odd !== undefined) throw new TypeError(`the table ${name} is sorted by a ${odd.type}`)
}
