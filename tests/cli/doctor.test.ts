import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest'
import { createGuardedFetch } from '#base/fetch.ts'
import { signInIssuer } from '#cli/examination-clients.ts'
import { atCluster, CLUSTER_PASSWORD, query, withCluster } from '../support/cluster.ts'
import { startFakeProvider, type FakeIssuer, type FakeProvider } from '../support/fake-provider.ts'
import { gatehouse } from '../support/command.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-doctor-'))
let fake: FakeProvider
let oidc: FakeIssuer
beforeAll(async () => {
  fake = await startFakeProvider()
  oidc = fake.issuer({ path: 'oidc' })
})
afterEach(() => fake.reset())
afterAll(async () => {
  await fake.close()
  rmSync(folder, { recursive: true })
})

const env = () => ({ OIDC_ISSUER: oidc.iss, OIDC_AUDIENCE: 'x', DATA_DIR: join(folder, 'data') })

test('doctor is content with a provider that answers, and makes nothing', async () => {
  const ran = await gatehouse({ env: env() }, 'doctor --json')
  expect(ran).toMatchObject({ exit: 0, stderr: '' })
  expect(ran.json()).toMatchObject({
    ok: true,
    findings: expect.arrayContaining([
      expect.objectContaining({ check: 'provider oidc', status: 'ok', detail: expect.stringContaining('1 keys') }),
      expect.objectContaining({ check: 'database', status: 'ok', detail: expect.stringContaining('not made yet') }),
      expect.objectContaining({ check: 'clock', status: 'ok' }),
    ]),
  })
  expect((await gatehouse({ env: env() }, 'doctor')).stdout).toContain('is not there yet')
})

const clientsOf = async (env: Record<string, string>): Promise<Record<string, string>> => {
  const { clients } = (await gatehouse({ env }, 'doctor --json')).json() as {
    clients: { id: string; verdict: string }[]
  }
  return Object.fromEntries(clients.map(({ id, verdict }) => [id, verdict]))
}

test('doctor says which clients will work, as the issuer itself says what it lets them do', async () => {
  const pkce = { code_challenge_methods_supported: ['S256'] }
  const open = fake.issuer({ path: 'open', metadata: { ...pkce, registration_endpoint: `${fake.url}/register` } })
  const shut = fake.issuer({ path: 'shut', metadata: pkce })
  const away = fake.issuer({ path: 'away', metadata: pkce })
  fake.behave('away/discovery', 'error')
  const at = (iss: string) => ({ ...env(), OIDC_ISSUER: iss, PUBLIC_URL: 'http://127.0.0.1:3000' })
  expect(await clientsOf(at(open.iss))).toMatchObject({ cursor: 'works', codex: 'works', claude: 'no', script: 'key' })
  expect(await clientsOf(at(shut.iss))).toMatchObject({ cursor: 'client-id', chatgpt: 'no' })
  // Its keys are the failure; of clients the best is hoped.
  expect(await clientsOf(at(away.iss))).toMatchObject({ cursor: 'works' })
  const ran = await gatehouse({ env: at(shut.iss) }, 'doctor')
  expect(ran.stdout).toMatch(/^client id +Cursor +with a client id/m)
  expect(ran.stdout).toContain('(redirect URIs to register: http://localhost:8787/callback https://www.cursor.com/')
})

test('behind the broker the issuer is this server, and no provider is asked', async () => {
  const place = { publicUrl: 'https://mcp.example.com', brokered: true }
  const judges = { providers: [], fetch: createGuardedFetch({ allowPrivate: false }) }
  expect(await signInIssuer(judges, place)).toMatchObject({ issuer: place.publicUrl, registration: true, pkce: true })
  expect(await signInIssuer(judges, { ...place, brokered: false })).toBeNull()
  await judges.fetch.close()
})

test('of Google doctor knows without asking, and without a provider there are keys only', async () => {
  const google = { DATA_DIR: join(folder, 'google'), GOOGLE_CLIENT_ID: 'x.apps.googleusercontent.com' }
  expect(await clientsOf(google)).toMatchObject({ cursor: 'client-id', codex: 'key', chatgpt: 'no' })
  const secret = { DATA_DIR: join(folder, 'secret'), JWT_SECRET_KEY: 'k'.repeat(40), JWT_ISSUER: 'https://us.test' }
  expect(await clientsOf(secret)).toMatchObject({ cursor: 'key', codex: 'key', chatgpt: 'no' })
})

test('a provider whose keys cannot be fetched is named, with the reason', async () => {
  fake.behave('oidc/jwks', 'error')
  const ran = await gatehouse({ env: env() }, 'doctor')
  expect(ran).toMatchObject({ exit: 1 })
  expect(ran.stdout).toMatch(/^FAIL +provider oidc +keys cannot be fetched: /m)
})

test('a database that cannot be reached is named, its password is not', async () => {
  const ran = await gatehouse(
    { env: { ...env(), DATABASE_URL: 'postgresql://gatehouse:hunter2@127.0.0.1:1/x', SESSION_SECRET: 's'.repeat(40) } },
    'doctor',
  )
  expect(ran).toMatchObject({ exit: 1 })
  expect(ran.stdout).toMatch(/^FAIL +database +the database cannot be reached/m)
  expect(ran.stdout + ran.stderr).not.toContain('hunter2')
})

test('a warning of the configuration fails nothing', async () => {
  const ran = await gatehouse({ env: { ...env(), GOOGLE_CLIENTID: 'x' } }, 'doctor')
  expect(ran).toMatchObject({ exit: 0, stderr: expect.stringContaining('did you mean GOOGLE_CLIENT_ID?') })
  expect(ran.stdout).toMatch(/^warn +configuration +GOOGLE_CLIENTID/m)
})

test('D15: a guarded wall is hardened by one migrate as superuser, as doctor says, and the usual admin goes on', async () => {
  await withCluster(inject('pg').bin, async (socket) => {
    const at = atCluster(socket)
    await query(
      at('postgres', 'postgres'),
      `CREATE ROLE gatehouse_admin LOGIN CREATEROLE PASSWORD '${CLUSTER_PASSWORD}'`,
      'CREATE DATABASE gatehouse',
      'GRANT CREATE ON DATABASE gatehouse TO gatehouse_admin',
    )
    const usual = { ...env(), DATABASE_URL: at('gatehouse_admin', 'gatehouse'), SESSION_SECRET: 's'.repeat(40) }
    expect((await gatehouse({ env: usual }, 'doctor')).stdout).toMatch(/^FAIL +database .*nothing is served/m)
    expect(await gatehouse({ env: usual }, 'migrate')).toMatchObject({ exit: 0 })
    const guarded = await gatehouse({ env: usual }, 'doctor')
    expect(guarded).toMatchObject({ exit: 0 })
    expect(guarded.stdout).toMatch(/^warn +wall +guarded: .*once with a superuser in DATABASE_ADMIN_URL/m)
    const superuser = { ...usual, DATABASE_ADMIN_URL: at('postgres', 'gatehouse') }
    expect(await gatehouse({ env: superuser }, 'migrate')).toMatchObject({ exit: 0 })
    expect((await gatehouse({ env: usual }, 'doctor')).stdout).toMatch(/^ok +wall +hardened/m)
    expect(await gatehouse({ env: usual }, 'migrate')).toMatchObject({ exit: 0 })
    expect(await gatehouse({ env: usual }, 'tenant create acme')).toMatchObject({ exit: 0 })
    // Where other tenants live there is a wall of its own.
    await query(at('postgres', 'postgres'), 'CREATE DATABASE eu', 'GRANT CREATE ON DATABASE eu TO gatehouse_admin')
    const wider = { ...usual, DATABASE_URL_EU: at('gatehouse_admin', 'eu') }
    const { stdout } = await gatehouse({ env: wider }, 'doctor')
    expect(stdout).toMatch(/^ok +wall +hardened/m)
    expect(stdout).toMatch(/^warn +wall eu +guarded/m)
  })
}, 60_000)
