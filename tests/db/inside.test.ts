import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { insideNamed } from '#db/inside.ts'
import { readMigrations } from '#db/migrations.ts'
import { appRole, schemaName } from '#db/names.ts'
import { createTenantSchema, hasRights, revokeRights, tablesOf } from '#db/tenant-schema.ts'
import { freshDatabase, type FreshDatabase } from '../support/database.ts'

const CATALOGS = [
  'pg_class',
  'pg_proc',
  'pg_namespace',
  'pg_type',
  'pg_depend',
  'pg_attribute',
  'pg_index',
  'pg_constraint',
]

let fresh: FreshDatabase
let client: pg.Client
beforeAll(async () => {
  fresh = await freshDatabase({ kind: 'postgres' })
  client = new pg.Client({ connectionString: fresh.url })
  await client.connect()
  // Whoever still reads all of a catalog then has no index that could serve it, however small the catalog.
  await client.query('SET enable_seqscan = off')
})
afterAll(async () => {
  await client.end()
  await fresh.drop()
})

/** Catalogs that were read from end to end in this transaction. */
async function readWhole(): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT relname::text AS name FROM pg_catalog.pg_stat_xact_sys_tables
      WHERE schemaname = 'pg_catalog' AND relname = ANY ($1) AND seq_scan > 0 ORDER BY 1`,
    [CATALOGS],
  )
  return rows.map(({ name }) => name)
}

test('making a tenant and shutting it reads no catalog of all tenants from end to end', async () => {
  const prefix = fresh.config.database.slugPrefix
  const schema = schemaName('flat', prefix)
  await client.query('BEGIN')
  await createTenantSchema(client, { schema, app: appRole(prefix), password: null }, await readMigrations('tenant'))
  expect(await hasRights(client, schema)).toBe(true)
  expect(await tablesOf(client, schema)).toContain(`${schema}.projects`)
  await revokeRights(client, schema)
  expect(await hasRights(client, schema)).toBe(false)
  expect(await readWhole()).toEqual([])
  await client.query('ROLLBACK')
})

test('a statement that asks for everything of a schema by its namespace is seen to read all of them', async () => {
  await client.query('BEGIN')
  await client.query('GRANT SELECT ON ALL TABLES IN SCHEMA gatehouse TO gatehouse_desk')
  expect(await readWhole()).toEqual(['pg_class'])
  await client.query('ROLLBACK')
})

test('what only names a schema in a default or a condition is not taken for being in it', async () => {
  const [here, other] = [await fresh.tenant('named'), await fresh.tenant('naming')]
  await client.query('BEGIN')
  await client.query(
    `SET LOCAL search_path = ${other.schema};
    CREATE FUNCTION x_f(n regnamespace DEFAULT '${here.schema}'::regnamespace) RETURNS int LANGUAGE sql AS $$ SELECT 1 $$;
    CREATE INDEX x_i ON projects (name) WHERE '${here.schema}'::regnamespace::oid <> 0;
    CREATE DOMAIN x_d AS regnamespace DEFAULT '${here.schema}'::regnamespace`,
  )
  const found = async (schema: string): Promise<readonly string[]> => {
    const { rows } = await client.query<{ name: string }>(
      `SELECT proname::text AS name FROM pg_catalog.pg_proc WHERE oid = ANY (${insideNamed('pg_proc')})
      UNION ALL SELECT relname FROM pg_catalog.pg_class WHERE oid = ANY (${insideNamed('pg_class')})
      UNION ALL SELECT typname FROM pg_catalog.pg_type WHERE oid = ANY (${insideNamed('pg_type')})`,
      [schema],
    )
    return rows.map(({ name }) => name).filter((name) => name.startsWith('x_'))
  }
  expect(await found(here.schema)).toEqual([])
  expect(await found(other.schema)).toEqual(['x_f', 'x_d'])
  await client.query('ROLLBACK')
})
