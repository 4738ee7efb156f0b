import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPool } from '#db/pool.ts'
import { copySequences, copyTables, tableIn, tableOut, withOwner, withSnapshot } from '#db/table-copy.ts'
import { freshDatabase, type FreshDatabase } from '../support/database.ts'
import { secondServer, type SecondServer } from '../support/second-server.ts'

let fresh: FreshDatabase
let second: SecondServer
let source: pg.Pool
let target: pg.Pool
beforeAll(async () => {
  ;[fresh, second] = await Promise.all([freshDatabase({ kind: 'postgres' }), secondServer()])
  source = createPool({ url: fresh.url }, { max: 3, maxLifetime: 60_000 })
  target = createPool({ url: second.url }, { max: 3, maxLifetime: 60_000 })
  await second.sql('CREATE ROLE gatehouse_owner')
})
afterAll(async () => {
  await Promise.all([source.end(), target.end()])
  await Promise.all([fresh.drop(), second.stop()])
})

/** Everything that COPY, columns and rights make difficult. */
const ODD = (schema: string): string => `
  SET ROLE gatehouse_owner;
  CREATE TABLE ${schema}.a_child (id uuid PRIMARY KEY, parent bigint REFERENCES ${schema}.z_parent (id), self uuid REFERENCES ${schema}.a_child (id));
  ALTER TABLE ${schema}.z_parent ENABLE ROW LEVEL SECURITY`
const PARENT = (schema: string): string => `
  SET ROLE gatehouse_owner;
  CREATE TABLE ${schema}.z_parent (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "order" text, twice text GENERATED ALWAYS AS ("order" || "order") STORED,
    f double precision, n numeric, b bytea, at timestamptz, span interval, list text[], data jsonb, gone integer);
  ALTER TABLE ${schema}.z_parent DROP COLUMN gone`
const both = async (schema: string): Promise<void> => {
  await second.sql(`CREATE SCHEMA ${schema} AUTHORIZATION gatehouse_owner`)
  for (const text of [PARENT(schema), ODD(schema)]) {
    await fresh.sql(text)
    await second.sql(text)
  }
}

const fingerprint = (schema: string, table: string): string =>
  `SELECT md5(string_agg(t::text, '|' ORDER BY id)) AS digest, count(*)::integer AS rows FROM ${schema}.${table} t`

test('the tables of a tenant are copied to another server in the order of their foreign keys, with every kind of column', async () => {
  const { schema } = await fresh.tenant('odd')
  await both(schema)
  await fresh.sql(`INSERT INTO ${schema}.z_parent ("order", f, n, b, at, span, list, data) VALUES
    (E'tab\\there\\nand \\\\ \\\\. there', 'NaN', 12345678901234567890.123456789, '\\x00ff', 'infinity', '1 year 2 days -3 hours', '{a,NULL,"b,\\"c"}', 'null'),
    (NULL, 0.1, 'NaN', '', '2026-03-29 01:30:00.123456+00', NULL, '{}', '{"k": [1, "ü", null]}')`)
  await fresh.sql(`INSERT INTO ${schema}.a_child VALUES ('00000000-0000-7000-8000-000000000001', 2, '00000000-0000-7000-8000-000000000002'),
    ('00000000-0000-7000-8000-000000000002', 1, NULL)`)
  const counts = await withSnapshot(source, schema, async (snapshot) => {
    const own = { ...snapshot, tables: snapshot.tables.filter(({ name }) => ['z_parent', 'a_child'].includes(name)) }
    return await withOwner(target, async (client) => {
      const done = await copyTables(own, client, {})
      await copySequences(own, client)
      return done
    })
  })
  expect(counts).toEqual({ z_parent: 2, a_child: 2 })
  expect(Object.keys(counts)).toEqual(['z_parent', 'a_child'])
  for (const table of ['z_parent', 'a_child'])
    expect(await second.sql(fingerprint(schema, table))).toEqual(await fresh.sql(fingerprint(schema, table)))
  const [next] = await second.sql<{ id: string }>(`INSERT INTO ${schema}.z_parent ("order") VALUES ('x') RETURNING id`)
  expect(next).toEqual({ id: '3' })
})

test('what is written during a copy is not in it, and the horizon says from where on to look', async () => {
  const tenant = await fresh.tenant('snap')
  const insert = `INSERT INTO ${tenant.schema}.projects (id, name, created_by, created_at, updated_at) VALUES (gen_random_uuid(), $1, 'a', now(), now())`
  await fresh.sql(insert, ['before'])
  const seen: string[] = []
  const horizon = await withSnapshot(source, tenant.schema, async ({ client, tables, horizon }) => {
    await fresh.sql(insert, ['meanwhile'])
    const table = tables.find(({ name }) => name === 'projects')!
    await pipeline(
      tableOut(client, tenant.schema, table),
      new Writable({ write: (chunk: Buffer, _, done) => (seen.push(chunk.toString()), done()) }),
    )
    return horizon
  })
  expect(seen.join('')).toContain('before')
  expect(seen.join('')).not.toContain('meanwhile')
  const later = await fresh.sql(
    `SELECT name FROM ${tenant.schema}.projects t WHERE age(t.xmin) <= age(($1::numeric % 4294967296)::text::xid)`,
    [horizon],
  )
  // Rows from before may be among them: the oldest transaction of the whole server is that of another test.
  expect(later).toContainEqual({ name: 'meanwhile' })
})

test('a table whose policy holds for its owner too fails the copy instead of losing rows', async () => {
  const { schema } = await fresh.tenant('forced')
  await fresh.sql(
    `ALTER TABLE ${schema}.projects ENABLE ROW LEVEL SECURITY; ALTER TABLE ${schema}.projects FORCE ROW LEVEL SECURITY`,
  )
  const copying = withSnapshot(source, schema, async ({ client, tables }) => {
    const table = tables.find(({ name }) => name === 'projects')!
    await pipeline(tableOut(client, schema, table), new Writable({ write: (_, __, done) => done() }))
  })
  await expect(copying).rejects.toMatchObject({ code: '42501' })
})

test('a copy holds no more in memory than a reader takes, however many rows there are', async () => {
  const { schema } = await fresh.tenant('large')
  await fresh.sql(`INSERT INTO ${schema}.projects (id, name, description, created_by, created_at, updated_at)
    SELECT gen_random_uuid(), 'n', repeat('x', 9000), 'a', now(), now() FROM generate_series(1, 8000)`)
  let most = 0
  await withSnapshot(source, schema, async ({ client, tables }) => {
    const out = tableOut(
      client,
      schema,
      tables.find(({ name }) => name === 'projects')!,
    )
    let chunks = 0
    await pipeline(
      out,
      new Writable({
        highWaterMark: 1,
        write(_, __, done) {
          chunks += 1
          most = Math.max(most, out.readableLength)
          if (chunks % 50 === 0) setTimeout(done, 1)
          else done()
        },
      }),
    )
    expect(out.readableLength).toBe(0)
  })
  // 72 MB went through. What the process holds is not looked at: garbage is collected when it is.
  expect(most).toBeLessThan(2_000_000)
})

test('a copy that fails leaves nothing on the target, and its connections are not used again', async () => {
  const { schema } = await fresh.tenant('broken')
  await fresh.sql(`INSERT INTO ${schema}.projects (id, name, created_by, created_at, updated_at)
    SELECT gen_random_uuid(), 'n' || n, 'a', now(), now() FROM generate_series(1, 20000) n`)
  await second.sql(`CREATE SCHEMA ${schema} AUTHORIZATION gatehouse_owner`)
  await second.sql(`SET ROLE gatehouse_owner; CREATE TABLE ${schema}.projects (id uuid PRIMARY KEY, name text CHECK (name <> 'n15000'),
    description text, status text, created_by text, created_at timestamptz, updated_at timestamptz)`)
  const copying = withSnapshot(source, schema, async (snapshot) => {
    const own = { ...snapshot, tables: snapshot.tables.filter(({ name }) => name === 'projects') }
    return await withOwner(target, async (client) => await copyTables(own, client, {}))
  })
  await expect(copying).rejects.toMatchObject({ code: '23514' })
  expect(await second.sql(`SELECT count(*)::integer AS rows FROM ${schema}.projects`)).toEqual([{ rows: 0 }])
  expect([source.totalCount - source.idleCount, target.totalCount - target.idleCount]).toEqual([0, 0])
})

test('COPY out of one schema can be read back into a table as a file would', async () => {
  const { schema } = await fresh.tenant('file')
  await fresh.sql(
    `INSERT INTO ${schema}.projects (id, name, created_by, created_at, updated_at) VALUES (gen_random_uuid(), 'kept', 'a', now(), now())`,
  )
  const chunks: Buffer[] = []
  const table = await withSnapshot(source, schema, async ({ client, tables }) => {
    const found = tables.find(({ name }) => name === 'projects')!
    for await (const chunk of tableOut(client, schema, found)) chunks.push(chunk as Buffer)
    return found
  })
  const { schema: empty } = await fresh.tenant('file_back')
  const rows = await withOwner(source, async (client) => {
    const into = tableIn(client, empty, table)
    await pipeline(chunks, into)
    return into.rowCount
  })
  expect(rows).toBe(1)
  expect(await fresh.sql(`SELECT name FROM ${empty}.projects`)).toEqual([{ name: 'kept' }])
})
