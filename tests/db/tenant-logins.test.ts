/** D16: connections of the tenants' own, within one budget (src/db/tenant-logins.ts), and what a fence does to them. */
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLog } from '#base/log.ts'
import { createAdministration } from '#db/administration.ts'
import { TenantBusy, TenantFenced, type Database } from '#db/database.ts'
import { createPool } from '#db/pool.ts'
import { sql } from '#db/sql.ts'
import { createTenantLogins, type TenantLogins } from '#db/tenant-logins.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { freshDatabase, type FreshDatabase } from '../support/database.ts'
import { until } from '../support/until.ts'

let fresh: FreshDatabase
const tenants: Tenant[] = []
beforeAll(async () => {
  fresh = await freshDatabase({ kind: 'postgres', overrides: { tenantLogin: true } })
  for (const slug of ['a', 'b', 'c', 'd', 'e', 'f']) tenants.push(await fresh.tenant(slug))
})
afterAll(async () => await fresh.drop())

const loginsOf = (connections: number, patience = 5_000): TenantLogins =>
  createTenantLogins({
    url: () => fresh.url,
    secrets: ['one', 'two'],
    connections,
    maxLifetime: 60_000,
    pipeline: false,
    patience,
  })
const at = (index: number): Tenant => tenants[index] ?? fail()
const fail = (): never => {
  throw new Error('no such tenant')
}
const sessions = async (): Promise<number> => {
  const [row] = await fresh.sql<{ count: number }>(
    `SELECT count(*)::integer AS count FROM pg_stat_activity WHERE usename = ANY ($1)`,
    [tenants.map(({ schema }) => schema)],
  )
  return row?.count ?? 0
}

test('D16: a process holds no more connections than its budget, whoever calls, and serves all', async () => {
  const logins = loginsOf(4)
  let most = 0
  const served = new Map<string, number>()
  const call = async ({ schema }: Tenant): Promise<void> => {
    const { source, leave } = await logins.enter('default', schema)
    const client = await source.connect()
    const { rows } = await client.query<{ who: string; all: number }>(
      `SELECT session_user::text AS who, count(*)::integer AS all FROM pg_stat_activity WHERE usename = ANY ($1)`,
      [tenants.map((each) => each.schema)],
    )
    // A tenant sees only its own sessions' details, but every session's name.
    most = Math.max(most, rows[0]?.all ?? 0)
    expect(rows[0]?.who).toBe(schema)
    expect(logins.reserved).toBeLessThanOrEqual(4)
    client.release()
    leave()
    served.set(schema, (served.get(schema) ?? 0) + 1)
  }
  await Promise.all(Array.from({ length: 60 }, async (_, index) => await call(at(index % tenants.length))))
  expect([...served.values()]).toEqual(tenants.map(() => 10))
  expect(most).toBeGreaterThan(1)
  expect(most).toBeLessThanOrEqual(4)
  await logins.close()
  await until(async () => (await sessions()) === 0)
})

test('D16: a pool that has calls is never ended, and who finds no room in time is told so', async () => {
  const logins = loginsOf(2, 50)
  const first = await logins.enter('default', at(0).schema)
  const client = await first.source.connect()
  await expect(logins.enter('default', at(1).schema)).rejects.toThrow(TenantBusy)
  await expect(logins.enter('default', at(1).schema, AbortSignal.abort(new RangeError('gone')))).rejects.toThrow(
    RangeError,
  )
  expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
  client.release()
  first.leave()
  first.leave()
  const second = await logins.enter('default', at(1).schema)
  ;(await second.source.connect()).release()
  second.leave()
  await logins.close()
})

test('D16: busy tenants cannot keep their connections from one that has none', async () => {
  const logins = loginsOf(2)
  const over = new AbortController()
  const busy = Array.from({ length: 2 }, async () => {
    for (let calls = 0; !over.signal.aborted && calls < 10_000; calls += 1) {
      const { source, leave } = await logins.enter('default', at(0).schema)
      const client = await source.connect()
      await client.query('SELECT 1')
      client.release()
      leave()
    }
  })
  let turns = 0
  for (; turns < 3; turns += 1) {
    const other = await logins.enter('default', at(1).schema)
    ;(await other.source.connect()).release()
    other.leave()
  }
  over.abort()
  await Promise.all(busy)
  expect(turns).toBe(3)
  await logins.close()
})

test('D16, D18: a fence takes the log-in, ends idle sessions, and after a while those that hold on', async () => {
  const tenant = at(2)
  const adminPool = createPool({ url: fresh.url }, { max: 2, maxLifetime: 60_000 })
  const log = createLog('silent')
  const admin = createAdministration({
    pool: () => adminPool,
    ownPool: () => adminPool,
    placements: ['default'],
    connections: 2,
    migrations: { control: [], tenant: [] },
    app: { role: `gatehouse_app_${fresh.config.database.slugPrefix.slice(0, -1)}`, password: null },
    tenantPassword: () => 'any',
    grace: 100,
    log,
  })
  const read = async (door: Database): Promise<unknown> =>
    await door.tenant(tenant, { access: 'read' }, async (db) => await db.query(sql`SELECT count(*) FROM projects`))
  await read(fresh.database)
  // A hostile session: no time limit, a lock on a table, and no intention to end.
  const url = new URL(fresh.url)
  url.username = tenant.schema
  const hostile = new pg.Client({ connectionString: url.toString() })
  let ended = false
  hostile.on('error', () => (ended = true))
  await hostile.connect()
  await hostile.query(`BEGIN; LOCK TABLE ${tenant.schema}.projects IN ROW EXCLUSIVE MODE`)
  await admin.fence(tenant, async () => {})
  await until(() => ended)
  await expect(read(fresh.database)).rejects.toThrow(TenantFenced)
  const again = new pg.Client({ connectionString: url.toString() })
  await expect(again.connect()).rejects.toMatchObject({ code: '28000' })
  // A replica that starts, and a migration, leave it shut.
  await fresh.database.admin.bootstrap()
  await expect(read(fresh.database)).rejects.toThrow(TenantFenced)
  await admin.unfence(tenant, async () => {})
  await read(fresh.database)
  await adminPool.end()
})
