import { afterEach, beforeEach, expect, test } from 'vitest'
import { API_CLIENT, API_KEY, API_USERS, startFakeApi, type FakeApi } from '../support/fake-api.ts'
import { until } from '../support/until.ts'
import { bench, codeOf, errorOf, type Bench } from './support.ts'

let api: FakeApi
let benches: Bench[]
beforeEach(async () => {
  api = await startFakeApi()
  benches = []
})
afterEach(async () => {
  for (const one of benches) await one.close()
  await api.close()
})

const make = (...args: Parameters<typeof bench>): Bench => {
  const made = bench(...args)
  benches.push(made)
  return made
}
const login = (more: Record<string, string> = {}): Record<string, string> => ({
  UPSTREAM_URL: `${api.url}/v1`,
  UPSTREAM_AUTH: 'login',
  UPSTREAM_USERNAME: 'gatehouse',
  UPSTREAM_PASSWORD: API_USERS.gatehouse,
  ...more,
})
const hits = (): Record<string, number> =>
  Object.fromEntries(['login', 'refresh', 'contacts'].map((name) => [name, api.hits(name)]))
const userOf = async (work: Promise<{ json(): unknown }>): Promise<unknown> =>
  ((await work).json() as { user: unknown }).user

test('a 401 leads to one refresh and one retry; when refreshing fails to one login and one retry', async () => {
  const { at, pass } = make(login())
  expect(await userOf(at().request('/contacts'))).toBe('gatehouse')
  expect(hits()).toEqual({ login: 1, refresh: 0, contacts: 1 })

  pass(60_000)
  api.expire()
  expect(await userOf(at().request('/contacts'))).toBe('gatehouse')
  expect(hits()).toEqual({ login: 1, refresh: 1, contacts: 3 })

  pass(60_000)
  api.forget()
  expect(await userOf(at().request('/contacts'))).toBe('gatehouse')
  expect(hits()).toEqual({ login: 2, refresh: 2, contacts: 5 })
})

test('a write whose 401 came is sent once more, with the same body', async () => {
  const { at, pass } = make(login())
  await at().request('/contacts', { method: 'POST', json: { name: 'Ada' } })
  pass(60_000)
  api.expire()
  expect((await at().request('/contacts', { method: 'POST', json: { name: 'Ada' } })).status).toBe(201)
  expect(api.asked.map(({ method, body }) => [method, body])).toEqual(
    Array.from({ length: 3 }, () => ['POST', '{"name":"Ada"}']),
  )
})

test('a request that is 401 again with the new token is not sent a third time', async () => {
  const { at, pass, lines } = make(login())
  await at().request('/contacts')
  pass(60_000)
  api.behave('contacts', { status: 401, body: {} })
  expect(await codeOf(at().request('/contacts'))).toBe('credentials_refused')
  expect(hits()).toEqual({ login: 1, refresh: 1, contacts: 3 })
  expect(lines.join('')).toContain('does not accept the credentials')
})

test('50 calls at once cause one login, and 50 that meet a 401 cause one refresh', async () => {
  const { at, pass } = make(login({ UPSTREAM_CONCURRENCY: '50' }))
  api.behave('login', { slow: 50 })
  const all = async () => await Promise.all(Array.from({ length: 50 }, async () => await at().request('/contacts')))
  expect((await all()).every(({ ok }) => ok)).toBe(true)
  expect(hits()).toEqual({ login: 1, refresh: 0, contacts: 50 })
  pass(60_000)
  api.expire()
  api.behave('refresh', { slow: 50 })
  expect((await all()).every(({ ok }) => ok)).toBe(true)
  expect(hits()).toMatchObject({ login: 1, refresh: 1 })
})

test('a 401 to the old token that comes after the renewal is answered with the new one, without another renewal', async () => {
  const { at, pass } = make(login())
  let first: string | undefined
  let open = (): void => {}
  const gate = new Promise<void>((resolve) => (open = resolve))
  api.route('GET', '/v1/late', 'late', async ({ headers }) => {
    first ??= headers.authorization
    if (headers.authorization !== first) return { status: 200, body: {} }
    await gate
    return { status: 401, body: {} }
  })
  await at().request('/contacts')
  pass(60_000)
  const late = at().request('/late')
  await until(() => api.hits('late') === 1)
  api.expire()
  await at().request('/contacts')
  open()
  expect((await late).ok).toBe(true)
  expect(hits()).toMatchObject({ login: 1, refresh: 1 })
})

test('a refresh token that was replaced is not used again', async () => {
  const { at, pass } = make(login())
  for (let round = 0; round < 4; round += 1) {
    await at().request('/contacts')
    pass(60_000)
    api.expire()
  }
  const sent = api.questions.filter(({ path }) => path === '/v1/auth/refresh').map(({ body }) => body)
  expect(new Set(sent).size).toBe(3)
  expect(api.hits('login')).toBe(1)
})

test('a token is renewed shortly before it ends, and is used on when that fails', async () => {
  const { at, pass } = make(login())
  await at().request('/contacts')
  pass(3_600_000 - 20_000)
  api.behave('refresh', 'cut')
  await at().request('/contacts')
  expect(hits()).toEqual({ login: 1, refresh: 1, contacts: 2 })
  api.behave('refresh', 'ok')
  await at().request('/contacts')
  expect(hits()).toEqual({ login: 1, refresh: 2, contacts: 3 })
})

test('a wrong password is asked about once, not once per call', async () => {
  const { at, pass, lines } = make(login({ UPSTREAM_PASSWORD: 'not the password' }))
  for (let call = 0; call < 5; call += 1) expect(await codeOf(at().request('/contacts'))).toBe('credentials_refused')
  expect(hits()).toEqual({ login: 1, refresh: 0, contacts: 0 })
  expect(lines).toHaveLength(1)
  pass(31_000)
  await codeOf(at().request('/contacts'))
  expect(api.hits('login')).toBe(2)
})

test('an API without refreshing, with other paths and names, is logged in to again', async () => {
  api.route('POST', '/v1/session', 'session', ({ body }) => {
    const { email } = JSON.parse(body) as { email: string }
    return { status: 201, body: { data: { token: `token-of-${email}`, ttl: '60' } } }
  })
  api.route('GET', '/v1/me', 'me', ({ headers }) => ({ status: 200, body: { user: headers.authorization } }))
  const { at, pass } = make(
    login({
      UPSTREAM_LOGIN_PATH: '/session',
      UPSTREAM_REFRESH_PATH: 'none',
      UPSTREAM_LOGIN_FIELDS: 'email,password,data.token,data.refresh,data.ttl',
      UPSTREAM_TOKEN_SCHEME: 'Token',
    }),
  )
  expect(await userOf(at().request('/me'))).toBe('Token token-of-gatehouse')
  pass(61_000)
  await at().request('/me')
  expect(api.hits('session')).toBe(2)
})

test('client_credentials: the client by Basic or in the body, scope and audience said, renewed on 401', async () => {
  const client = (more: Record<string, string>): Record<string, string> => ({
    UPSTREAM_URL: `${api.url}/v1`,
    UPSTREAM_AUTH: 'client_credentials',
    UPSTREAM_TOKEN_URL: `${api.url}/oauth/token`,
    UPSTREAM_CLIENT_ID: API_CLIENT.id,
    UPSTREAM_CLIENT_SECRET: API_CLIENT.secret,
    UPSTREAM_SCOPE: 'contacts:read,contacts:write',
    UPSTREAM_AUDIENCE: 'https://api.example.com',
    ...more,
  })
  const basic = make(client({}))
  const user = 'client contacts:read contacts:write https://api.example.com'
  expect(await userOf(basic.at().request('/contacts'))).toBe(user)
  basic.pass(60_000)
  api.expire()
  expect(await userOf(basic.at().request('/contacts'))).toBe(user)
  expect(api.hits('token')).toBe(2)
  expect(
    await userOf(
      make(client({ UPSTREAM_CLIENT_AUTH: 'post' }))
        .at()
        .request('/contacts'),
    ),
  ).toBe(user)
  expect(api.questions.at(-2)?.headers.authorization).toBeUndefined()
})

test('client_credentials: a token of a type that is not understood is not used (RFC 6749 section 7.1)', async () => {
  api.behave('token', { status: 200, body: { access_token: 'x', token_type: 'mac' } })
  const { at } = make({
    UPSTREAM_URL: `${api.url}/v1`,
    UPSTREAM_AUTH: 'client_credentials',
    UPSTREAM_TOKEN_URL: `${api.url}/oauth/token`,
    UPSTREAM_CLIENT_ID: 'a',
    UPSTREAM_CLIENT_SECRET: 'b',
  })
  expect(await codeOf(at().request('/contacts', { retries: 0 }))).toBe('unavailable')
  expect(api.hits('contacts')).toBe(0)
})

test('fixed headers are sent; a 401 to them is final', async () => {
  const { at, lines } = make({
    UPSTREAM_CRM_URL: `${api.url}/v1`,
    UPSTREAM_CRM_AUTH: 'header',
    UPSTREAM_CRM_HEADER_NAMES: 'X-Api-Key,X-Account',
    UPSTREAM_CRM_HEADER_VALUES: `${API_KEY}\nsome account`,
  })
  expect(await userOf(at({ name: 'crm' }).request('/contacts'))).toBe('key')
  expect(api.asked[0]?.headers['x-account']).toBe('some account')
  api.behave('contacts', { status: 401, body: {} })
  expect(await codeOf(at({ name: 'crm' }).request('/contacts'))).toBe('credentials_refused')
  expect(await codeOf(at({ name: 'crm' }).request('/contacts'))).toBe('credentials_refused')
  expect(api.hits('contacts')).toBe(3)
  expect(lines).toHaveLength(1)
})

test("a tenant's own credentials are never used for another tenant, nor the operator's beside them", async () => {
  const own = (user: 'acme' | 'globex') => ({
    url: null,
    fields: { username: user, password: API_USERS[user] },
    version: user,
  })
  const { at } = make(login({ UPSTREAM_CONCURRENCY: '50' }), {
    own: { 'acme default': own('acme'), 'globex default': own('globex') },
  })
  const tenants = ['acme', 'globex', 'initech']
  const users = await Promise.all(
    Array.from({ length: 60 }, async (_, turn) => {
      const tenant = tenants[turn % 3] ?? ''
      return `${tenant} as ${String(await userOf(at({ tenant }).request('/contacts')))}`
    }),
  )
  expect([...new Set(users)].toSorted()).toEqual(['acme as acme', 'globex as globex', 'initech as gatehouse'])
  expect(api.hits('login')).toBe(3)
})

test('a tenant without credentials of its own, where none are shared, is told so and nothing is sent', async () => {
  const { at } = make({
    UPSTREAM_URL: `${api.url}/v1`,
    UPSTREAM_AUTH: 'login',
    UPSTREAM_CREDENTIALS: 'tenant',
  })
  expect(await codeOf(at().request('/contacts'))).toBe('no_credentials')
  expect(api.hits()).toBe(0)
})

test("D30: a tenant's own URL is asked as a stranger's, with its own credentials alone, and only where the operator allows it", async () => {
  const fields = { username: 'acme', password: API_USERS.acme }
  const reached: string[] = []
  const guard = {
    resolve: (
      _host: string,
      _options: unknown,
      done: (error: null, found: { address: string; family: number }[]) => void,
    ) => done(null, [{ address: '10.0.0.7', family: 4 }]),
    dispatcherConnect: (target: { hostname: string }, done: (error: Error, socket: null) => void) => {
      reached.push(target.hostname)
      done(new Error('reached'), null)
    },
  } as never
  const may = { UPSTREAM_TENANT_MAY: 'url' }
  for (const [url, code] of [
    ['https://crm.acme.example', 'refused'],
    [`${api.url}/v1`, 'no_credentials'],
    ['https://127.0.0.1', 'no_credentials'],
    ['https://crm.acme.example:8443', 'no_credentials'],
    ['https://localhost', 'no_credentials'],
  ] as const) {
    const one = make(login(may), { own: { 'acme default': { url, fields, version: '1' } }, guard })
    // EGRESS_ALLOW_PRIVATE is on in the bench: it covers configured URLs only.
    const error = await errorOf(one.at().request('/contacts', { retries: 0 }))
    expect([url, error]).toMatchObject([url, { code }])
  }
  const closed = make(login(), {
    own: { 'acme default': { url: 'https://crm.acme.example', fields, version: '1' } },
    guard,
  })
  expect(await codeOf(closed.at().request('/contacts'))).toBe('no_credentials')
  expect(reached).toEqual([])
  expect(api.hits()).toBe(0)
})

test('no secret and no body of the API is in an error or a log line', async () => {
  const one = make(login())
  const seen: unknown[] = []
  const note = async (work: Promise<unknown>): Promise<void> => {
    const error = await errorOf(work)
    seen.push(error, error instanceof Error ? [error.message, error.stack, Object.entries(error)] : null)
  }
  await one.at().request('/contacts')
  for (const behaviour of ['cut', 'garbage', 'limited', { status: 503, body: 'body-of-an-outage' }] as const) {
    one.pass(60_000)
    api.behave('contacts', behaviour)
    await note(
      one
        .at()
        .request('/contacts', { query: { token: 'secret-of-the-query' } })
        .then((answer) => answer.json()),
    )
  }
  one.pass(60_000)
  api.behave('contacts', 'ok')
  api.behave('login', { status: 403, body: 'body-of-a-refusal' })
  api.forget()
  await note(one.at().request('/contacts'))
  expect(seen.length).toBe(10)
  const text = JSON.stringify(seen) + one.lines.join('')
  for (const secret of [...api.issued, API_USERS.gatehouse, 'body-of', 'secret-of-the-query'])
    expect(text).not.toContain(secret)
})
