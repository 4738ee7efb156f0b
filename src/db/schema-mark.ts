import type pg from 'pg'

/**
 * What a copy of a tenant's schema is, on the server that holds it: a comment on the schema, so that it stands where the rows stand.
 * `copy`: being filled by a move, and by whom. `arrived`: filled and about to be the tenant's. `left`: the tenant has moved on.
 */
export interface SchemaMark {
  readonly what: 'copy' | 'arrived' | 'left'
  /** Id of the move. */
  readonly move: string
  /** Id of the process that works on it. */
  readonly holder: string
}

const MARK = /^gatehouse move: (copy|arrived|left) ([0-9a-f-]{36}) ([0-9a-f-]{36})$/

/**
 * null: a schema without a mark, which is a tenant's own; undefined: there is no such schema. Makes others wait until the
 * transaction ends. In a transaction of the owner's.
 */
export async function readMark(client: pg.ClientBase, schema: string): Promise<SchemaMark | null | undefined> {
  await lockSchema(client, schema)
  const { rows } = await client.query<{ mark: string | null }>(
    `SELECT pg_catalog.obj_description(oid, 'pg_namespace') AS mark FROM pg_catalog.pg_namespace WHERE nspname = $1`,
    [schema],
  )
  const [row] = rows
  if (row === undefined) return undefined
  const [, what, move = '', holder = ''] = MARK.exec(row.mark ?? '') ?? []
  return what === 'copy' || what === 'arrived' || what === 'left' ? { what, move, holder } : null
}

/** @param mark null: takes it away. In a transaction of the owner's. */
export async function writeMark(client: pg.ClientBase, schema: string, mark: SchemaMark | null): Promise<void> {
  const words = mark === null ? 'NULL' : `'gatehouse move: ${mark.what} ${mark.move} ${mark.holder}'`
  await client.query(`COMMENT ON SCHEMA ${schema} IS ${words}`)
}

/** The lock of the migrations (migrations.ts): whoever changes a schema's structure or its mark comes one after another. */
async function lockSchema(client: pg.ClientBase, schema: string): Promise<void> {
  await client.query('SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended($1, 0))', [
    `gatehouse:${schema}`,
  ])
}
