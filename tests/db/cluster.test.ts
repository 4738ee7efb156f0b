/** What depends on the server and on who the administrator is: roles belong to a whole cluster (D17). */
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { expect, inject, test } from 'vitest'
import { systemClock } from '#base/clock.ts'
import type { DatabaseConfig } from '#base/config.ts'
import { createLog } from '#base/log.ts'
import { uuidv7 } from '#base/id.ts'
import { DatabaseUnavailable, type Database } from '#db/database.ts'
import { schemaName } from '#db/names.ts'
import { openDatabase } from '#db/open.ts'
import { sql } from '#db/sql.ts'
import { atCluster, CLUSTER_PASSWORD, POSTGRES_15, query, withCluster } from '../support/cluster.ts'
import { defaultSettings, freshDatabase, postgresUrl } from '../support/database.ts'

const tag = (): string => `c${randomBytes(4).toString('hex')}`

async function open(
  url: string,
  slugPrefix: string,
  more: Partial<DatabaseConfig> = {},
  secret: string | readonly string[] = '0123456789012345678901234567890123',
): Promise<Database> {
  const database = { ...defaultSettings, url, slugPrefix, ...more }
  const config = {
    database,
    dataDir: tmpdir(),
    sessionSecrets: [secret].flat(),
    production: false,
  }
  return await openDatabase({ config, log: createLog('silent'), clock: systemClock })
}

/** The whole way: bootstrap, a tenant, a call, a fence and a drop. */
async function wholeWay(database: Database, prefix: string): Promise<void> {
  const { admin } = database
  expect(await admin.controlVersion()).toBeNull()
  await admin.bootstrap()
  await admin.bootstrap()
  const place = { schema: schemaName('acme', prefix), placement: 'default', schemaVersion: 1 } as const
  await admin.provision(place, async (db) => {
    await db.query(
      sql`INSERT INTO tenants (id, slug, name, schema, origin) VALUES (${uuidv7()}, 'acme', 'Acme', ${place.schema}, 'operator')`,
    )
  })
  const who = sql`SELECT current_user::text AS role, (SELECT count(*)::int FROM projects) AS projects`
  expect(await database.tenant(place, { access: 'read' }, async (db) => await db.query(who))).toEqual([
    { role: place.schema, projects: 0 },
  ])
  for (const statement of [sql`DELETE FROM audit`, sql`SELECT * FROM gatehouse.tenants`]) {
    await expect(
      database.tenant(place, { access: 'write' }, async (db) => await db.query(statement)),
    ).rejects.toMatchObject({ code: '42501' })
  }
  for (const actor of ['resolver', 'operator'] as const) {
    expect(await database.control({ as: actor }, async (db) => await db.query(sql`SELECT slug FROM tenants`))).toEqual([
      { slug: 'acme' },
    ])
  }
  expect(await admin.migrateTenants()).toMatchObject({ total: 0, done: 0, left: 0, failed: [] })
  expect((await admin.wall('default')).open).not.toContain('registry')
  await admin.fence(place, async (db) => {
    await db.query(sql`UPDATE tenants SET status = 'suspended'`)
  })
  await expect(database.tenant(place, { access: 'read' }, async (db) => await db.query(who))).rejects.toThrow(
    'no rights at present',
  )
  await admin.unfence(place, async () => {})
  await admin.drop(place, async (db) => {
    await db.query(sql`UPDATE tenants SET status = 'deleted'`)
  })
}

/** A database whose administrator may make roles and create in it, and nothing else; as on a managed server. */
async function asOrdinaryAdmin(
  url: (user: string, database: string) => string,
  work: (database: Database, prefix: string) => Promise<void>,
  more: Partial<DatabaseConfig> = {},
): Promise<void> {
  const name = tag()
  const superuser = url('postgres', 'postgres')
  await query(
    superuser,
    `CREATE ROLE ${name} LOGIN CREATEROLE PASSWORD '${CLUSTER_PASSWORD}'`,
    `CREATE DATABASE ${name}`,
    `GRANT CREATE ON DATABASE ${name} TO ${name}`,
  )
  const database = await open(url(name, name), `${name}_`, more)
  await work(database, `${name}_`)
  await database.close()
}

test('D17: an administrator who is no superuser can do all of it, on the newest Postgres', async () => {
  await withCluster(inject('pg').bin, async (socket) => {
    await asOrdinaryAdmin(atCluster(socket), wholeWay)
    const [row] = await query<{ version: string }>(atCluster(socket)('postgres', 'postgres'), 'SHOW server_version_num')
    expect(row).toMatchObject({ server_version_num: expect.stringMatching(/^18/) })
  })
})

test('D16: with TENANT_LOGIN an administrator who is no superuser can do all of it too', async () => {
  await withCluster(inject('pg').bin, async (socket) => {
    await asOrdinaryAdmin(atCluster(socket), wholeWay, { tenantLogin: true })
  })
})

test('D16: with TENANT_LOGIN a tenant logs in with a password derived from SESSION_SECRET', async () => {
  await withCluster(inject('pg').bin, async (socket) => {
    const url = atCluster(socket)('postgres', 'postgres')
    const door = await open(url, '', { tenantLogin: true })
    await door.admin.bootstrap()
    const place = { schema: schemaName('acme'), placement: 'default', schemaVersion: 1 } as const
    await door.admin.provision(place, async (db) => {
      await db.query(
        sql`INSERT INTO tenants (id, slug, name, schema, origin) VALUES (${uuidv7()}, 'acme', 'Acme', ${place.schema}, 'operator')`,
      )
    })
    const who = sql`SELECT session_user::text AS login`
    expect(await door.tenant(place, { access: 'read' }, async (db) => await db.query(who))).toEqual([
      { login: place.schema },
    ])
    await door.close()
    const [role] = await query(
      url,
      `SELECT rolpassword LIKE 'SCRAM-SHA-256$%' AS scram FROM pg_authid WHERE rolname = '${place.schema}'`,
    )
    expect(role).toEqual({ scram: true })
    const login = async (): Promise<unknown> =>
      (await query(url, `SELECT rolcanlogin FROM pg_roles WHERE rolname = '${place.schema}'`))[0]
    const without = await open(url, '')
    await without.admin.bootstrap()
    expect(await login()).toEqual({ rolcanlogin: false })
    // Turned on later, and after SESSION_SECRET was changed: the next bootstrap settles it.
    await door.admin.bootstrap()
    expect(await login()).toEqual({ rolcanlogin: true })
    const [before, after] = ['0123456789012345678901234567890123', 'another secret of thirty-two characters']
    const answers = async (replica: Database): Promise<unknown> =>
      await replica.tenant(place, { access: 'read' }, async (db) => await db.query(who))
    // SESSION_SECRET is changed in two steps: every replica knows both before the new one leads.
    const early = await open(url, '', { tenantLogin: true, appPassword: CLUSTER_PASSWORD }, [before, after])
    const rotated = await open(url, '', { tenantLogin: true, appPassword: CLUSTER_PASSWORD }, [after, before])
    await early.admin.bootstrap()
    expect(await answers(rotated)).toEqual([{ login: place.schema }])
    await rotated.admin.bootstrap()
    await query(url, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${place.schema}'`)
    for (const replica of [early, rotated, early]) expect(await answers(replica)).toEqual([{ login: place.schema }])
    const stranger = await open(url, '', { tenantLogin: true, appPassword: CLUSTER_PASSWORD }, before)
    await expect(answers(stranger)).rejects.toThrow(DatabaseUnavailable)
    for (const each of [early, stranger]) await each.close()
    for (const each of [door, without, rotated]) await each.close()
  })
})

test.each(POSTGRES_15 === null ? [] : [POSTGRES_15])(
  'D17: the same on Postgres 15, as superuser and as one who is none (%s)',
  async (bin) => {
    await withCluster(bin, async (socket) => {
      await asOrdinaryAdmin(atCluster(socket), wholeWay)
      const name = tag()
      await query(atCluster(socket)('postgres', 'postgres'), `CREATE DATABASE ${name}`)
      const database = await open(atCluster(socket)('postgres', name), `${name}_`)
      await wholeWay(database, `${name}_`)
      expect(await database.admin.wall('default')).toEqual({ level: 'hardened', open: [] })
      await database.close()
    })
  },
)

test('D17: databases of one server are bootstrapped at the same time, by several processes each', async () => {
  const names = [tag(), tag(), tag()]
  for (const name of names) await query(postgresUrl('postgres'), `CREATE DATABASE ${name}`)
  const doors = await Promise.all([...names, ...names].map(async (name) => await open(postgresUrl(name), `${name}_`)))
  await Promise.all(doors.map(async ({ admin }) => await admin.bootstrap()))
  for (const door of doors) {
    expect(await door.admin.controlVersion()).toBe(door.admin.required.control)
    await door.close()
  }
})

test('D17: a tenant role that has rights in another database of the server is not adopted', async () => {
  const first = await freshDatabase({ kind: 'postgres' })
  const second = await freshDatabase({ kind: 'postgres', overrides: { slugPrefix: first.config.database.slugPrefix } })
  const acme = await first.tenant('acme')
  await expect(second.tenant('acme')).rejects.toMatchObject({
    problems: [expect.stringContaining('DATABASE_SLUG_PREFIX: needed')],
  })
  await first.database.admin.drop(acme, async () => {})
  // Left over from nobody: no rights anywhere, so it can be taken.
  await first.sql(`CREATE ROLE ${acme.schema}`)
  await second.tenant('acme')
  await second.drop()
  await first.drop()
})

test('D17: the pool logs in as a role without rights; DATABASE_APP_ROLE=off uses the URL’s own user', async () => {
  const fresh = await freshDatabase({ kind: 'postgres' })
  const bare = sql`SELECT session_user::text AS login`
  const app = `gatehouse_app_${fresh.config.database.slugPrefix.slice(0, -1)}`
  expect(await fresh.database.control({ as: 'resolver' }, async (db) => await db.query(bare))).toEqual([{ login: app }])
  const [role] = await fresh.sql(
    'SELECT rolsuper, rolinherit, rolcreaterole, rolconfig FROM pg_roles WHERE rolname = $1',
    [app],
  )
  expect(role).toEqual({ rolsuper: false, rolinherit: false, rolcreaterole: false, rolconfig: ['search_path=""'] })
  const owned = await fresh.sql(`SELECT relname FROM pg_class WHERE pg_get_userbyid(relowner) = $1`, [app])
  expect(owned).toEqual([])
  const own = await fresh.open({ appRole: false })
  expect(await own.control({ as: 'resolver' }, async (db) => await db.query(bare))).toEqual([{ login: 'postgres' }])
  await fresh.drop()
})

test('D17: the login role’s password is derived from SESSION_SECRET, and is stored as a verifier only', async () => {
  const fresh = await freshDatabase({ kind: 'postgres' })
  const [row] = await fresh.sql<{ verifier: string }>(
    `SELECT rolpassword AS verifier FROM pg_authid WHERE rolname LIKE 'gatehouse_app_' || $1`,
    [fresh.config.database.slugPrefix.slice(0, -1)],
  )
  expect(row?.verifier).toMatch(/^SCRAM-SHA-256\$4096:[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]+:[A-Za-z0-9+/=]+$/)
  await fresh.drop()
})

test('a tenant may live on another server: its placement names the URL', async () => {
  const fresh = await freshDatabase({ kind: 'postgres' })
  const name = tag()
  await query(postgresUrl('postgres'), `CREATE DATABASE ${name}`)
  const door = await fresh.open({ placements: { second: postgresUrl(name) } })
  await door.admin.bootstrap()
  const place = {
    schema: schemaName('far', fresh.config.database.slugPrefix),
    placement: 'second',
    schemaVersion: 1,
  } as const
  await door.admin.provision(place, async (db) => {
    await db.query(
      sql`INSERT INTO tenants (id, slug, name, schema, placement, origin) VALUES (${uuidv7()}, 'far', 'Far', ${place.schema}, 'second', 'operator')`,
    )
  })
  const where = await door.tenant(
    place,
    { access: 'read' },
    async (db) => await db.query(sql`SELECT current_database()::text AS name FROM schema_migrations LIMIT 1`),
  )
  expect(where).toEqual([{ name }])
  const failing = door.admin.provision(
    { schema: schemaName('lost', fresh.config.database.slugPrefix), placement: 'second' },
    async () => {
      throw new RangeError('no')
    },
  )
  await expect(failing).rejects.toThrow(RangeError)
  expect(await query(postgresUrl(name), `SELECT nspname FROM pg_namespace WHERE nspname LIKE '%lost'`)).toEqual([])
  await door.admin.drop(place, async () => {})
  expect(await query(postgresUrl(name), `SELECT nspname FROM pg_namespace WHERE nspname LIKE '%far'`)).toEqual([])
  await fresh.drop()
})
