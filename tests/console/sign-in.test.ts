import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { SESSION, visitor, type Visitor } from './support.ts'

let server: RunningGatehouse
beforeAll(async () => void (server = await startGatehouse({ kind: 'postgres' })), 60_000)
afterAll(async () => await server?.close())

const isSignedIn = async (who: Visitor): Promise<boolean> => (await who.get('/console/account')).status === 200
/** No parameter twice. */
const once = ({ searchParams }: URL): boolean => new Set(searchParams.keys()).size === [...searchParams.keys()].length
const flowOf = (who: Visitor): [string, string] => {
  const found = [...who.jar].find(([name]) => name.startsWith('gh_console_'))
  if (found === undefined) throw new Error('no sign-in is under way')
  return found
}

test('a person signs in at the provider and sees who they are, where they belong and what they may do', async () => {
  const alice = visitor(server)
  const first = await alice.get('/console/account')
  expect([first.status, first.location]).toEqual([303, '/console/login?return_to=%2Fconsole%2Faccount'])
  expect((await alice.get(first.location ?? '')).text).toContain('Continue with')
  const back = await alice.signIn('alice', { return_to: '/console' })
  expect([back.status, back.location]).toEqual([303, '/console'])
  const home = await alice.get('/console/account')
  expect(home.status).toBe(200)
  for (const piece of ['Alice Archer', 'alice@acme.test', 'development:alice', 'acme_test', 'owner', 'projects:write'])
    expect(home.text).toContain(piece)
  expect(home.headers.get('cache-control')).toBe('no-store')
  expect(home.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
  // Signed in already: nothing to do on the login page.
  expect((await alice.get('/console/login?return_to=/console/members')).location).toBe('/console/members')
})

describe('D24: only the browser that began a sign-in can finish it', () => {
  test('a callback without the cookie signs nobody in and burns nothing; the right browser finishes still', async () => {
    const [alice, victim] = [visitor(server), visitor(server)]
    const callback = await alice.untilCallback('alice')
    const tricked = await victim.get(callback)
    expect([tricked.status, tricked.location, tricked.cookies]).toEqual([400, null, []])
    expect(await isSignedIn(victim)).toBe(false)
    expect((await alice.get(callback)).status).toBe(303)
    expect(await isSignedIn(alice)).toBe(true)
  })

  test('the cookie of another sign-in does not open it, under its own name or under the one that is asked for', async () => {
    const [alice, bob] = [visitor(server), visitor(server)]
    const callback = await alice.untilCallback('alice')
    await bob.untilCallback('bob')
    bob.jar.set(flowOf(alice)[0], flowOf(bob)[1])
    expect((await bob.get(callback)).status).toBe(400)
    bob.jar.set(flowOf(alice)[0], '')
    expect((await bob.get(callback)).status).toBe(400)
    expect(await isSignedIn(bob)).toBe(false)
  })

  test('another state, another provider, another issuer, a parameter twice, none at all: 400, and the cookie it names is gone', async () => {
    const changes: ((url: URL) => void)[] = [
      (url) => (url.pathname = '/console/callback/google'),
      (url) => url.searchParams.set('iss', `${server.url}/dev/`),
      (url) => url.searchParams.set('iss', 'https://evil.example.com'),
      (url) => url.searchParams.delete('iss'),
      (url) => url.searchParams.append('code', 'second'),
      (url) => url.searchParams.append('state', 'second'),
      (url) => url.searchParams.append('iss', 'https://evil.example.com'),
      (url) => url.searchParams.delete('code'),
      (url) => url.searchParams.set('code', ''),
      (url) => url.searchParams.set('code', 'made-up'),
      (url) => url.searchParams.set('state', 'x'.repeat(43)),
      (url) => url.searchParams.set('state', ''),
      (url) => (url.search = ''),
    ]
    for (const change of changes) {
      const alice = visitor(server)
      const callback = new URL(await alice.untilCallback('alice'))
      const [before, state] = [callback.search, callback.searchParams.get('state')]
      change(callback)
      const page = await alice.get(callback.href)
      expect([callback.search, page.status, page.location]).toEqual([callback.search, 400, null])
      expect(page.text).toContain('This sign-in cannot be finished')
      expect(alice.jar.has(SESSION)).toBe(false)
      const named = callback.search === before || (once(callback) && callback.searchParams.get('state') === state)
      expect([...alice.jar.keys()].some((name) => name.startsWith('gh_console_'))).toBe(!named)
    }
  })

  test('B3: a callback counts once, also for whoever kept a copy of the cookie', async () => {
    const alice = visitor(server)
    const callback = await alice.untilCallback('alice')
    const [name, value] = flowOf(alice)
    expect((await alice.get(callback)).status).toBe(303)
    expect(alice.jar.has(name)).toBe(false)
    const thief = visitor(server)
    thief.jar.set(name, value)
    expect((await thief.get(callback)).status).toBe(400)
    expect(await isSignedIn(thief)).toBe(false)
    expect((await alice.get(callback)).status).toBe(400)
    expect(await isSignedIn(alice)).toBe(true)
  })

  test('two sign-ins under way in one browser do not disturb each other', async () => {
    const alice = visitor(server)
    const [first, second] = [await alice.untilCallback('alice'), await alice.untilCallback('alice')]
    expect((await alice.get(first)).status).toBe(303)
    expect((await alice.get(second)).status).toBe(303)
    expect(await isSignedIn(alice)).toBe(true)
  })

  test('the provider said no: a page with fixed words, not theirs (B7)', async () => {
    const alice = visitor(server)
    const callback = new URL(await alice.untilCallback('alice'))
    callback.searchParams.delete('code')
    callback.searchParams.set('error', '<script>alert(1)</script>')
    callback.searchParams.set('error_description', '<script>alert(2)</script>')
    const page = await alice.get(callback.href)
    expect(page.status).toBe(403)
    expect(page.text).toContain('You were not signed in')
    expect(page.text).not.toContain('alert(')
    // And not even that without the cookie: an error is no more believed than a code.
    expect((await visitor(server).get(callback.href)).status).toBe(400)
  })
})

describe('D31: cookies', () => {
  test('of the sign-in and of the session: HttpOnly, Lax, for this host; the session ends with the browser', async () => {
    const alice = visitor(server)
    const login = await alice.post('/console/login', { provider: 'development' })
    expect(login.cookies).toHaveLength(1)
    expect(login.cookies[0]).toMatch(/^gh_console_[\w-]{22}=v1\.[\w-]+; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax$/)
    const back = await alice.signIn('alice')
    expect(back.cookies.find((cookie) => cookie.startsWith(SESSION))).toMatch(
      /^gh_session=v1\.[\w-]+; Path=\/; HttpOnly; SameSite=Lax$/,
    )
  })

  test('each sign-in makes a new session and ends the one before it (no fixation)', async () => {
    const [alice, mallory] = [visitor(server), visitor(server)]
    await mallory.signIn('carol')
    const planted = mallory.jar.get(SESSION) ?? ''
    alice.jar.set(SESSION, planted)
    await alice.signIn('alice')
    expect(alice.jar.get(SESSION)).not.toBe(planted)
    expect((await alice.get('/console/account')).text).toContain('Alice Archer')
    expect(await isSignedIn(mallory)).toBe(false)
  })
})

test('D31: the login form counts only when a page of ours sent it', async () => {
  const form = { provider: 'development' }
  const ours = { origin: server.url }
  const statuses = await Promise.all(
    [
      ours,
      { 'sec-fetch-site': 'same-origin' },
      {},
      { origin: 'http://evil.example.com' },
      { origin: 'null' },
      { ...ours, 'sec-fetch-site': 'cross-site' },
      { ...ours, 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'none' },
      { origin: server.url.replace('127.0.0.1', 'localhost'), 'sec-fetch-site': 'same-origin' },
    ].map(
      async (headers: Record<string, string>) => (await visitor(server).post('/console/login', form, headers)).status,
    ),
  )
  expect(statuses).toEqual([303, 303, 403, 403, 403, 403, 403, 403, 403])
})

test('a form that is not ours, or for no provider, begins nothing', async () => {
  for (const form of [{}, { provider: '' }, { provider: 'google' }, { provider: '__proto__' }]) {
    const page = await visitor(server).post('/console/login', form)
    expect([page.status, page.cookies]).toEqual([400, []])
  }
  const twice = await fetch(`${server.url}/console/login`, {
    method: 'POST',
    headers: { origin: server.url },
    body: new URLSearchParams('provider=development&provider=development'),
  })
  expect(twice.status).toBe(400)
  const json = await fetch(`${server.url}/console/login`, {
    method: 'POST',
    headers: { origin: server.url, 'content-type': 'application/json' },
    body: '{"provider":"development"}',
  })
  expect(json.status).toBe(400)
  expect((await fetch(`${server.url}/console/logout`)).status).toBe(405)
  expect((await fetch(`${server.url}/console/callback/development`, { method: 'HEAD' })).status).toBe(405)
})

test('B1: after the sign-in nobody is led out of the console', async () => {
  for (const return_to of [
    '//evil.example.com',
    '/\\evil.example.com',
    'https://evil.example.com',
    '/mcp',
    '/console/../x',
  ])
    expect((await visitor(server).signIn('alice', { return_to })).location).toBe('/console')
  expect((await visitor(server).signIn('alice', { return_to: '/console/members?page=2' })).location).toBe(
    '/console/members?page=2',
  )
})

test('D31: to confirm who they are, people are asked again by the provider, and come back to where they were', async () => {
  const alice = visitor(server)
  await alice.signIn('alice')
  const page = await alice.get('/console/login?fresh=1&return_to=/console/keys')
  expect(page.text).toContain('Confirm that it is you')
  const begun = await alice.post('/console/login', { provider: 'development', fresh: '1', return_to: '/console/keys' })
  expect(new URL(begun.location ?? '').searchParams.get('prompt')).toBe('login')
  expect((await alice.signIn('alice', { fresh: '1', return_to: '/console/keys' })).location).toBe('/console/keys')
  expect(await isSignedIn(alice)).toBe(true)
})

test('B9: who comes by another name of this machine begins at the configured one', async () => {
  const page = await visitor(server).get(`${server.url.replace('127.0.0.1', 'localhost')}/console/login?fresh=1`)
  expect([page.status, page.location]).toEqual([302, `${server.url}/console/login?fresh=1`])
})

test('no page of another origin may read the console, and the log holds neither code nor cookie', async () => {
  const alice = visitor(server)
  const callback = await alice.untilCallback('alice')
  await alice.get(callback)
  const page = await alice.get('/console/account', { origin: 'http://localhost:9999' })
  expect(page.headers.get('access-control-allow-origin')).toBeNull()
  const log = server.lines.join('')
  expect(log).toContain('/console/callback/:provider')
  expect(log).not.toContain(new URL(callback).searchParams.get('code') ?? 'no code')
  expect(log).not.toContain(alice.jar.get(SESSION) ?? 'no session')
})
