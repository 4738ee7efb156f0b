import cookie from '@fastify/cookie'
import fastify from 'fastify'
import { afterEach, expect, test } from 'vitest'
import { createConsoleSessions } from '#console/console-session.ts'
import { createConsole, type ConsoleOptions } from '#console/console.ts'
import type { ConsoleSession } from '#console/console-session.ts'
import type { ConsoleDeps, ConsoleHost } from '#console/deps.ts'
import { createSeeAsCookies } from '#console/see-as.ts'
import { Refusal } from '#base/refusal.ts'
import type { ControlDb, Database } from '#db/database.ts'
import { createSessions } from '#login/session.ts'
import type { Upstream } from '#login/upstream.ts'
import { identity as anybody, principal, stubApp } from '../http/stub-app.ts'

/** As behind a proxy that ends TLS: people see https, and the cookies must say so. The provider and the registry are simple stand-ins. */
const PUBLIC_URL = 'https://gatehouse.test'
const host = 'gatehouse.test'
const secrets = ['a session secret of more than 32 characters']
const clock = { now: (): number => Date.now() }

/** Somebody whom the one provider here signed in. */
const identity = { ...anybody, provider: 'google', iss: 'https://accounts.google.com' }

const running: { close(): Promise<unknown> }[] = []
afterEach(async () => void (await Promise.all(running.splice(0).map(async (app) => await app.close()))))

const upstream: Upstream = {
  id: 'google',
  label: 'Google',
  issuer: 'https://accounts.google.com',
  assertIssuer: async () => {},
  authorizationUrl: async ({ state, redirect_uri, fresh }) =>
    `https://accounts.google.com/?${new URLSearchParams({ state, redirect_uri, fresh: String(fresh) }).toString()}`,
  redeem: async () => ({ token: 'token', identity, refresh_token: null, expires_in: 60 }),
  refresh: async () => await Promise.reject(new Error('nobody asks for that')),
  revoke: async () => await Promise.reject(new Error('nobody asks for that')),
}

const nobodyAsksFor = {} as ConsoleDeps['registry']
const noOperators: ConsoleDeps['operators'] = {
  is: () => false,
  admit: async () => await Promise.reject(new Refusal('operator_unknown')),
}
const vouching = { config: {} as ConsoleOptions['vouching']['config'], providers: [] }
const nobodyDoes = {} as ConsoleDeps['desk']

async function start() {
  const db: ControlDb = { query: async () => [] }
  const database = { control: async (_actor: unknown, run: (db: ControlDb) => Promise<unknown>) => await run(db) }
  const console = createConsole({
    publicUrl: PUBLIC_URL,
    secrets,
    auditDays: 400,
    clock,
    database: database as unknown as Database,
    ready: () => true,
    upstreams: [upstream],
    registry: nobodyAsksFor,
    operators: noOperators,
    vouching,
    desk: nobodyDoes,
    principal: async () => principal,
    limit: async () => null,
    rateLimit: { on: true, perIp: 300, perTenant: 6000, perPrincipal: 1200 },
  })
  const stub = await stubApp({ config: { publicUrl: PUBLIC_URL, production: true, corsOrigins: '*' }, console })
  running.push(stub.app)
  return stub.app
}

test('D24, D31: over https every cookie is Secure, HttpOnly, Lax, and bound to this host by its name', async () => {
  const app = await start()
  const begun = await app.inject({
    method: 'POST',
    url: '/console/login',
    headers: { host, origin: PUBLIC_URL, 'content-type': 'application/x-www-form-urlencoded' },
    payload: 'provider=google&return_to=%2Fconsole',
  })
  expect(begun.statusCode).toBe(303)
  const to = new URL(String(begun.headers.location))
  expect(to.searchParams.get('redirect_uri')).toBe(`${PUBLIC_URL}/console/callback/google`)
  const [flow = ''] = [begun.headers['set-cookie'] ?? ''].flat()
  expect(flow).toMatch(/^__Host-gh_console_[\w-]{22}=v1\.[\w-]+; Max-Age=600; Path=\/; HttpOnly; Secure; SameSite=Lax$/)

  const back = await app.inject({
    url: `/console/callback/google?code=c&state=${to.searchParams.get('state')}`,
    headers: { host, cookie: flow.split(';')[0] ?? '' },
  })
  expect([back.statusCode, back.headers.location]).toEqual([303, '/console'])
  const cookies = [back.headers['set-cookie'] ?? ''].flat()
  expect(cookies).toHaveLength(2)
  expect(cookies.find((one) => one.startsWith('__Host-gh_console_'))).toMatch(/=; .*Expires=Thu, 01 Jan 1970/)
  const session = cookies.find((one) => one.startsWith('__Host-gh_session'))
  expect(session).toMatch(/^__Host-gh_session=v1\.[\w-]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/)

  const value = session?.split(';')[0] ?? ''
  const home = await app.inject({ url: '/console/account', headers: { host, cookie: value, origin: PUBLIC_URL } })
  expect([home.statusCode, home.headers['access-control-allow-origin']]).toEqual([200, undefined])
  expect(home.headers['strict-transport-security']).toBeDefined()
  // Without the prefix it may come from a sister domain: it is not looked at.
  const bare = value.replace('__Host-', '')
  expect((await app.inject({ url: '/console/account', headers: { host, cookie: bare } })).statusCode).toBe(303)
})

test('what people and providers call themselves is text on the page, never markup', async () => {
  const evil = '<img src=x onerror=alert(1)>"\'&'
  const sessions = createSessions({ secrets, publicUrl: PUBLIC_URL, clock })
  const sealed = sessions.seal(sessions.begin({ ...identity, name: evil, email: evil, sub: evil }, null))
  const page = await (
    await start()
  ).inject({ url: '/console/account', headers: { host, cookie: `__Host-gh_session=${sealed}` } })
  expect(page.statusCode).toBe(200)
  expect(page.body).toContain('&#60;img src=x')
  expect(page.body).not.toContain('<img')
  const login = await (
    await start()
  ).inject({
    url: '/console/login?return_to=%2Fconsole%2F%22%3E%3Cimg&fresh=1%22%3E%3Cimg',
    headers: { host },
  })
  expect(login.body).not.toContain('<img')
})

test('D31: what cannot be undone sends people to prove who they are, unless they just did', async () => {
  const sessions = createSessions({ secrets, publicUrl: PUBLIC_URL, clock })
  const deps: ConsoleDeps = {
    publicUrl: PUBLIC_URL,
    secrets,
    auditDays: 400,
    clock,
    providers: [upstream],
    vouchers: [],
    sessions,
    flows: {} as ConsoleDeps['flows'],
    cutoffs: { isCut: async () => false } as unknown as ConsoleDeps['cutoffs'],
    principal: async () => principal,
    tenants: async () => [],
    registry: nobodyAsksFor,
    operators: noOperators,
    desk: nobodyDoes,
    limit: async () => null,
    rateLimit: { on: true, perIp: 300, perTenant: 6000, perPrincipal: 1200 },
  }
  const lent = {
    visits: () => ({ requestId: 'r', ip: null, presented: false, identity: null, principal: null, refusal: null }),
    anonymous: async () => {},
    onlyMethods: () => {},
  } satisfies ConsoleHost
  const app = fastify()
  running.push(app)
  await app.register(cookie)
  const { need, needFresh, consoleSession } = createConsoleSessions(deps, lent)
  app.get(
    '/console/keys/new',
    {
      onRequest: [need, async (request, reply) => await needFresh(request, reply, '/console/keys/new')],
    },
    async (request) => ({ fresh: consoleSession(request).fresh, role: consoleSession(request).principal?.role }),
  )
  app.get('/unguarded', async (request) => consoleSession(request).csrf)
  const ask = async (asked: number | null) => {
    const headers = { cookie: `__Host-gh_session=${sessions.seal(sessions.begin(identity, asked))}` }
    return await app.inject({ url: '/console/keys/new', headers })
  }
  const sent = await ask(null)
  expect([sent.statusCode, sent.headers.location]).toEqual([
    303,
    '/console/login?fresh=1&return_to=%2Fconsole%2Fkeys%2Fnew',
  ])
  expect((await ask(clock.now())).json()).toEqual({ fresh: true, role: 'member' })
  // A page that forgot to ask who is there fails, and shows nothing.
  expect((await app.inject({ url: '/unguarded' })).statusCode).toBe(500)
})

test('a limit, a failure and an outage are pages too, and sign nobody out', async () => {
  const refusals = ['rate_limited', 'database_unavailable', 'person_blocked'] as const
  const answers: [number, boolean][] = []
  for (const code of refusals) {
    const db: ControlDb = { query: async () => [] }
    const console = createConsole({
      publicUrl: PUBLIC_URL,
      secrets,
      auditDays: 400,
      clock,
      database: { control: async (_: unknown, run: (db: ControlDb) => Promise<unknown>) => await run(db) } as never,
      ready: () => true,
      upstreams: [upstream],
      registry: nobodyAsksFor,
      operators: noOperators,
      vouching,
      desk: nobodyDoes,
      principal: async () =>
        await Promise.reject(new Refusal(code, code === 'person_blocked' ? {} : { retryAfter: 7 })),
      limit: async () => null,
      rateLimit: { on: true, perIp: 300, perTenant: 6000, perPrincipal: 1200 },
    })
    const { app } = await stubApp({ config: { publicUrl: PUBLIC_URL }, console })
    running.push(app)
    const sessions = createSessions({ secrets, publicUrl: PUBLIC_URL, clock })
    const headers = { host, cookie: `__Host-gh_session=${sessions.seal(sessions.begin(identity, null))}` }
    const page = await app.inject({ url: '/console/account', headers })
    expect(page.headers['content-type']).toContain('text/html')
    expect(page.headers['retry-after']).toBe(code === 'person_blocked' ? undefined : '7')
    answers.push([page.statusCode, page.headers['set-cookie'] !== undefined])
  }
  // Only who is blocked loses the cookie.
  expect(answers).toEqual([
    [429, false],
    [503, false],
    [403, true],
  ])
})

test('D37: over https the cookie of a look is Secure, HttpOnly, Lax, and goes to the console alone', async () => {
  const app = fastify()
  await app.register(cookie)
  const parts = { publicUrl: PUBLIC_URL, secrets, clock, registry: nobodyAsksFor, operators: noOperators }
  const seeAs = createSeeAsCookies(parts, { visits: () => ({}) as never })
  const session = { session: { id: 'a session' } } as unknown as ConsoleSession
  app.get('/', async (_request, reply) => {
    seeAs.begin(reply, session, 'acme', { reason: 'ticket 7', until: clock.now() + 1_000 })
    return 'begun'
  })
  const { headers } = await app.inject({ url: '/' })
  expect(String(headers['set-cookie'])).toMatch(
    /^__Secure-gh_see_as=acme~v1\.[\w-]+; Max-Age=\d+; Path=\/console; HttpOnly; Secure; SameSite=Lax$/,
  )
})
