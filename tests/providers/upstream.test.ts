import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createGuardedFetch, type GuardedFetch } from '#base/fetch.ts'
import { Refusal } from '#base/refusal.ts'
import { ask, basic } from '#providers/upstream.ts'
import { createTestClock } from '../identity/support/clock.ts'
import { startFakeServer, type FakeServer } from '../support/fake-provider/server.ts'

const clock = createTestClock()
let server: FakeServer
let fetch: GuardedFetch
beforeAll(async () => {
  server = await startFakeServer()
  server.route('GET', '/asked', 'asked', () => ({ status: 200, body: { ok: true } }))
  fetch = createGuardedFetch({ allowPrivate: true })
})
beforeEach(() => server.reset())
afterAll(async () => {
  await fetch.close()
  await server.close()
})

/** The status of a judgement; of anything else code and waiting time. */
async function asked(
  status: number,
  headers: Record<string, string> = {},
  body: unknown = {},
  judged: readonly number[] = [404],
): Promise<number | string> {
  server.behave('asked', { status, headers, body })
  try {
    return (await ask({ fetch, clock }, `${server.url}/asked`, { judged })).status
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return `${error.code} ${error.retryAfter}`
  }
}

test('200 and what was asked for are judgements, everything else is not', async () => {
  expect([await asked(200), await asked(404)]).toEqual([200, 404])
  for (const status of [201, 204, 301, 400, 401, 403, 429, 500, 502])
    expect(await asked(status, {}, status === 204 ? '' : {}), String(status)).toBe('provider_unavailable 10')
})

describe('403 is a judgement where it is asked for, unless it means "too many"', () => {
  test.each<[string, Record<string, string>, unknown, number | string]>([
    ['bare', {}, {}, 403],
    ['with something left', { 'x-ratelimit-remaining': '1' }, {}, 403],
    ['with another message', {}, { message: 'Resource not accessible by integration' }, 403],
    ['with a message that is no string', {}, { message: ['rate limit'] }, 403],
    ['with a body that is no object', {}, ['rate limit'], 403],
    ['with nothing left', { 'x-ratelimit-remaining': '0' }, {}, 'provider_unavailable 10'],
    ['with Retry-After', { 'retry-after': '5' }, {}, 'provider_unavailable 5'],
    ['with "rate limit" in words', {}, { message: 'API RATE LIMIT exceeded' }, 'provider_unavailable 10'],
    ['with "abuse" in words', {}, { message: 'Abuse detection' }, 'provider_unavailable 10'],
  ])('%s', async (_what, headers, body, ends) => {
    expect(await asked(403, headers, body, [403])).toBe(ends)
  })
})

describe('how long to wait', () => {
  const now = Math.floor(clock.now() / 1000)
  test.each<[string, Record<string, string>, number]>([
    ['seconds', { 'retry-after': '42' }, 42],
    ['at least one second', { 'retry-after': '0' }, 1],
    ['at most an hour', { 'retry-after': '99999' }, 3600],
    ['until a date', { 'retry-after': new Date(clock.now() + 42_000).toUTCString() }, 42],
    ['until a date that has passed', { 'retry-after': new Date(clock.now() - 42_000).toUTCString() }, 1],
    ['Retry-After before the reset', { 'retry-after': '42', 'x-ratelimit-reset': String(now + 7) }, 42],
    ['until the reset', { 'x-ratelimit-reset': String(now + 42) }, 42],
    ['neither date nor number', { 'retry-after': 'soon' }, 10],
    ['a reset that is no number', { 'x-ratelimit-reset': `${now + 42}s` }, 10],
    ['nothing', {}, 10],
  ])('%s', async (_what, headers, wait) => {
    expect(await asked(429, headers)).toBe(`provider_unavailable ${wait}`)
  })
})

test('credentials are sent as RFC 7617 says', () => {
  expect(basic('me', 'pass:word')).toEqual({ authorization: `Basic ${btoa('me:pass:word')}` })
})
