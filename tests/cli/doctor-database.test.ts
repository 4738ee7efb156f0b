import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { atCluster, CLUSTER_PASSWORD, query, startCluster, type OwnCluster } from '../support/cluster.ts'
import { gatehouse } from '../support/command.ts'

const folder = mkdtempSync(join(tmpdir(), 'doctor-database-'))
let cluster: OwnCluster
let at: ReturnType<typeof atCluster>

const env = (user: string, more: Readonly<Record<string, string>> = {}) => ({
  DATA_DIR: folder,
  SESSION_SECRET: 's'.repeat(40),
  DATABASE_URL: at(user, 'gatehouse'),
  JWT_SECRET_KEY: 'k'.repeat(40),
  JWT_ISSUER: 'https://us.test',
  ...more,
})

/** `status: detail` of one check; undefined: it is not there. */
async function looked(
  environment: Readonly<Record<string, string>>,
  line = 'doctor --json',
): Promise<(check: string) => string | undefined> {
  const ran = await gatehouse({ env: environment }, line)
  const { findings, ok } = ran.json() as {
    ok: boolean
    findings: { check: string; status: string; detail: string }[]
  }
  expect(ran.exit).toBe(ok ? 0 : 1)
  return (check) => {
    const found = findings.find((one) => one.check === check)
    return found && `${found.status}: ${found.detail}`
  }
}
const superuser = async (...statements: string[]): Promise<void> =>
  void (await query(at('postgres', 'gatehouse'), ...statements))

beforeAll(async () => {
  cluster = await startCluster(inject('pg').bin)
  at = atCluster(cluster.socket)
  await query(
    at('postgres', 'postgres'),
    `CREATE ROLE gatehouse_admin LOGIN CREATEROLE PASSWORD '${CLUSTER_PASSWORD}'`,
    `CREATE ROLE weak LOGIN PASSWORD '${CLUSTER_PASSWORD}'`,
    'CREATE DATABASE gatehouse',
    'GRANT CREATE ON DATABASE gatehouse TO gatehouse_admin',
  )
}, 60_000)
afterAll(async () => {
  await cluster.remove()
  rmSync(folder, { recursive: true, force: true })
})

test('before the first migration doctor says what the admin lacks, each with the statement that mends it', async () => {
  const weak = await looked(env('weak'))
  expect(weak('admin')).toBe(
    'failed: weak lacks CREATEROLE, without which no tenant can be made: ALTER ROLE weak CREATEROLE; and CREATE on the database, without which no schema can be made: GRANT CREATE ON DATABASE ... TO weak',
  )
  const usual = await looked(env('gatehouse_admin'))
  expect(usual('admin')).toMatch(/^ok: gatehouse_admin may make roles and schemas/)
  expect(usual('login role')).toMatch(/^failed: is not there yet/)
  expect(usual('database')).toMatch(/^failed: .*never migrated/)
})

test('D17: after the migration the usual admin is right, a superuser is more than needed, and another admin lacks the roles', async () => {
  expect(await gatehouse({ env: env('gatehouse_admin') }, 'migrate')).toMatchObject({ exit: 0 })
  const usual = await looked(env('gatehouse_admin'))
  expect(usual('admin')).toMatch(/^ok: /)
  expect(usual('login role')).toBe('ok: gatehouse_app has no rights of its own')
  expect((await looked(env('postgres')))('admin')).toMatch(/^warning: postgres is a superuser/)
  await superuser('ALTER ROLE weak CREATEROLE', 'GRANT CREATE ON DATABASE gatehouse TO weak')
  expect((await gatehouse({ env: env('weak') }, 'doctor')).stdout).toMatch(
    /^FAIL +admin +weak lacks gatehouse_desk, gatehouse_operator, gatehouse_owner, gatehouse_resolver, which another administrator made: GRANT /m,
  )
  expect((await looked(env('gatehouse_admin', { DATABASE_APP_ROLE: 'off' })))('login role')).toMatch(/^warning: off/)
})

test('D17: a login role that can do more than it should is found', async () => {
  await superuser('ALTER ROLE gatehouse_app CREATEDB')
  expect((await looked(env('gatehouse_admin')))('login role')).toMatch(/^failed: gatehouse_app has CREATEDB/)
  await superuser('ALTER ROLE gatehouse_app NOCREATEDB', 'GRANT SELECT ON gatehouse.tenants TO gatehouse_app')
  expect((await looked(env('gatehouse_admin')))('login role')).toMatch(
    /^failed: gatehouse_app has rights of its own on gatehouse\.tenants, /,
  )
  await superuser('REVOKE SELECT ON gatehouse.tenants FROM gatehouse_app')
})

test('D15: what everybody may, and who could end it, is told until it is ended', async () => {
  expect((await looked(env('gatehouse_admin')))('public')).toBe(
    'warning: everybody has TEMPORARY on the database; its owner or a superuser can end that: REVOKE TEMPORARY ON DATABASE gatehouse FROM PUBLIC',
  )
  await superuser('REVOKE TEMPORARY ON DATABASE gatehouse FROM PUBLIC', 'GRANT CREATE ON SCHEMA public TO PUBLIC')
  expect((await looked(env('gatehouse_admin')))('public')).toMatch(
    /^warning: everybody has CREATE on the schema public/,
  )
  await superuser('REVOKE CREATE ON SCHEMA public FROM PUBLIC')
  expect((await looked(env('gatehouse_admin')))('public')).toBeUndefined()
})

test('of several servers each is looked at, and one that is away is named and hides nothing of the others', async () => {
  await query(at('postgres', 'postgres'), 'CREATE DATABASE elsewhere OWNER gatehouse_admin')
  const both = await looked(env('gatehouse_admin', { DATABASE_URL_EU: at('gatehouse_admin', 'elsewhere') }))
  expect(both('database eu')).toBe('ok: reached')
  expect(both('wall eu')).toMatch(/^warning: guarded: .* with a superuser in DATABASE_URL_EU/)
  expect(both('admin eu')).toMatch(/^ok: gatehouse_admin may make roles/)
  expect(both('connections eu')).toMatch(/^ok: /)
  const lost = await looked(env('gatehouse_admin', { DATABASE_URL_EU: 'postgres://nobody@127.0.0.1:9/none' }))
  expect(lost('database eu')).toMatch(/^failed: DATABASE_URL_EU: cannot be reached \(ECONNREFUSED\)/)
  for (const check of ['database', 'migrations', 'tenants', 'connections']) expect(lost(check), check).toMatch(/^ok: /)
  expect(lost('wall')).toMatch(/^warning: guarded/)
})

test('pools times replicas are held against what the server gives, also while two versions run side by side', async () => {
  const said = async (line: string, more: Readonly<Record<string, string>> = {}): Promise<string | undefined> =>
    (await looked(env('gatehouse_admin', more), line))('connections')
  // 100 connections of the server, 3 for superusers.
  expect(await said('doctor --json')).toMatch(
    /^ok: 1 replica x 13 = 13 of 97 \(max_connections 100, 3 reserved, 0 of others\)$/,
  )
  expect(await said('doctor --json --replicas 6')).toMatch(/^warning: 6 replicas x 13 = 78 of 97 .*roll-out/)
  expect(await said('doctor --json --replicas 8')).toMatch(/^failed: 8 replicas x 13 = 104 of 97 .*DATABASE_POOL_MAX/)
  expect(await said('doctor --json', { DATABASE_POOL_MAX: '200' })).toMatch(/^failed: 1 replica x 203/)
  expect(await said('doctor --json', { TENANT_LOGIN: 'true' })).toMatch(/^warning: 1 replica x 63 = 63 of 97/)
  // The counters have a connection of their own.
  expect(await said('doctor --json', { RATE_LIMIT_STORE: 'postgres' })).toMatch(/^ok: 1 replica x 14 = 14 of 97/)
  await superuser('ALTER DATABASE gatehouse CONNECTION LIMIT 12')
  expect(await said('doctor --json')).toMatch(/^failed: 1 replica x 13 = 13 of 12 .*limit 12\)/)
  await superuser('ALTER DATABASE gatehouse CONNECTION LIMIT -1', 'ALTER ROLE gatehouse_app CONNECTION LIMIT 20')
  expect(await said('doctor --json')).toMatch(/^warning: 1 replica x 13 = 13 of 20/)
})
