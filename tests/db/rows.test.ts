import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { packageRoot } from '#base/package.ts'
import { insertRows, isEmpty, readRows, tablesIn, type Table } from '#db/rows.ts'
import { sql } from '#db/sql.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { databaseKinds, freshDatabase, type FreshDatabase } from '../support/database.ts'

describe.each(databaseKinds)('%s', (kind) => {
  let fresh: FreshDatabase
  let acme: Tenant
  beforeAll(async () => {
    fresh = await freshDatabase({ kind })
    acme = await fresh.tenant('acme')
  })
  afterAll(async () => await fresh.drop())

  const read = async <T>(run: Parameters<typeof fresh.database.tenant<T>>[2]): Promise<T> =>
    await fresh.database.tenant(acme, { access: 'read' }, run)
  const write = async <T>(run: Parameters<typeof fresh.database.tenant<T>>[2]): Promise<T> =>
    await fresh.database.tenant(acme, { access: 'write' }, run)

  test('tables come after those they refer to, without generated columns, with their keys', async () => {
    const tables = await read(tablesIn)
    const names = tables.map(({ name }) => name)
    expect(names.indexOf('projects')).toBeLessThan(Math.min(names.indexOf('todos'), names.indexOf('documents')))
    const documents = tables.find(({ name }) => name === 'documents')
    expect(documents).toMatchObject({ key: [{ name: 'id', type: 'uuid' }] })
    expect(documents?.columns).toContain('content')
    expect(documents?.columns).not.toContain('search')
  })

  test('values of every kind come back as they went, in the order of a key of several columns', async () => {
    await fresh.sql(`CREATE TABLE ${acme.schema}.odd (a text, b timestamptz, n numeric, i bigint, f float8, j jsonb, o bytea, l text[], d date,
      PRIMARY KEY (a, b)); GRANT ALL ON ${acme.schema}.odd TO ${acme.schema}`)
    await fresh.sql(`INSERT INTO ${acme.schema}.odd VALUES
      ('b', '2026-01-01 00:00:00.000001+00', 12345678901234567890.123456789, 9223372036854775807, 0.1, '{"x": [1, null]}', '\\x00ff', '{a,NULL}', '2026-02-03'),
      ('a', '2026-01-01 00:00:00.000002+00', 'NaN', -1, 'Infinity', '"text"', NULL, '{}', 'infinity'),
      ('a', '2026-01-01 00:00:00.000001+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL)`)
    const before = await fresh.sql(`SELECT odd::text FROM ${acme.schema}.odd ORDER BY a, b`)
    const odd = (await read(tablesIn)).find(({ name }) => name === 'odd')
    if (odd === undefined) throw new Error('no table')
    const lines: string[] = []
    for (let after: readonly string[] | null = null; ;) {
      const asked = { after, rows: 1, bytes: 1_000_000 }
      const batch: Awaited<ReturnType<typeof readRows>> = await read(async (db) => await readRows(db, odd, asked))
      if (batch.last === null) break
      lines.push(...batch.lines)
      after = batch.last
    }
    expect(lines.map((line) => (JSON.parse(line) as { a: string }).a)).toEqual(['a', 'a', 'b'])
    await fresh.sql(`DELETE FROM ${acme.schema}.odd`)
    expect(await read(async (db) => await isEmpty(db, odd))).toBe(true)
    await write(async (db) => await insertRows(db, odd, odd.columns, lines))
    expect(await read(async (db) => await isEmpty(db, odd))).toBe(false)
    expect(await fresh.sql(`SELECT odd::text FROM ${acme.schema}.odd ORDER BY a, b`)).toEqual(before)
    await fresh.sql(`DROP TABLE ${acme.schema}.odd`)
  })

  test('a batch ends with the row that goes beyond its size, and has one at least', async () => {
    await fresh.sql(`INSERT INTO ${acme.schema}.projects (id, name, description, created_by, created_at, updated_at)
      SELECT gen_random_uuid(), 'p', repeat('x', 1000), 'p:a', now(), now() FROM generate_series(1, 10)`)
    const projects = (await read(tablesIn)).find(({ name }) => name === 'projects')
    if (projects === undefined) throw new Error('no table')
    const rows = async (bytes: number, most = 100) =>
      (await read(async (db) => await readRows(db, projects, { after: null, rows: most, bytes }))).lines.length
    expect([await rows(1), await rows(2_500), await rows(1_000_000), await rows(1_000_000, 4)]).toEqual([1, 3, 10, 4])
  })

  test('a snapshot sees what its first statement saw', async () => {
    const count = sql`SELECT count(*)::integer AS rows FROM projects`
    const seen = await fresh.database.tenant(acme, { access: 'read', snapshot: true }, async (db) => {
      const before = await db.query(count)
      // The embedded database has one connection: there nobody can write meanwhile.
      if (kind === 'postgres') await fresh.sql(`DELETE FROM ${acme.schema}.projects`)
      return [before, await db.query(count)]
    })
    expect(seen).toEqual([[{ rows: 10 }], [{ rows: 10 }]])
    await expect(
      fresh.database.tenant(
        acme,
        { access: 'read', snapshot: true },
        async (db) => await db.query(sql`DELETE FROM todos`),
      ),
    ).rejects.toThrow('read-only')
  })

  test('what cannot be told is refused: no primary key, odd names, a circle', async () => {
    for (const [made, why] of [
      ['CREATE TABLE %.bare (a text)', 'the table bare has no primary key'],
      ['CREATE TABLE %."Odd" (a text PRIMARY KEY)', '"Odd" is no name'],
      ['CREATE TABLE %.bare (a text PRIMARY KEY, "b""; DROP" text)', 'is no name'],
      [
        'CREATE TABLE %.bare (a uuid PRIMARY KEY, b uuid); CREATE TABLE %.bear (a uuid PRIMARY KEY REFERENCES %.bare); ALTER TABLE %.bare ADD FOREIGN KEY (b) REFERENCES %.bear',
        'refer to each other in a circle: bare, bear',
      ],
    ] as const) {
      await fresh.sql(made.replaceAll('%', acme.schema))
      await expect(read(tablesIn)).rejects.toThrow(why)
      await fresh.sql(`DROP TABLE IF EXISTS ${acme.schema}.bare, ${acme.schema}.bear, ${acme.schema}."Odd" CASCADE`)
    }
  })
})

test('a name with a quote, or one that is no name, reaches no statement', async () => {
  const nobody = { query: async () => await Promise.reject(new Error('was asked')) }
  const odd: Table = { name: 'a" ; DROP', columns: ['id'], key: [{ name: 'id', type: 'uuid' }] }
  const asked = { after: null, rows: 1, bytes: 1 }
  await expect(readRows(nobody, odd, asked)).rejects.toThrow('is no name')
  await expect(isEmpty(nobody, odd)).rejects.toThrow('is no name')
  await expect(insertRows(nobody, odd, ['id'], ['{}'])).rejects.toThrow('is no name')
  await expect(insertRows(nobody, { name: 'a' }, ['id"'], ['{}'])).rejects.toThrow('is no name')
  await expect(readRows(nobody, { ...odd, name: 'a', columns: ['"'] }, asked)).rejects.toThrow('is no name')
  await expect(
    readRows(nobody, { ...odd, name: 'a', key: [{ name: 'id', type: 'uuid; DROP' }] }, asked),
  ).rejects.toThrow('sorted by')
})

test('D15: only archives and backups are read and written by names from the catalogue', () => {
  const src = join(packageRoot, 'src')
  const users = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(
    (path) => path.endsWith('.ts') && readFileSync(join(src, path), 'utf8').includes('db/rows.ts'),
  )
  expect(users.sort()).toEqual([
    ...['export', 'import', 'registry-part'].map((name) => join('tenancy', 'archive', `${name}.ts`)),
    ...['registry-columns', 'registry-rows', 'restore', 'take'].map((name) => join('tenancy', 'backup', `${name}.ts`)),
  ])
})
