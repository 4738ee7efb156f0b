import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLog } from '#base/log.ts'
import { uuidv7 } from '#base/id.ts'
import { createAdministration } from '#db/administration.ts'
import { TenantFenced, type ControlDb } from '#db/database.ts'
import { readMigrations, type Migration } from '#db/migrations.ts'
import { appRole, schemaName } from '#db/names.ts'
import { createPool } from '#db/pool.ts'
import { sql, type Sql } from '#db/sql.ts'
import { databaseKinds, freshDatabase, type FreshDatabase } from '../support/database.ts'
import { until } from '../support/until.ts'

const register =
  (slug: string, schema: string) =>
  async (db: ControlDb): Promise<void> => {
    await db.query(
      sql`INSERT INTO tenants (id, slug, name, schema, origin) VALUES (${uuidv7()}, ${slug}, ${slug}, ${schema}, 'operator')`,
    )
  }

const status =
  (slug: string, to: 'active' | 'suspended' | 'deleted') =>
  async (db: ControlDb): Promise<void> => {
    await db.query(sql`UPDATE tenants SET status = ${to} WHERE slug = ${slug}`)
  }

/** The same database with other migrations than this program's. */
async function withTenantMigrations(
  fresh: FreshDatabase,
  tenant: readonly Migration[],
): Promise<ReturnType<typeof createAdministration>> {
  const pool = createPool({ url: fresh.url }, { max: 2, maxLifetime: 60_000 })
  pools.push(pool)
  return createAdministration({
    pool: () => pool,
    connections: 2,
    placements: ['default'],
    ownPool: () => pool,
    migrations: { control: await readMigrations('control'), tenant },
    app: { role: fresh.kind === 'postgres' ? appRole(fresh.config.database.slugPrefix) : 'postgres', password: null },
    tenantPassword: () => null,
    log: createLog('silent'),
  })
}
const pools: pg.Pool[] = []

const next = (version: number, text: string): Migration => ({
  version,
  name: `000${version}_next.sql`,
  sha256: `${version}`,
  text,
})

describe.each(databaseKinds)('administration, %s', (kind) => {
  let fresh: FreshDatabase
  beforeAll(async () => {
    fresh = await freshDatabase({ kind })
  })
  afterAll(async () => {
    for (const pool of pools.splice(0)) await pool.end()
    await fresh.drop()
  })
  const place = (slug: string) =>
    ({ schema: schemaName(slug, fresh.config.database.slugPrefix), placement: 'default', schemaVersion: 1 }) as const
  const exists = async (schema: string): Promise<boolean> =>
    (
      await fresh.sql(
        'SELECT 1 FROM pg_namespace WHERE nspname = $1 UNION ALL SELECT 1 FROM pg_roles WHERE rolname = $1',
        [schema],
      )
    ).length > 0

  test('bootstrap can be run again, and by several at once', async () => {
    const others = await Promise.all([fresh.open(), fresh.open(), fresh.open()])
    await Promise.all(others.map(async ({ admin }) => await admin.bootstrap()))
    expect(await fresh.database.admin.controlVersion()).toBe(fresh.database.admin.required.control)
  })

  test('a tenant is made whole or not at all', async () => {
    const { schema } = place('half')
    const failing = fresh.database.admin.provision(place('half'), async (db) => {
      await register('half', schema)(db)
      throw new RangeError('no')
    })
    await expect(failing).rejects.toThrow(RangeError)
    expect(await exists(schema)).toBe(false)
    expect(await fresh.sql(`SELECT 1 FROM gatehouse.tenants WHERE slug = 'half'`)).toEqual([])
    await fresh.database.admin.provision(place('half'), register('half', schema))
    await expect(fresh.database.admin.provision(place('half'), register('half', schema))).rejects.toMatchObject({
      code: '23505',
    })
    expect(await fresh.sql(`SELECT schema_version FROM gatehouse.tenants WHERE slug = 'half'`)).toEqual([
      { schema_version: fresh.database.admin.required.tenant },
    ])
  })

  test('tenants are brought up one by one; what fails is listed, and the rest goes on', async () => {
    const good = await fresh.tenant('good')
    const bad = await fresh.tenant('bad')
    await fresh.sql(`CREATE TABLE ${bad.schema}.notes (id uuid PRIMARY KEY)`)
    const known = await readMigrations('tenant')
    const admin = await withTenantMigrations(fresh, [
      ...known,
      next(known.length + 1, 'CREATE TABLE notes (id uuid PRIMARY KEY)'),
    ])
    const seen: string[] = []
    const result = await admin.migrateTenants({
      only: ['good', 'bad'],
      onProgress: ({ done, total }) => seen.push(`${done}/${total}`),
    })
    expect(result).toMatchObject({
      total: 2,
      done: 1,
      left: 1,
      failed: [
        {
          schema: bad.schema,
          slug: 'bad',
          file: `000${known.length + 1}_next.sql`,
          sqlstate: '42P07',
          hint: /by hand/,
        },
      ].map(({ hint, ...failure }) => ({ ...failure, hint: expect.stringMatching(hint) })),
    })
    expect(seen).toContain('1/2')
    await expect(
      fresh.database.tenant(good, { access: 'read' }, async (db) => await db.query(sql`SELECT id FROM notes`)),
    ).resolves.toEqual([])
    await fresh.sql(`DROP TABLE ${bad.schema}.notes`)
    expect(await admin.migrateTenants({ only: ['good', 'bad'] })).toMatchObject({ total: 1, done: 1, failed: [] })
  })

  test('a migration file that was changed after it was applied is refused', async () => {
    const tenant = await fresh.tenant('changed')
    const [first, ...rest] = await readMigrations('tenant')
    if (first === undefined) throw new Error('no migration')
    const more = next(rest.length + 2, 'SELECT 1')
    const admin = await withTenantMigrations(fresh, [{ ...first, sha256: 'other' }, ...rest, more])
    const result = await admin.migrateTenants({ only: ['changed'] })
    expect(result.failed).toMatchObject([
      { schema: tenant.schema, error: expect.stringContaining('was changed after it was applied') },
    ])
  })

  test.each([
    [
      'a SECURITY DEFINER function',
      `CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'`,
      'SECURITY DEFINER',
    ],
    ['a view with its owner’s rights', 'CREATE VIEW v AS SELECT id FROM projects', 'security_invoker'],
    ['a materialized view', 'CREATE MATERIALIZED VIEW m AS SELECT id FROM projects', 'materialized'],
    [
      'another tenant’s name',
      `CREATE FUNCTION g() RETURNS text LANGUAGE sql AS 'SELECT ''OTHER''::text'`,
      'another tenant',
    ],
  ])('D16: after every migration the schema is checked: %s', async (_what, text, problem) => {
    const slug = `checked${Math.abs(problem.length * 31 + text.length)}`
    const tenant = await fresh.tenant(slug)
    const other = await fresh.tenant(`${slug}_other`)
    const known = await readMigrations('tenant')
    const admin = await withTenantMigrations(fresh, [
      ...known,
      next(known.length + 1, text.replace('OTHER', other.schema)),
    ])
    const result = await admin.migrateTenants({ only: [slug] })
    expect(result.failed).toMatchObject([{ schema: tenant.schema, error: expect.stringContaining(problem) }])
    expect(await fresh.sql('SELECT schema_version FROM gatehouse.tenants WHERE slug = $1', [slug])).toEqual([
      { schema_version: known.length },
    ])
  })

  test('D18: a fence waits out open transactions, and what comes after it is fenced, also within them', async () => {
    const tenant = await fresh.tenant('fenced')
    const log: string[] = []
    let opened = (): void => {}
    const inside = new Promise<void>((resolve) => (opened = resolve))
    const open = fresh.database.tenant(tenant, { access: 'write' }, async (db) => {
      await db.query(sql`SELECT id FROM projects`)
      opened()
      if (kind === 'postgres')
        await until(
          async () => (await fresh.sql(`SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'`)).length > 0,
        )
      log.push('open ends')
    })
    await inside
    const fencing = fresh.database.admin
      .fence(tenant, status('fenced', 'suspended'))
      .then(() => log.push('fence returns'))
    await Promise.all([open, fencing])
    expect(log).toEqual(['open ends', 'fence returns'])
    const call = async (): Promise<unknown> =>
      await fresh.database.tenant(
        tenant,
        { access: 'read' },
        async (db) => await db.query(sql`SELECT id FROM projects`),
      )
    await expect(call()).rejects.toThrow(TenantFenced)
    await fresh.database.admin.unfence(tenant, status('fenced', 'active'))
    await expect(call()).resolves.toEqual([])
    await expect(
      fresh.database.tenant(tenant, { access: 'write' }, async (db) => await db.query(sql`DELETE FROM audit`)),
    ).rejects.toMatchObject({ code: '42501', name: 'error' })
  })

  test('D18: a fenced tenant is migrated and stays fenced', async () => {
    const tenant = await fresh.tenant('asleep')
    await fresh.database.admin.fence(tenant, status('asleep', 'suspended'))
    const known = await readMigrations('tenant')
    const admin = await withTenantMigrations(fresh, [
      ...known,
      next(known.length + 1, 'CREATE TABLE notes (id uuid PRIMARY KEY)'),
    ])
    expect(await admin.migrateTenants({ only: ['asleep'] })).toMatchObject({ done: 1, failed: [] })
    const call = fresh.database.tenant(
      tenant,
      { access: 'read' },
      async (db) => await db.query(sql`SELECT id FROM notes`),
    )
    await expect(call).rejects.toThrow(TenantFenced)
  })

  test('D18: a dropped tenant has neither schema nor role, and a call to it is fenced', async () => {
    const tenant = await fresh.tenant('dropped')
    await fresh.database.admin.drop(tenant, status('dropped', 'deleted'))
    expect(await exists(tenant.schema)).toBe(false)
    const call = fresh.database.tenant(
      tenant,
      { access: 'read' },
      async (db) => await db.query(sql`SELECT 1 FROM projects`),
    )
    await expect(call).rejects.toThrow(TenantFenced)
    expect(await fresh.sql(`SELECT status FROM gatehouse.tenants WHERE slug = 'dropped'`)).toEqual([
      { status: 'deleted' },
    ])
  })

  test('D15: the database itself refuses every escape that doctor tries', async () => {
    expect(await fresh.database.admin.wall('default')).toEqual({ level: 'hardened', open: [] })
    expect(await exists('gatehouse_probe')).toBe(false)
  })
})

test.each([false, true])(
  'D18: a call that met a fence is fenced, also when the tenant was resumed in the same instant (pipeline %s)',
  async (pipeline) => {
    const fresh = await freshDatabase({ kind: 'postgres', overrides: { pipeline } })
    const tenant = await fresh.tenant('blink')
    const { admin } = fresh.database
    /** Between BEGIN and COMMIT the tenant is suspended, the statement said, and the tenant resumed. */
    const meets = async (statement: Sql): Promise<unknown> =>
      await fresh.database.tenant(tenant, { access: 'write' }, async (db) => {
        await admin.fence(tenant, status('blink', 'suspended'))
        await db.query(statement).catch(() => {})
        await admin.unfence(tenant, status('blink', 'active'))
      })
    const id = uuidv7()
    await expect(meets(sql`SELECT name FROM projects WHERE id = ${id} AND name = ${'x'}`)).rejects.toThrow(TenantFenced)
    await expect(meets(sql`UPDATE projects SET name = ${'x'} WHERE id = ${id}`)).rejects.toThrow(TenantFenced)
    // What the tenant may not do at any time is the tool's mistake, fence or not.
    await expect(meets(sql`DELETE FROM audit`)).rejects.toMatchObject({ code: '42501', name: 'error' })
    await expect(meets(sql`SELECT slug FROM gatehouse.tenants`)).rejects.toMatchObject({ code: '42501', name: 'error' })
    await fresh.drop()
  },
)
