import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { UpstreamError } from '#upstream/error.ts'
import { API_KEY, startFakeApi, type FakeApi } from '../support/fake-api.ts'
import { until } from '../support/until.ts'
import { bench, codeOf, errorOf, type Bench } from './support.ts'

let api: FakeApi
let one: Bench
const keyed = (more: Record<string, string> = {}): Record<string, string> => ({
  UPSTREAM_URL: `${api.url}/v1`,
  UPSTREAM_AUTH: 'header',
  UPSTREAM_HEADER_NAMES: 'X-Api-Key',
  UPSTREAM_HEADER_VALUES: API_KEY,
  ...more,
})
beforeEach(async () => {
  api = await startFakeApi()
  one = bench(keyed())
})
afterEach(async () => {
  await one.close()
  await api.close()
})
const remade = async (...args: Parameters<typeof bench>): Promise<Bench> => {
  await one.close()
  one = bench(...args)
  return one
}

test('an answer has status, headers without cookies, text, bytes and JSON; what is no JSON says so', async () => {
  api.behave('contacts', { status: 404, headers: { 'set-cookie': 'a=b', 'x-total': '7' }, body: '<p>' })
  const answer = await one.at().request('/contacts')
  expect([answer.status, answer.ok, answer.text(), answer.bytes().length]).toEqual([404, false, '<p>', 3])
  expect([answer.headers.get('x-total'), answer.headers.get('set-cookie')]).toEqual(['7', null])
  expect(() => answer.json()).toThrow('crm answered something'.replace('crm', 'default'))
})

test('query, body and request id arrive as they were given', async () => {
  await one.at().request('/contacts', { query: { q: 'a&b=ü', page: 2, tag: ['x', 'y'], none: undefined } })
  expect(api.asked[0]?.query.toString()).toBe('q=a%26b%3D%C3%BC&page=2&tag=x&tag=y')
  expect(api.asked[0]?.headers).toMatchObject({ 'x-request-id': 'request-1', accept: 'application/json' })
  await one.at().request('/contacts', { method: 'PUT', body: 'a,b', headers: { 'Content-Type': 'text/csv' } })
  expect(api.asked[1]).toMatchObject({ body: 'a,b', headers: { 'content-type': 'text/csv' } })
})

test('segments of a path are encoded, whatever they are', async () => {
  expect((await one.at().request(['contacts', 'a/b?'])).ok).toBe(true)
  expect(api.asked[0]?.path).toBe('/v1/contacts/a%2Fb%3F')
})

describe('a path that could lead out of the base URL is refused, and nothing is sent', () => {
  test.each([
    '',
    'contacts',
    '//evil.example/x',
    '/..',
    '/../admin',
    '/contacts/../../admin',
    '/contacts/%2e%2e/admin',
    '/contacts/.%2E/admin',
    '/contacts/%252e%252e/admin',
    '/contacts/%252e%252e%2fadmin%25',
    '/contacts/..%2fadmin',
    '/contacts/..;/admin',
    '/contacts/..%5cadmin',
    '/contacts\\..\\admin',
    '/a//b',
    '/./a',
    '/contacts?x=1',
    '/contacts#x',
    '/contacts/%00',
    '/contacts/%zz',
    '/contacts/\n',
    '/contacts /x',
    'https://evil.example/',
    '@evil.example/',
    '/contacts/ü',
  ])('%j', async (path) => {
    expect(await codeOf(one.at().request(path))).toBe('refused')
    expect(api.hits()).toBe(0)
  })
  test.each([[['..']], [['%2e%2e/admin%']], [['contacts', '']], [['contacts', '.']], [['\ud800']]])(
    '%j',
    async (path) => {
      expect(await codeOf(one.at().request(path))).toBe('refused')
      expect(api.hits()).toBe(0)
    },
  )
})

test('a header that says who asks, where to, or that begins another one is refused', async () => {
  for (const headers of [
    { Authorization: 'Bearer stolen' },
    { 'x-api-key': 'other' },
    { Cookie: 'a=b' },
    { Host: 'evil.example' },
    { 'Transfer-Encoding': 'chunked' },
    { 'X-Forwarded-For': '10.0.0.1' },
    { 'x-ok': 'a\r\nX-Evil: 1' },
    { 'x-ok': 'a\u0000' },
    { 'x bad': 'a' },
    { 'x-ok': 'ü' },
  ] as Record<string, string>[])
    expect([headers, await codeOf(one.at().request('/contacts', { headers }))]).toEqual([headers, 'refused'])
  expect(api.hits()).toBe(0)
})

test('D20: a tool that does not write may only GET and HEAD', async () => {
  for (const access of ['none', 'read'] as const) {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'get', 'CONNECT'])
      await expect(one.at({ access }).request('/contacts', { method })).rejects.toThrow(
        /needs access 'write'|no method/,
      )
    expect((await one.at({ access }).request('/contacts')).ok).toBe(true)
  }
  expect(api.hits('contacts')).toBe(2)
  await expect(one.at().request('/contacts', { json: {} })).rejects.toThrow('GET has no body')
})

test('a redirect is refused, and the credentials go nowhere', async () => {
  api.behave('contacts', 'redirect')
  expect(await codeOf(one.at().request('/contacts'))).toBe('redirected')
  expect(api.hits('GET /redirected')).toBe(0)
})

test('the outbound guard refuses a private address when none is allowed, at configured URLs too', async () => {
  const env = keyed({ UPSTREAM_URL: 'https://api.example.com' })
  const reached: string[] = []
  await remade(env, {
    guard: {
      allowPrivate: false,
      resolve: ((_: string, __: unknown, done: (error: null, found: object[]) => void) =>
        done(null, [{ address: '169.254.169.254', family: 4 }])) as never,
      dispatcherConnect: (target, done) => {
        reached.push(target.hostname)
        done(new Error('reached'), null)
      },
    },
  })
  expect(await codeOf(one.at().request('/contacts'))).toBe('refused')
  expect(reached).toEqual([])
})

test('reads are tried again with growing pauses after 502, 503, 504 and a cut connection; writes are not', async () => {
  for (const behaviour of [
    { status: 502, body: '' },
    { status: 503, body: '' },
    { status: 504, body: '' },
    'cut',
  ] as const) {
    await remade(keyed())
    api.reset()
    api.behave('contacts', behaviour)
    expect(await codeOf(one.at().request('/contacts'))).toBe('unavailable')
    expect([api.hits('contacts'), one.pauses.length]).toEqual([3, 2])
    expect(one.pauses[0]).toBeGreaterThanOrEqual(100)
    expect(one.pauses[1]).toBeGreaterThanOrEqual(200)
    await remade(keyed())
    const failed = await errorOf(one.at().request('/contacts', { method: 'POST', json: {} }))
    expect(failed).toMatchObject({ code: 'unavailable' })
    expect(String(failed)).toContain('may or may not have been made')
    expect(api.hits('contacts')).toBe(4)
  }
})

test('Retry-After is waited for when the call has the time, else the answer is told at once', async () => {
  let turn = 0
  api.behave('contacts', (right) => {
    turn += 1
    return turn === 1 ? { status: 429, headers: { 'retry-after': '7' }, body: '' } : right
  })
  expect((await one.at().request('/contacts')).ok).toBe(true)
  expect(one.pauses).toEqual([7000])

  api.behave('contacts', 'limited')
  const soon = { deadline: Date.now() + 7_000 + 5_000 }
  expect(await errorOf(one.at(soon).request('/contacts'))).toMatchObject({
    code: 'limited',
    retryAfter: 7,
    status: 429,
  })
  expect(one.pauses).toEqual([7000])
})

test('after 5 failures in a row nothing is sent for 15 s, to that tenant alone; then one try decides', async () => {
  api.behave('contacts', { status: 503, body: '' })
  const ask = async (tenant = 'acme') => await errorOf(one.at({ tenant }).request('/contacts', { retries: 0 }))
  for (let call = 0; call < 5; call += 1) await ask()
  expect(api.hits('contacts')).toBe(5)
  expect(await ask()).toMatchObject({ code: 'unavailable', status: null, retryAfter: 15 })
  expect(await codeOf(one.at().request('/contacts'))).toBe('unavailable')
  expect([api.hits('contacts'), one.pauses]).toEqual([5, []])
  await ask('globex')
  expect(api.hits('contacts')).toBe(6)

  one.pass(15_000)
  await ask()
  expect(api.hits('contacts')).toBe(7)
  await ask()
  expect(api.hits('contacts')).toBe(7)
  one.pass(15_000)
  api.behave('contacts', 'ok')
  expect((await one.at().request('/contacts')).ok).toBe(true)
  expect((await one.at().request('/contacts')).ok).toBe(true)
})

test('an answer that is an error of the request opens nothing', async () => {
  for (const status of [400, 404, 409, 422, 500]) {
    api.behave('contacts', { status, body: '' })
    for (let call = 0; call < 6; call += 1) expect((await one.at().request('/contacts')).status).toBe(status)
  }
})

test('an upstream that never answers, and one that drips, end at the time limit', async () => {
  for (const behaviour of ['hang', 'trickle'] as const) {
    api.behave('contacts', behaviour)
    expect(await codeOf(one.at().request('/contacts', { timeout: 150, retries: 0 }))).toBe('timeout')
    expect(await codeOf(one.at({ deadline: Date.now() + 150 }).request('/contacts'))).toBe('timeout')
  }
})

test('signing in is a part of the time of a request, and what hangs there ends with it too', async () => {
  await remade({
    UPSTREAM_URL: `${api.url}/v1`,
    UPSTREAM_AUTH: 'login',
    UPSTREAM_USERNAME: 'gatehouse',
    UPSTREAM_PASSWORD: 'pass word ä',
  })
  api.behave('login', 'hang')
  const from = performance.now()
  expect(await codeOf(one.at().request('/contacts', { timeout: 150, retries: 0 }))).toBe('timeout')
  // Not those of UPSTREAM_TIMEOUT.
  expect(performance.now() - from).toBeLessThan(5_000)
})

test('a larger answer than allowed is not read, also when it grows by decompression', async () => {
  for (const behaviour of ['huge', 'bomb'] as const) {
    api.behave('contacts', behaviour)
    expect(await codeOf(one.at().request('/contacts'))).toBe('too_large')
  }
})

test('an aborted call ends its request at once, waits for nothing, and leaves no listener', async () => {
  await remade({
    UPSTREAM_URL: `${api.url}/v1`,
    UPSTREAM_AUTH: 'login',
    UPSTREAM_USERNAME: 'gatehouse',
    UPSTREAM_PASSWORD: 'pass word ä',
  })
  const gone = new Error('the caller is gone')
  for (const endpoint of ['login', 'contacts']) {
    api.behave(endpoint, 'hang')
    const abort = new AbortController()
    const work = errorOf(one.at({ signal: abort.signal }).request('/contacts'))
    await until(() => api.hits(endpoint) === 1)
    abort.abort(gone)
    expect(await work).toBe(gone)
    expect(getEventListeners(abort.signal, 'abort')).toEqual([])
    api.behave(endpoint, 'ok')
    if (endpoint === 'login') {
      // The login goes on for others; this one hangs, so it is ended with its connection.
      await one.close()
      one = bench({ ...keyed() })
    }
  }
  expect(one.observed.map(({ outcome }) => outcome)).toEqual(['aborted'])
})

test('one tenant has its number of requests under way, others theirs; who waits too long is told', async () => {
  await remade(keyed({ UPSTREAM_CONCURRENCY: '2' }))
  api.behave('contacts', { slow: 10 })
  const ask = async (tenant: string) => await one.at({ tenant }).request('/contacts')
  await Promise.all(Array.from({ length: 12 }, async (_, turn) => await ask(turn % 2 === 0 ? 'acme' : 'globex')))
  expect(api.mostAtOnce('contacts')).toBeLessThanOrEqual(4)
  expect(api.mostAtOnce('contacts')).toBeGreaterThanOrEqual(2)
  const codes = await Promise.all(Array.from({ length: 110 }, async () => await errorOf(ask('initech'))))
  expect(codes.filter((error) => error instanceof UpstreamError).map((error) => error.code)).toEqual(
    Array.from({ length: 8 }, () => 'busy'),
  )
})

test('every request is observed once, with its outcome and tries, and without a tenant', async () => {
  await one.at().request('/contacts')
  api.behave('contacts', { status: 503, body: '' })
  await codeOf(one.at().request('/contacts'))
  await codeOf(one.at().request('/../x'))
  expect(one.observed).toMatchObject([
    { upstream: 'default', method: 'GET', outcome: '200', tries: 1 },
    { outcome: 'unavailable', tries: 3 },
    { outcome: 'refused', tries: 0 },
  ])
})
