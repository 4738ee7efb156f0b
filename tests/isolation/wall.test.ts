import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { uuidv7 } from '#base/id.ts'
import type { TenantDb } from '#db/database.ts'
import { createPool, extended } from '#db/pool.ts'
import { sql, type Sql } from '#db/sql.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { databaseKinds, freshDatabase, type FreshDatabase } from '../support/database.ts'

/** A statement a hostile tool wrote into its own source: past the template's types, not past its check. */
const saying = (text: string): Sql => sql(Object.assign([text], { raw: [text] }))

describe.each(databaseKinds)('the wall between tenants, %s', (kind) => {
  let fresh: FreshDatabase
  let acme: Tenant
  let globex: Tenant
  beforeAll(async () => {
    fresh = await freshDatabase({ kind })
    acme = await fresh.tenant('acme')
    globex = await fresh.tenant('globex')
    await add(globex, 'secret of globex')
  })
  afterAll(async () => await fresh.drop())

  const add = async (tenant: Tenant, name: string): Promise<void> => {
    await fresh.database.tenant(tenant, { access: 'write' }, async (db) => {
      await db.query(
        sql`INSERT INTO projects (id, name, created_by, created_at, updated_at) VALUES (${uuidv7()}, ${name}, 'test', now(), now())`,
      )
    })
  }
  const asAcme = async (statement: Sql): Promise<unknown> =>
    await fresh.database.tenant(acme, { access: 'write' }, async (db) => await db.query(statement))

  /** Every way out that a tool can write as one statement; `other` is the schema and role of globex. */
  const ways = (other: string): readonly (readonly [what: string, text: string])[] => [
    ['reading another schema', `SELECT * FROM ${other}.projects`],
    ['writing to another schema', `UPDATE ${other}.projects SET name = 'owned'`],
    ['deleting from another schema', `DELETE FROM ${other}.projects`],
    ['reading the registry', 'SELECT * FROM gatehouse.tenants'],
    ['reading the keys', 'SELECT * FROM gatehouse.api_keys'],
    ['changing who it is, by SET', `SET ROLE ${other}`],
    ['changing who it is, by RESET', 'RESET ROLE'],
    ['changing who it is, by function', `SELECT set_config('role', '${other}', true)`],
    ['changing who it is, by view', `UPDATE pg_settings SET setting = '${other}' WHERE name = 'role'`],
    ['changing who it is, in a block', `DO 'BEGIN SET LOCAL ROLE ${other}; END'`],
    ['running text as SQL', `SELECT query_to_xml('SELECT * FROM ${other}.projects', true, true, '')`],
    ['running text as SQL, another way', `SELECT * FROM ts_stat('SELECT search FROM ${other}.documents')`],
    [
      'running text as SQL, a third way',
      `SELECT ts_rewrite('a'::tsquery, 'SELECT search, search FROM ${other}.documents')`,
    ],
    ['two statements in one', `SELECT 1; SELECT * FROM ${other}.projects`],
    ['leaving the transaction', 'COMMIT'],
    ['making a table', 'CREATE TABLE mine (id int)'],
    ['making a temporary table that shadows one', 'CREATE TEMP TABLE projects (id int)'],
    ['making a table by SELECT', 'SELECT 1 AS x INTO mine FROM projects'],
    ['making a temporary table by SELECT', 'SELECT 1 AS x INTO TEMP projects_too FROM projects'],
    ['making a function', `CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'`],
    ['changing its tables', 'ALTER TABLE projects ADD COLUMN x int'],
    ['emptying the audit', 'DELETE FROM audit'],
    ['rewriting the audit', `UPDATE audit SET action = 'x'`],
    ['truncating', 'TRUNCATE projects'],
    ['rewriting the history of migrations', 'DELETE FROM schema_migrations'],
    ['reading files', `SELECT pg_read_file('/etc/passwd')`],
    ['listing files', `SELECT * FROM pg_ls_dir('.')`],
    ['copying to a program', `COPY projects TO PROGRAM 'cat'`],
    ['large objects', 'SELECT lo_create(0)'],
    ['holding a lock for everyone', 'SELECT pg_advisory_lock(1)'],
    ['speaking to every replica', `SELECT pg_notify('gatehouse', '{}')`],
    ['listening', 'LISTEN gatehouse'],
    ['ending other sessions', 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity'],
    ['reading passwords', 'SELECT * FROM pg_authid'],
    ['granting itself rights', `GRANT ALL ON ALL TABLES IN SCHEMA ${other} TO PUBLIC`],
    ['sleeping', 'SELECT pg_sleep(10)'],
  ]

  test('a hostile tool that speaks through db.query gets nowhere', async () => {
    for (const [what, text] of ways(globex.schema)) {
      await expect(asAcme(saying(text)), what).rejects.toThrow(Error)
    }
    await expect(asAcme('SELECT 1' as unknown as Sql)).rejects.toThrow('only what the sql`...` template made')
    const left = await fresh.sql(`SELECT name FROM ${globex.schema}.projects`)
    expect(left).toEqual([{ name: 'secret of globex' }])
  })

  test('D15: the same statements get nowhere in the database itself, without the check', async () => {
    const pool = createPool({ url: fresh.url }, { max: 1, maxLifetime: 60_000 })
    for (const [what, text] of ways(globex.schema)) {
      // These act on the session that sends them, which a tool's does not outlive, or are what only D15 and D16 stop.
      if (/^(SET|RESET|COMMIT|LISTEN)/.test(text)) continue
      const client = await pool.connect()
      await client.query(`BEGIN; SET LOCAL ROLE ${acme.schema}; SET LOCAL search_path = ${acme.schema}, ext, pg_temp`)
      await expect(client.query(extended(text)), what).rejects.toMatchObject({
        severity: expect.stringMatching(/ERROR|FATAL/),
      })
      client.release(true)
    }
    await pool.end()
  })

  test('an id of another tenant is as unknown as one that never was', async () => {
    const [theirs] = await fresh.sql<{ id: string }>(`SELECT id FROM ${globex.schema}.projects`)
    for (const id of [theirs?.id, uuidv7()])
      expect(await asAcme(sql`SELECT * FROM projects WHERE id = ${id}`)).toEqual([])
  })

  test('D17: the desk sees and writes the rows of its own tenant only; the resolver changes no structure', async () => {
    const { database } = fresh
    for (const tenant of [acme, globex]) {
      await database.control({ as: 'operator' }, async (db) => {
        await db.query(sql`INSERT INTO members (id, tenant_id, iss, sub, provider, role, source)
          VALUES (${uuidv7()}, ${tenant.id}, 'https://issuer', ${tenant.slug}, 'test', 'owner', 'operator')`)
      })
    }
    const desk = { as: 'desk', tenant: acme.id } as const
    expect(await database.control(desk, async (db) => await db.query(sql`SELECT slug FROM tenants`))).toEqual([
      { slug: 'acme' },
    ])
    expect(await database.control(desk, async (db) => await db.query(sql`SELECT sub FROM members`))).toEqual([
      { sub: 'acme' },
    ])
    expect(
      await database.control(desk, async (db) => await db.query(sql`UPDATE members SET role = 'viewer' RETURNING sub`)),
    ).toEqual([{ sub: 'acme' }])
    const smuggled = database.control(
      desk,
      async (db) => await db.query(sql`UPDATE members SET tenant_id = ${globex.id}`),
    )
    await expect(smuggled).rejects.toMatchObject({ code: '42501' })
    await expect(
      database.control(desk, async (db) => await db.query(sql`UPDATE tenants SET status = 'suspended'`)),
    ).rejects.toMatchObject({
      code: '42501',
    })
    const resolver = { as: 'resolver' } as const
    expect(
      await database.control(resolver, async (db) => await db.query(sql`SELECT sub FROM members ORDER BY sub`)),
    ).toHaveLength(2)
    for (const statement of [
      sql`DELETE FROM members`,
      sql`UPDATE tenants SET status = 'active'`,
      sql`UPDATE api_keys SET scopes = '{}'`,
      sql`DELETE FROM audit`,
      sql`SELECT * FROM schema_migrations`,
    ]) {
      await expect(database.control(resolver, async (db) => await db.query(statement))).rejects.toMatchObject({
        code: '42501',
      })
    }
    await expect(database.control({ as: 'desk', tenant: `x'; RESET ROLE; --` }, async () => {})).rejects.toThrow(
      'not a tenant id',
    )
  })

  test('no name of a schema reaches a statement unchecked', async () => {
    for (const schema of [
      'tenant_a; DROP SCHEMA gatehouse',
      'tenant_A',
      'gatehouse',
      'tenant_',
      `tenant_${'x'.repeat(70)}`,
    ]) {
      const place = { ...acme, schema: schema as Tenant['schema'] }
      await expect(fresh.database.tenant(place, { access: 'read' }, async () => {})).rejects.toThrow('not a tenant')
      await expect(fresh.database.admin.provision(place, async () => {})).rejects.toThrow('not a tenant')
      await expect(fresh.database.admin.drop(place, async () => {})).rejects.toThrow('not a tenant')
    }
  })

  test('two tenants hammered at random, with errors, aborts and timeouts among the calls: no row crosses', async () => {
    const tenants = [acme, globex]
    for (const tenant of tenants) await add(tenant, tenant.slug)
    const kinds = ['read', 'write', 'error', 'abort', 'swallow'] as const
    const rounds = kind === 'postgres' ? 400 : 150
    let seed = 7
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
      return Math.floor((seed / 2_147_483_648) * below)
    }
    const calls = Array.from({ length: rounds }, () => ({
      tenant: tenants[random(2)],
      what: kinds[random(kinds.length)],
    }))
    const outcome = { good: 0, bad: 0 }
    const work = async (queue: Iterator<(typeof calls)[number]>): Promise<void> => {
      for (let next = queue.next(); next.done !== true; next = queue.next()) {
        const { tenant, what } = next.value
        if (tenant === undefined) continue
        const caller = new AbortController()
        const call = fresh.database.tenant(tenant, { access: 'write', signal: caller.signal }, async (db) => {
          await mark(db, tenant)
          if (what === 'error') await db.query(sql`SELECT 1 / 0`)
          if (what === 'swallow') await db.query(sql`SELECT 1 / 0`).catch(() => {})
          if (what === 'abort') caller.abort(new Error('gone'))
          const rows = await db.query<{ role: string; names: string[] }>(
            sql`SELECT current_user::text AS role, array_agg(name) AS names FROM projects`,
          )
          const [row] = rows
          if (row?.role !== tenant.schema || row.names.some((name) => !name.includes(tenant.slug)))
            throw new Error(`CROSSED ${JSON.stringify(row)}`)
          return row
        })
        await call.then(
          () => (outcome.good += 1),
          (error: unknown) => {
            if (String(error).includes('CROSSED')) throw error
            outcome.bad += 1
          },
        )
      }
    }
    const queue = calls.values()
    await Promise.all(Array.from({ length: 12 }, async () => await work(queue)))
    const good = calls.filter(({ what }) => what === 'read' || what === 'write').length
    expect(outcome).toEqual({ good, bad: rounds - good })
    for (const tenant of tenants) {
      const rows = await fresh.sql<{ created_by: string }>(
        `SELECT DISTINCT created_by FROM ${tenant.schema}.projects WHERE created_by LIKE 'mark of %'`,
      )
      expect(rows).toEqual([{ created_by: `mark of ${tenant.slug}` }])
    }
  })

  async function mark(db: TenantDb, tenant: Tenant): Promise<void> {
    await db.query(sql`INSERT INTO projects (id, name, created_by, created_at, updated_at)
      VALUES (${uuidv7()}, ${tenant.slug}, ${`mark of ${tenant.slug}`}, now(), now())`)
  }
})

test('one tenant that fills its share of connections holds up no other', async () => {
  const fresh = await freshDatabase({ kind: 'postgres' })
  const [acme, globex] = [await fresh.tenant('acme'), await fresh.tenant('globex')]
  let go = (): void => {}
  const held = new Promise<void>((resolve) => (go = resolve))
  const hogs = Array.from({ length: 20 }, async () => {
    await fresh.database.tenant(acme, { access: 'read' }, async () => await held)
  })
  expect(await fresh.database.tenant(globex, { access: 'read' }, async () => 'served')).toBe('served')
  go()
  await Promise.all(hogs)
  await fresh.drop()
})

test('D16: with TENANT_LOGIN a tool’s session is the tenant’s own, and no statement makes it another’s', async () => {
  const fresh = await freshDatabase({ kind: 'postgres', overrides: { tenantLogin: true } })
  const [acme, globex] = [await fresh.tenant('acme'), await fresh.tenant('globex')]
  const who = await fresh.database.tenant(
    acme,
    { access: 'read' },
    async (db) => await db.query(sql`SELECT session_user::text, current_user::text`),
  )
  expect(who).toEqual([{ session_user: acme.schema, current_user: acme.schema }])
  // What is left when the check of D15 and the revokes are gone: the log-in itself may become nobody else.
  const url = new URL(fresh.url)
  url.username = acme.schema
  const pool = createPool({ url: url.toString() }, { max: 1, maxLifetime: 60_000 })
  await fresh.database.tenant(globex, { access: 'read' }, async () => {})
  const [other] = await fresh.sql<{ pid: number }>('SELECT pid FROM pg_stat_activity WHERE usename = $1', [
    globex.schema,
  ])
  const outcome = async (text: string): Promise<readonly [string, unknown]> => [
    text,
    await pool.query(text).then(
      ({ rows }) => rows,
      (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
    ),
  ]
  for (const text of [
    `SET ROLE ${globex.schema}`,
    `SET LOCAL ROLE ${globex.schema}; SELECT * FROM ${globex.schema}.projects`,
    `SELECT set_config('role', '${globex.schema}', false)`,
    `BEGIN; SELECT set_config('role', '${globex.schema}', true), query_to_xml('SELECT * FROM ${globex.schema}.projects', true, false, '')`,
    'SET ROLE gatehouse_owner',
    'SET ROLE gatehouse_operator',
    'SET ROLE gatehouse_resolver',
    'SET SESSION AUTHORIZATION postgres',
    `SET SESSION AUTHORIZATION ${globex.schema}`,
    `SELECT * FROM ${globex.schema}.projects`,
    `INSERT INTO ${globex.schema}.projects DEFAULT VALUES`,
    'SELECT * FROM gatehouse.tenants',
    'SELECT rolpassword FROM pg_authid',
    `ALTER ROLE ${globex.schema} PASSWORD 'mine'`,
    `ALTER ROLE ${acme.schema} CREATEROLE`,
    `GRANT ${globex.schema} TO ${acme.schema}`,
    `CREATE TABLE ${acme.schema}.more (id integer)`,
    'CREATE TEMPORARY TABLE more (id integer)',
    'CREATE SCHEMA more',
    `DROP TABLE ${acme.schema}.projects`,
    `DELETE FROM ${acme.schema}.audit`,
    `CREATE FUNCTION ${acme.schema}.f() RETURNS integer LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'`,
    `COPY (SELECT 1) TO PROGRAM 'id'`,
    `COPY (SELECT 1) TO '/tmp/wall'`,
    `SELECT pg_read_file('/etc/passwd')`,
    `SELECT pg_ls_dir('/')`,
    'SELECT lo_create(0)',
    `SELECT pg_terminate_backend(${other?.pid ?? 0})`,
    `SELECT pg_cancel_backend(${other?.pid ?? 0})`,
    "ALTER SYSTEM SET log_statement = 'all'",
    "SET session_replication_role = 'replica'",
    'SET row_security = off; SELECT * FROM gatehouse.members',
  ]) {
    // A transaction that one of them opened ends here.
    expect(await outcome(text)).toEqual([text, '42501'])
    await pool.query('ROLLBACK')
  }
  // What others say may be seen by nobody but them.
  expect(await outcome(`SELECT query FROM pg_stat_activity WHERE pid = ${other?.pid ?? 0}`)).toEqual([
    expect.any(String),
    [{ query: '<insufficient privilege>' }],
  ])
  await pool.end()
  await fresh.drop()
})
