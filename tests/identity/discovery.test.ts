import type { RequestListener } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createGuardedFetch, type GuardedFetch } from '#base/fetch.ts'
import { createDiscovery } from '#identity/discovery.ts'
import { createTestClock } from './support/clock.ts'
import { refused } from './support/refused.ts'
import { json, startServer, status, type TestServer } from './support/server.ts'

let server: TestServer
let fetch: GuardedFetch

beforeAll(async () => {
  server = await startServer(status(404))
  fetch = createGuardedFetch({ allowPrivate: true })
})
afterAll(async () => {
  await fetch.close()
  await server.close()
})

const at =
  (path: string, body: unknown): RequestListener =>
  (request, response) =>
    (request.url === path ? json(body) : status(404))(request, response)
const discover = (issuer: string, guard = fetch) => {
  const clock = createTestClock()
  return { clock, ...createDiscovery({ issuer, fetch: guard, clock }) }
}

test('the document of an issuer is fetched once for all who ask, and anew in the background after an hour', async () => {
  const issuer = `${server.url}/realms/acme`
  server.answer(
    at('/realms/acme/.well-known/openid-configuration', { issuer, jwks_uri: 'https://idp.example/jwks', x: 1 }),
  )
  const before = server.hits()
  const mine = discover(issuer)
  const all = await Promise.all(Array.from({ length: 50 }, async () => await mine.metadata()))
  expect(all[0]).toEqual({
    issuer,
    jwks_uri: 'https://idp.example/jwks',
    introspection_endpoint: null,
    userinfo_endpoint: null,
    authorization_endpoint: null,
    token_endpoint: null,
    document: { issuer, jwks_uri: 'https://idp.example/jwks', x: 1 },
  })
  expect(server.hits()).toBe(before + 1)
  mine.clock.advance(3_600_000)
  server.answer(status(500))
  expect(await mine.endpoint('jwks_uri')).toBe('https://idp.example/jwks')
})

test('an issuer with a slash at its end has its document behind one slash', async () => {
  const issuer = `${server.url}/`
  server.answer(at('/.well-known/openid-configuration', { issuer }))
  expect((await discover(issuer).metadata()).issuer).toBe(issuer)
})

test('an issuer without OpenID has its document where RFC 8414 puts it', async () => {
  const issuer = `${server.url}/login/oauth`
  server.answer(
    at('/.well-known/oauth-authorization-server/login/oauth', { issuer, token_endpoint: 'https://idp.example/token' }),
  )
  expect(await discover(issuer).endpoint('token_endpoint')).toBe('https://idp.example/token')
})

test('one at the root of its host has it right behind the well-known part', async () => {
  server.answer(at('/.well-known/oauth-authorization-server', { issuer: server.url }))
  expect((await discover(server.url).metadata()).issuer).toBe(server.url)
})

test('each endpoint is the one of its name', async () => {
  const document = {
    issuer: server.url,
    ...Object.fromEntries(
      ['jwks_uri', ...['introspection', 'userinfo', 'authorization', 'token'].map((name) => `${name}_endpoint`)].map(
        (name) => [name, `https://idp.example/${name}`],
      ),
    ),
  }
  server.answer(json(document))
  expect(await discover(server.url).metadata()).toEqual({ ...document, document })
})

test('a document that is no object is told as such', async () => {
  server.answer(json(null))
  await expect(discover(server.url).metadata()).rejects.toThrow(`the discovery document of ${server.url} is no object`)
})

test.each([
  ['C3: a slash more', (issuer: string) => ({ issuer: `${issuer}/` })],
  ['C3: another issuer', () => ({ issuer: 'https://evil.example' })],
  ['C3: no issuer', () => ({ jwks_uri: 'https://idp.example/jwks' })],
  ['an array', () => []],
  ['N8: keys over http', (issuer: string) => ({ issuer, jwks_uri: 'http://idp.example/jwks' })],
  ['N8: keys in a file', (issuer: string) => ({ issuer, jwks_uri: 'file:///etc/passwd' })],
  ['keys with a password', (issuer: string) => ({ issuer, jwks_uri: 'https://a:b@idp.example/jwks' })],
])('%s in the document is no answer', async (_, body) => {
  server.answer(json(body(server.url)))
  expect(await refused(async () => await discover(server.url).metadata())).toBe('provider_unavailable')
})

test.each([
  'https://169.254.169.254/latest',
  'https://[::1]/jwks',
  'https://2130706433/jwks',
  'https://10.0.0.1/',
  'http://127.0.0.1:9/',
])('N8: where private addresses are not allowed %s is refused', (url) => {
  expect(createGuardedFetch({ allowPrivate: false }).permits(url)).toBe(false)
})

test('an endpoint that is not there is no judgement', async () => {
  server.answer(json({ issuer: server.url }))
  expect(await refused(async () => await discover(server.url).endpoint('introspection_endpoint'))).toBe(
    'provider_unavailable',
  )
})

test('a dead issuer is not asked again before its wait is over', async () => {
  server.answer(status(500))
  const before = server.hits()
  const mine = discover(server.url)
  for (let n = 0; n < 20; n += 1) expect(await refused(async () => await mine.metadata())).toBe('provider_unavailable')
  expect(server.hits()).toBe(before + 1)
  mine.clock.advance(1_000)
  server.answer(json({ issuer: server.url }))
  expect((await mine.metadata()).issuer).toBe(server.url)
})
