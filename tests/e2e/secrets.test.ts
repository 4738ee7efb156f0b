import { createHmac, generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, postgresUrl, type FreshDatabase } from '../support/database.ts'
import { freePort } from '../support/free-port.ts'
import { gatehouse, startReplica, type Replica } from '../support/processes.ts'
import { rpc } from '../support/rpc.ts'
import { until } from '../support/until.ts'

/** A value that stands nowhere else; letters and digits, as secrets are. */
const canary = (): string => `Canary${randomBytes(21).toString('hex')}`

const names = [
  'SESSION_SECRET',
  'METRICS_TOKEN',
  'API_KEY',
  'JWT_SECRET_KEY',
  'GITHUB_CLIENT_SECRET',
  'GOOGLE_CLIENT_SECRET',
  'AUTH0_CLIENT_SECRET',
  'OIDC_CLIENT_SECRET',
  'OIDC_INTROSPECTION_CLIENT_SECRET',
  'DATABASE_APP_PASSWORD',
  'UPSTREAM_HEADER_VALUES',
] as const
const secrets = Object.fromEntries(names.map((name) => [name, canary()])) as Record<(typeof names)[number], string>
const more = { user: canary(), query: canary(), otel: canary() }
const signing = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })

/** What callers bring, good and bad. */
const brought = {
  opaque: canary(),
  wrongKey: canary(),
  code: canary(),
  verifier: canary(),
  refresh: canary(),
  cookie: canary(),
  invitation: canary(),
  csrf: canary(),
  body: canary(),
  argument: canary(),
  clientSecret: canary(),
  key: `gh_key_AAAAAAAAAAAA_${'B'.repeat(43)}_00000000`,
  github: `gho_${canary()}`,
  google: `ya29.${canary()}`,
}

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
function jwt(claims: object): string {
  const text = `${base64url({ alg: 'HS256', typ: 'JWT' })}.${base64url(claims)}`
  return `${text}.${createHmac('sha256', secrets.JWT_SECRET_KEY).update(text).digest('base64url')}`
}

const reversed = (text: string): string => Buffer.from(Buffer.from(text).toReversed()).toString()

/** Everything by which a secret could be recognised: it, its halves, and all that in the usual clothes. */
function disguises(secret: string): string[] {
  const half = Math.floor(secret.length / 2)
  const parts = [secret, secret.slice(0, half), secret.slice(half)].filter((part) => part.length >= 12)
  return parts.flatMap((part) => {
    const bytes = Buffer.from(part)
    // In base64 a text looks different at each of three places; its first and last characters depend on its neighbours.
    const shifted = [0, 1, 2].map((by) =>
      Buffer.concat([Buffer.alloc(by, 'x'), bytes])
        .toString('base64')
        .slice(by + 2, -4),
    )
    return [part, reversed(part), bytes.toString('hex'), encodeURIComponent(part), ...shifted].flatMap((one) => [
      one,
      one.replaceAll('+', '-').replaceAll('/', '_'),
    ])
  })
}

let fresh: FreshDatabase
let server: Replica
let good: string
const dataDirs: string[] = []
/** By where it was seen. */
const seen: Record<string, string> = {}
/** Answers that turned somebody away. */
const answers: string[] = []
/** How many of each status. */
const statuses = new Map<number, number>()
/** Of the commands and the server. */
const exits: (number | null)[] = []

async function note(response: Response): Promise<string> {
  const text = await response.text()
  statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1)
  if (response.status >= 300) answers.push(JSON.stringify([...response.headers]), text)
  return text
}
const ask = async (path: string, init: RequestInit = {}): Promise<string> =>
  await note(await fetch(`${server.url}${path}`, { redirect: 'manual', ...init }))
const form = async (
  path: string,
  fields: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<string> => await ask(path, { method: 'POST', body: new URLSearchParams(fields), headers })
const call = async (token: string, args: unknown = {}, name = 'list_projects'): Promise<void> => {
  const { status, text, headers } = await rpc(server.mcp, token, 'tools/call', { name, arguments: args })
  await note(new Response(text, { status, headers: [...headers].filter(([one]) => one !== 'content-encoding') }))
}

async function everyToken(): Promise<void> {
  const now = Math.floor(Date.now() / 1000)
  const claims = { iss: 'https://app.test', sub: 'ann', aud: server.mcp, iat: now, exp: now + 600 }
  good = jwt({ ...claims, email: 'ann@acme.test', email_verified: true })
  const bad = [
    jwt({ ...claims, iat: now - 1_000, exp: now - 500 }),
    jwt({ ...claims, aud: 'https://elsewhere.test' }),
    jwt({ ...claims, iss: 'https://nobody.test' }),
    `${good.slice(0, -6)}AAAAAA`,
    `${base64url({ alg: 'none' })}.${base64url(claims)}.`,
    brought.opaque,
    brought.wrongKey,
    brought.key,
    brought.github,
    brought.google,
    `${good}${'x'.repeat(9_000)}`,
  ]
  for (const token of [secrets.API_KEY, good, ...bad]) await call(token)
  await call(secrets.API_KEY, { name: brought.argument, extra: brought.argument }, 'create_project')
  await call(secrets.API_KEY, { id: brought.argument }, 'get_project')
  await call(secrets.API_KEY, {}, 'made_up')
  const authorization = `Bearer ${good}`
  await ask(`/mcp?access_token=${good}`, { method: 'POST', headers: { authorization } })
  await form('/mcp', { access_token: good }, { authorization })
  await ask('/mcp', {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: `{"${brought.body}`,
  })
  await ask('/mcp', {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`a:${brought.clientSecret}`).toString('base64')}` },
  })
  await ask('/api/v1/whoami', { headers: { authorization } })
  await ask(`/api/v1/members/made_up`, { headers: { authorization } })
}

async function everySignIn(): Promise<void> {
  const client = { client_id: 'https://client.test/metadata', client_secret: brought.clientSecret }
  await form('/oauth/token', {
    grant_type: 'authorization_code',
    code: brought.code,
    code_verifier: brought.verifier,
    ...client,
  })
  await form('/oauth/token', { grant_type: 'refresh_token', refresh_token: brought.refresh, ...client })
  await form(
    '/oauth/token',
    { grant_type: 'made_up', ...client },
    { authorization: `Basic ${btoa(`a:${brought.clientSecret}`)}` },
  )
  await form('/oauth/revoke', { token: brought.refresh, ...client })
  await ask(
    `/oauth/authorize?client_id=x&state=${brought.csrf}&code_challenge=${brought.verifier}&redirect_uri=https://x.test`,
  )
  await ask(`/oauth/callback/oidc?code=${brought.code}&state=${brought.csrf}`, {
    headers: { cookie: `gh_flow_x=${brought.cookie}` },
  })
  await ask('/oauth/register', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(client),
  })
  const cookie = `gh_session=${brought.cookie}; __Host-gh_session=${brought.cookie}`
  await ask('/console', { headers: { cookie } })
  await ask(`/console/invitation?token=${brought.invitation}`, { headers: { cookie } })
  await ask(`/console/invitations/${brought.invitation}`, { headers: { cookie } })
  await form('/console/sign-out', { csrf: brought.csrf }, { cookie, origin: server.url })
  await ask(`/nowhere/${brought.invitation}?token=${brought.refresh}`)
  await ask(`/%zz/${brought.invitation}`)
  await ask('/metrics', { headers: { authorization: `Bearer ${brought.wrongKey}` } })
}

/** The database is away, and comes back. */
async function anOutage(): Promise<void> {
  const name = new URL(fresh.url).pathname.slice(1)
  const elsewhere = new pg.Client({ connectionString: postgresUrl('postgres') })
  await elsewhere.connect()
  await elsewhere.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`)
  await elsewhere.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`)
  await call(secrets.API_KEY)
  await call(good)
  // Of somebody who is in no cache.
  const exp = Math.floor(Date.now() / 1000) + 600
  const bob = { sub: 'bob', email: 'bob@acme.test', email_verified: true, iat: exp - 600, exp }
  await call(jwt({ iss: 'https://app.test', aud: server.mcp, ...bob }))
  await form('/oauth/token', { grant_type: 'refresh_token', refresh_token: brought.refresh, client_id: 'x' })
  await ask('/readyz')
  await elsewhere.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`)
  await elsewhere.end()
  await until(async () => (await fetch(`${server.url}/readyz`)).ok, 20_000)
  await call(secrets.API_KEY)
}

beforeAll(async () => {
  fresh = await freshDatabase({ kind: 'postgres' })
  // Nobody asks for a password here, so any will do; it stands in each form of URL.
  const { pathname, searchParams, port } = new URL(fresh.url)
  const host = encodeURIComponent(searchParams.get('host') ?? '')
  const withPassword = `postgres://postgres:${more.user}@localhost:${port}${pathname}?host=${host}`
  const dataDir = await mkdtemp(join(tmpdir(), 'gh-secrets-'))
  dataDirs.push(dataDir)
  const dead = 'http://127.0.0.1:9'
  const env: Record<string, string> = {
    ...secrets,
    PORT: String(await freePort()),
    DATA_DIR: dataDir,
    LOG_LEVEL: 'trace',
    DATABASE_URL: withPassword,
    DATABASE_ADMIN_URL: `postgres://postgres@localhost:${port}${pathname}?host=${host}&password=${more.query}`,
    DATABASE_DIRECT_URL: withPassword,
    DATABASE_SLUG_PREFIX: fresh.config.database.slugPrefix,
    SIGNING_KEY: JSON.stringify(signing),
    API_KEY_TENANT: 'acme',
    JWT_ISSUER: 'https://app.test',
    JWT_DOMAINS: 'acme.test',
    GITHUB_CLIENT_ID: 'h',
    GOOGLE_CLIENT_ID: 'g',
    AUTH0_DOMAIN: 'acme.eu.auth0.com',
    AUTH0_AUDIENCE: 'a',
    AUTH0_CLIENT_ID: 'a',
    OIDC_ISSUER: dead,
    OIDC_CLIENT_ID: 'o',
    OIDC_DOMAINS: 'acme.test',
    OIDC_INTROSPECTION: 'true',
    OIDC_INTROSPECTION_CLIENT_ID: 'i',
    UPSTREAM_URL: dead,
    UPSTREAM_AUTH: 'header',
    // Google, Auth0 and GitHub are configured, and nobody is to ask them.
    NODE_OPTIONS: `--import ${new URL('../support/no-names.mjs', import.meta.url).href}`,
    OTEL_EXPORTER_OTLP_ENDPOINT: dead,
    OTEL_EXPORTER_OTLP_HEADERS: `authorization=${more.otel}`,
  }
  // Without keys of its providers it is not ready for 10 s: it need not be.
  server = await startReplica(env, { ready: false })
  const made = await gatehouse(['tenant', 'create', 'acme', '--json'], env)
  exits.push(made.code)
  await until(async () => (await rpc(server.mcp, secrets.API_KEY, 'ping')).status === 200, 20_000)
  await everyToken()
  await everySignIn()
  await anOutage()
  const metrics = await fetch(`${server.url}/metrics`, {
    headers: { authorization: `Bearer ${secrets.METRICS_TOKEN}` },
  })
  seen['metrics'] = await metrics.text()
  exits.push(await server.end('SIGTERM'))
  seen['log'] = server.output()
  seen['answers'] = answers.join('\n')
  // What ends before it began.
  const broken = {
    ...env,
    DATABASE_URL: `postgres//${more.user}@x`,
    SESSION_SECRET: secrets.SESSION_SECRET.slice(0, 20),
  }
  const commands = await Promise.all([
    gatehouse(['serve'], broken),
    gatehouse(['config', 'print', '--json'], env),
    gatehouse(['audit', 'list', '--json'], env),
    gatehouse(['tenant', 'list'], { ...env, DATABASE_ADMIN_URL: `postgres://postgres:${more.query}@127.0.0.1:9/x` }),
  ])
  exits.push(...commands.map(({ code }) => code))
  seen['commands'] = commands.map(({ stdout, stderr }) => stdout + stderr).join('\n')
  const tables = await fresh.sql<{ name: string }>(
    "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname = 'gatehouse' OR schemaname LIKE 'tenant%'",
  )
  const rows = await Promise.all(tables.map(async ({ name }) => await fresh.sql(`SELECT t::text FROM ${name} t`)))
  seen['tables'] = JSON.stringify(rows)
}, 120_000)
afterAll(async () => {
  await server.end('SIGKILL')
  await fresh.drop()
  for (const dataDir of dataDirs) await rm(dataDir, { recursive: true, force: true })
})

test('the run reached what it was to reach', () => {
  expect(exits).toEqual([0, 0, 78, 0, 0, 1])
  for (const status of [200, 400, 401, 404, 503]) expect(statuses.get(status) ?? 0, String(status)).toBeGreaterThan(0)
  const codes = new Set([...(seen['log'] ?? '').matchAll(/"code":"([a-z_]+)"/g)].map(([, code]) => code))
  for (const code of ['token_expired', 'signature_invalid', 'audience_mismatch', 'provider_unavailable'])
    expect([...codes], [...codes].join(' ')).toContain(code)
  expect(seen['log']).toContain('the connection that hears of changes was lost')
  expect(seen['tables']).toContain('create_project')
  expect(seen['metrics']).toContain('gatehouse_build_info')
  expect(seen['log']?.length).toBeGreaterThan(10_000)
})

test.each(['log', 'answers', 'metrics', 'commands', 'tables'])(
  'no secret of the configuration and nothing that a caller brought is in the %s, in no disguise',
  (where) => {
    const text = seen[where] ?? ''
    expect(text.length).toBeGreaterThan(100)
    // The name of a project is what a tool was given to keep, and an unknown tool's name is what was asked for.
    const kept = where === 'tables' ? [brought.argument] : []
    const values = [
      ...Object.entries(secrets),
      ...Object.entries(more),
      ...Object.entries(brought).filter(([, value]) => !kept.includes(value)),
      ['SIGNING_KEY', String(signing.d)],
      ...good
        .split('.')
        .map((part, at) => [`part ${at} of a token`, part] as const)
        .slice(1),
    ] as const
    const found = values.filter(([, value]) =>
      disguises(value).some((form) => form.length >= 12 && text.includes(form)),
    )
    expect(found.map(([name]) => name)).toEqual([])
  },
)

test('the search finds what is there: as it is, halved, turned, encoded', () => {
  const secret = canary()
  const forms = [
    secret,
    secret.slice(0, 24),
    reversed(secret),
    Buffer.from(`user:${secret}`).toString('base64'),
    Buffer.from(`u:${secret}`).toString('base64url'),
    Buffer.from(secret).toString('hex'),
  ]
  for (const form of forms)
    expect(
      disguises(secret).some((one) => `before ${form} after`.includes(one)),
      form,
    ).toBe(true)
  expect(disguises(secret).some((one) => canary().includes(one))).toBe(false)
})
