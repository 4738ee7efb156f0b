import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createLog } from '#base/log.ts'
import { affordable } from '#db/admin-budget.ts'
import { createAdministration } from '#db/administration.ts'
import type { Administration } from '#db/database.ts'
import { readMigrations, type Migration } from '#db/migrations.ts'
import { appRole } from '#db/names.ts'
import { createPool } from '#db/pool.ts'
import { freshDatabase, type FreshDatabase } from '../support/database.ts'
import { until } from '../support/until.ts'

/** Many tenants and one migration more: what becomes of those that fail, wait, go or come while it runs. */
describe('tenants', () => {
  let fresh: FreshDatabase
  let known: readonly Migration[]
  const pools: pg.Pool[] = []
  const clients: pg.Client[] = []
  beforeAll(async () => {
    fresh = await freshDatabase({ kind: 'postgres' })
    known = await readMigrations('tenant')
  })
  afterEach(async () => {
    await Promise.all(clients.splice(0).map(async (client) => await client.end()))
    await fresh.sql(`UPDATE gatehouse.tenants SET status = 'deleted'`)
  })
  afterAll(async () => {
    await Promise.all(pools.map(async (pool) => await pool.end()))
    await fresh.drop()
  })

  /** The next release, in which every tenant has a table more. */
  const release = (text = 'CREATE TABLE next (id uuid PRIMARY KEY)'): Administration => {
    const pool = createPool({ url: fresh.url }, { max: 4, maxLifetime: 60_000 })
    pools.push(pool)
    return createAdministration({
      pool: () => pool,
      ownPool: () => pool,
      connections: 4,
      placements: ['default'],
      migrations: {
        control: [],
        tenant: [...known, { version: known.length + 1, name: '0099_next.sql', sha256: text, text }],
      },
      app: { role: appRole(fresh.config.database.slugPrefix), password: null },
      tenantPassword: () => null,
      log: createLog('silent'),
    })
  }
  const schemaOf = (slug: string): string => `tenant_${fresh.config.database.slugPrefix}${slug}`
  const tenants = async (...slugs: readonly string[]): Promise<void> => {
    for (const slug of slugs) await fresh.tenant(slug)
  }
  const versions = async (): Promise<Record<string, number>> => {
    const rows = await fresh.sql<{ slug: string; schema_version: number }>(
      `SELECT slug, schema_version FROM gatehouse.tenants WHERE status <> 'deleted' ORDER BY slug`,
    )
    return Object.fromEntries(rows.map((row) => [row.slug, row.schema_version - known.length]))
  }
  const failures = async (): Promise<readonly object[]> =>
    await fresh.sql(`SELECT t.slug, f.file, f.sqlstate FROM gatehouse.migration_failures f
      JOIN gatehouse.tenants t ON t.id = f.tenant_id WHERE t.status <> 'deleted' ORDER BY 1`)
  /** A transaction that stays open. */
  const holding = async (text: string): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString: fresh.url })
    clients.push(client)
    await client.connect()
    await client.query(`BEGIN; ${text}`)
    return client
  }
  const waiting = async (): Promise<void> =>
    await until(async () => (await fresh.sql(`SELECT 1 FROM pg_locks WHERE NOT granted`)).length > 0)

  test('the canary goes first, and when it fails no other is tried; the next time another one is the canary', async () => {
    await tenants('bird', 'cage', 'mine')
    await fresh.sql(`CREATE TABLE ${schemaOf('bird')}.next (id uuid PRIMARY KEY)`)
    expect(await release().migrateTenants({ canary: 1, workers: 4 })).toMatchObject({
      total: 3,
      done: 0,
      left: 3,
      stopped: 'canary',
      failed: [{ slug: 'bird', file: '0099_next.sql', sqlstate: '42P07' }],
    })
    expect(await versions()).toEqual({ bird: 0, cage: 0, mine: 0 })
    expect(await failures()).toEqual([{ slug: 'bird', file: '0099_next.sql', sqlstate: '42P07' }])

    expect(await release().migrateTenants({ canary: 1, workers: 4 })).toMatchObject({ done: 2, stopped: null, left: 1 })
    expect(await versions()).toEqual({ bird: 0, cage: 1, mine: 1 })
    await fresh.sql(`DROP TABLE ${schemaOf('bird')}.next`)
    expect(await release().migrateTenants({ canary: ['bird'] })).toMatchObject({ total: 1, done: 1, left: 0 })
    expect(await failures()).toEqual([])
  })

  test('a tenant whose table is locked is tried again with pauses, then listed with the reason, and the others go on', async () => {
    await tenants('calm', 'busy')
    const admin = release('ALTER TABLE projects ADD COLUMN next text')
    const blocker = await holding(`LOCK TABLE ${schemaOf('busy')}.projects IN ACCESS SHARE MODE`)
    const gaveUp = await admin.migrateTenants({ lockTimeout: 50, attempts: 2 })
    expect(gaveUp).toMatchObject({
      done: 1,
      failed: [{ slug: 'busy', file: '0099_next.sql', sqlstate: '55P03' }],
    })
    expect(gaveUp.failed[0]?.hint).toContain('--lock-timeout')
    expect(await versions()).toEqual({ busy: 0, calm: 1 })

    const patient = admin.migrateTenants({ lockTimeout: 50, attempts: 8 })
    await waiting()
    await blocker.query('COMMIT')
    expect(await patient).toMatchObject({ done: 1, failed: [], left: 0 })
  })

  test('D18: a tenant that is suspended while it is migrated stays without rights', async () => {
    await tenants('asleep')
    const schema = schemaOf('asleep') as `tenant_${string}`
    const blocker = await holding(`LOCK TABLE ${schema}.projects IN ACCESS SHARE MODE`)
    const running = release('ALTER TABLE projects ADD COLUMN next text').migrateTenants({ lockTimeout: 10_000 })
    await waiting()
    const place = { schema, placement: 'default', schemaVersion: known.length }
    let fenced: Promise<void> = Promise.resolve()
    await new Promise<void>((shut, fail) => {
      fenced = fresh.database.admin.fence(
        place,
        async () => {},
        async () => shut(),
      )
      fenced.catch(fail)
    })
    await blocker.query('COMMIT')
    await fenced
    expect(await running).toMatchObject({ done: 1, failed: [] })
    const [row] = await fresh.sql(`SELECT has_table_privilege('${schema}', '${schema}.todos', 'SELECT') AS may`)
    expect(row).toEqual({ may: false })
  })

  test('a statement over its time limit is undone and listed', async () => {
    await tenants('slow')
    const admin = release('CREATE TABLE big AS SELECT count(*) FROM generate_series(1, 100000000)')
    expect(await admin.migrateTenants({ statementTimeout: 50 })).toMatchObject({
      done: 0,
      failed: [{ slug: 'slow', sqlstate: '57014' }],
    })
    expect(
      await fresh.sql(`SELECT 1 FROM pg_tables WHERE schemaname = $1 AND tablename = 'big'`, [schemaOf('slow')]),
    ).toEqual([])
  })

  test('two at once share the work: each tenant once, and none fails', async () => {
    const slugs = Array.from({ length: 8 }, (_, index) => `shared${index}`)
    await tenants(...slugs)
    const results = await Promise.all([release().migrateTenants(), release().migrateTenants()])
    for (const result of results) expect(result).toMatchObject({ failed: [], left: 0 })
    expect(await versions()).toEqual(Object.fromEntries(slugs.map((slug) => [slug, 1])))
    for (const slug of slugs)
      expect(await fresh.sql(`SELECT count(*)::integer AS n FROM ${schemaOf(slug)}.schema_migrations`)).toEqual([
        { n: known.length + 1 },
      ])
  })

  test('a tenant that is deleted when its turn comes is neither a failure nor made again anywhere', async () => {
    await tenants('gone')
    // Suspended before, as deletion does: nothing of the tenant is needed after the files.
    await fresh.sql(`REVOKE ALL ON ALL TABLES IN SCHEMA ${schemaOf('gone')} FROM ${schemaOf('gone')}`)
    const lock = await holding(`SELECT pg_advisory_xact_lock(hashtextextended('gatehouse:${schemaOf('gone')}', 0))`)
    const running = release().migrateTenants()
    await waiting()
    await fresh.sql(`DROP SCHEMA ${schemaOf('gone')} CASCADE`)
    await fresh.sql(`UPDATE gatehouse.tenants SET status = 'deleted' WHERE slug = 'gone'`)
    await lock.query('COMMIT')
    expect(await running).toMatchObject({ failed: [], left: 0 })
    expect(await fresh.sql(`SELECT tablename FROM pg_tables WHERE schemaname = 'ext'`)).toEqual([])
  })

  test('a tenant that a server of the release before makes meanwhile is brought up in the same run', async () => {
    await tenants('early')
    const lock = await holding(`SELECT pg_advisory_xact_lock(hashtextextended('gatehouse:${schemaOf('early')}', 0))`)
    const running = release().migrateTenants({ workers: 1 })
    await waiting()
    await tenants('late')
    await lock.query('COMMIT')
    expect(await running).toMatchObject({ total: 1, done: 2, left: 0 })
    expect(await versions()).toEqual({ early: 1, late: 1 })
  })

  test('what is told to stop ends with the tenants at hand, and the next run goes on with the rest', async () => {
    await tenants('one', 'two', 'three')
    const stop = new AbortController()
    const stopped = await release().migrateTenants({ workers: 1, signal: stop.signal, onProgress: () => stop.abort() })
    expect(stopped).toMatchObject({ done: 1, left: 2, stopped: 'signal' })
    expect(await release().migrateTenants()).toMatchObject({ total: 2, done: 2, left: 0 })
  })

  test('while it runs the registry is free: another tenant is made, and the tenant itself is renamed', async () => {
    await tenants('held')
    const lock = await holding(`SELECT pg_advisory_xact_lock(hashtextextended('gatehouse:${schemaOf('held')}', 0))`)
    const running = release().migrateTenants()
    await waiting()
    await tenants('beside')
    await fresh.sql(`UPDATE gatehouse.tenants SET name = 'Held' WHERE slug = 'held'`)
    await lock.query('COMMIT')
    expect(await running).toMatchObject({ failed: [], left: 0 })
  })
})

test('workers are those asked for, but never more than the pool holds or half of what the server has left', () => {
  expect(affordable(4, 5, 100)).toBe(4)
  expect(affordable(8, 5, 100)).toBe(5)
  expect(affordable(8, 9, 7)).toBe(3)
  expect(affordable(4, 5, 1)).toBe(1)
})
