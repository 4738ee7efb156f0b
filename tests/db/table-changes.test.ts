import type pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPool } from '#db/pool.ts'
import { bringChanges, isInReach, type TableChanges } from '#db/table-changes.ts'
import { copyTables, withOwner, withSnapshot } from '#db/table-copy.ts'
import { difference, type Closeness } from '#db/table-digest.ts'
import { secondServer, type SecondServer } from '../support/second-server.ts'

/** A server of its own: what is brought over begins at the oldest transaction of the whole server, so others' transactions would add rows to the counts. */
let first: SecondServer
let second: SecondServer
let source: pg.Pool
let target: pg.Pool
const SCHEMA = 'tenant_changes'
/** Parents and children, a second unique column, an identity and a column that is made of others. */
const TABLES = `
  CREATE TABLE ${SCHEMA}.folders (id uuid PRIMARY KEY, path text UNIQUE, n int GENERATED ALWAYS AS IDENTITY, twice text GENERATED ALWAYS AS (path || path) STORED);
  CREATE TABLE ${SCHEMA}.files (id uuid PRIMARY KEY, folder uuid REFERENCES ${SCHEMA}.folders (id) ON DELETE CASCADE, name text);
  CREATE TABLE ${SCHEMA}.tags (file uuid REFERENCES ${SCHEMA}.files (id) ON DELETE CASCADE, tag text, PRIMARY KEY (file, tag))`
const id = (n: number): string => `00000000-0000-7000-8000-${`${n}`.padStart(12, '0')}`

beforeAll(async () => {
  ;[first, second] = await Promise.all([secondServer(), secondServer()])
  source = createPool({ url: first.url }, { max: 3, maxLifetime: 60_000 })
  target = createPool({ url: second.url }, { max: 3, maxLifetime: 60_000 })
  for (const server of [first, second])
    await server.sql(
      `CREATE ROLE gatehouse_owner; CREATE SCHEMA gatehouse AUTHORIZATION gatehouse_owner; CREATE SCHEMA ${SCHEMA} AUTHORIZATION gatehouse_owner; SET ROLE gatehouse_owner; ${TABLES}`,
    )
  await first.sql(
    `INSERT INTO ${SCHEMA}.folders (id, path) SELECT ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'p' || n FROM generate_series(1, 9) n`,
  )
  await first.sql(
    `INSERT INTO ${SCHEMA}.files SELECT id, id, 'f' FROM ${SCHEMA}.folders; INSERT INTO ${SCHEMA}.tags SELECT id, 't' FROM ${SCHEMA}.files`,
  )
})
afterAll(async () => {
  await Promise.all([source.end(), target.end()])
  await Promise.all([first.stop(), second.stop()])
})

let horizon = ''
/** One round; answers what it brought, and what differs afterwards. */
async function round(): Promise<Readonly<Record<string, TableChanges>>> {
  return await withSnapshot(source, SCHEMA, async (snapshot) => {
    const changes = await withOwner(target, async (client) => {
      const brought = await bringChanges(snapshot, client, snapshot.tables, horizon)
      for (const table of snapshot.tables)
        for (const closeness of ['counts', 'keys', 'rows'] satisfies Closeness[])
          expect(await difference(snapshot.client, client, SCHEMA, table, closeness)).toBeNull()
      return brought
    })
    horizon = snapshot.horizon
    return changes
  })
}

test('rows that were written, changed and deleted since a copy are brought over, and a second time nothing is left to bring', async () => {
  horizon = await withSnapshot(source, SCHEMA, async (snapshot) => {
    await withOwner(target, async (client) => await copyTables(snapshot, client, {}))
    return snapshot.horizon
  })
  await first.sql(
    `INSERT INTO ${SCHEMA}.folders (id, path) VALUES ('${id(20)}', 'new'); INSERT INTO ${SCHEMA}.files VALUES ('${id(20)}', '${id(20)}', 'f')`,
  )
  await first.sql(
    `UPDATE ${SCHEMA}.files SET name = 'changed', folder = '${id(20)}' WHERE id = '${id(1)}'; DELETE FROM ${SCHEMA}.folders WHERE id IN ('${id(1)}', '${id(2)}')`,
  )
  expect(await round()).toEqual({
    folders: { written: 1, deleted: 2 },
    files: { written: 2, deleted: 1 },
    tags: { written: 0, deleted: 1 },
  })
  expect(Object.values(await round()).every(({ written, deleted }) => written + deleted === 0)).toBe(true)
})

test('rows that changed places under a unique column, or took what a deleted one had, are brought over with their children kept', async () => {
  await first.sql(`UPDATE ${SCHEMA}.folders SET path = 'aside' WHERE id = '${id(3)}'`)
  await first.sql(`UPDATE ${SCHEMA}.folders SET path = 'p3' WHERE id = '${id(4)}'`)
  await first.sql(`UPDATE ${SCHEMA}.folders SET path = 'p4' WHERE id = '${id(3)}'`)
  await first.sql(
    `DELETE FROM ${SCHEMA}.folders WHERE id = '${id(5)}'; INSERT INTO ${SCHEMA}.folders (id, path) VALUES ('${id(50)}', 'p5')`,
  )
  const { folders, files } = await round()
  expect([folders?.written, files]).toEqual([3, { written: 0, deleted: 1 }])
  const [kept] = await second.sql<{ n: number }>(
    `SELECT count(*)::int AS n FROM ${SCHEMA}.tags WHERE file IN ('${id(3)}', '${id(4)}')`,
  )
  expect(kept).toEqual({ n: 2 })
  // The foreign keys are back.
  await expect(second.sql(`INSERT INTO ${SCHEMA}.files VALUES ('${id(99)}', '${id(98)}', 'x')`)).rejects.toMatchObject({
    code: '23503',
  })
})

test('a row of a transaction that was open at the horizon is brought over', async () => {
  const client = await source.connect()
  await client.query('BEGIN')
  await client.query(`INSERT INTO ${SCHEMA}.folders (id, path) VALUES ('${id(60)}', 'open')`)
  await first.sql(`INSERT INTO ${SCHEMA}.folders (id, path) VALUES ('${id(61)}', 'later')`)
  expect((await round())['folders']?.written).toBe(1)
  await client.query('COMMIT')
  client.release()
  expect((await round())['folders']?.written).toBe(2)
})

test.each([
  ['a row more', `DELETE FROM ${SCHEMA}.tags WHERE file = '${id(7)}'`, 'counts'],
  ['another key', `UPDATE ${SCHEMA}.tags SET tag = 'u' WHERE file = '${id(8)}'`, 'keys'],
  ['another value', `UPDATE ${SCHEMA}.files SET name = 'other' WHERE id = '${id(9)}'`, 'rows'],
] as const)('%s is seen when copies are compared', async (_what, change, closeness) => {
  await second.sql(change)
  const found: string[] = []
  await withSnapshot(source, SCHEMA, async ({ client, tables }) => {
    await withOwner(target, async (there) => {
      for (const table of tables) {
        const one = await difference(client, there, SCHEMA, table, closeness)
        if (one !== null) found.push(one)
      }
    })
  })
  expect(found).toHaveLength(1)
  await second.sql(
    `INSERT INTO ${SCHEMA}.tags VALUES ('${id(7)}', 't') ON CONFLICT DO NOTHING; UPDATE ${SCHEMA}.tags SET tag = 't'; UPDATE ${SCHEMA}.files SET name = 'f' WHERE id = '${id(9)}'`,
  )
})

test('beyond what transaction numbers of 32 bits can tell apart no change is looked for', () => {
  expect(isInReach('100', '200')).toBe(true)
  expect(isInReach(`${2n ** 40n}`, `${2n ** 40n + 2n ** 30n - 1n}`)).toBe(true)
  expect(isInReach('100', `${2n ** 30n + 100n}`)).toBe(false)
  expect(isInReach('200', '100')).toBe(false)
})
