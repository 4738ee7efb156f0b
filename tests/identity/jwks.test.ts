import { pino } from 'pino'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { Refusal } from '#base/refusal.ts'
import type { KeySet } from '#identity/jwks.ts'
import { makeKey, startIssuer, type Issuer } from './support/issuer.ts'
import { problemsOf } from './support/problems.ts'
import { refused } from './support/refused.ts'
import { html, json, startServer, status } from './support/server.ts'

const MINUTE = 60_000
const k1 = makeKey('k1')
const k2 = makeKey('k2')
let issuer: Issuer
let keys: KeySet
let start: number

beforeAll(async () => {
  issuer = await startIssuer(k1)
})
afterAll(async () => {
  await issuer.close()
})
beforeEach(() => {
  issuer.publish([k1.jwk])
  keys = issuer.keySet()
  start = issuer.server.hits()
})

const hits = (): number => issuer.server.hits() - start
const ask = async (kid = 'k1'): Promise<string> => await refused(async () => await keys.key({ alg: 'RS256', kid }))

/** Waits for what happens in the background; fails by the test's time limit. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

test('200 cold askers cause one fetch', async () => {
  const codes = await Promise.all(Array.from({ length: 200 }, async () => await ask()))
  expect(new Set(codes)).toEqual(new Set(['accepted']))
  expect(hits()).toBe(1)
  expect(keys.state()).toMatchObject({ ready: true, keys: 1, last_error: null, last_success: issuer.clock.now() })
})

test('warm fetches the keys once', async () => {
  expect(keys.state()).toEqual({
    ready: false,
    keys: null,
    failed: 0,
    first_attempt: null,
    last_success: null,
    last_error: null,
    last_failure: null,
    next_attempt: null,
  })
  await keys.warm()
  await keys.warm()
  expect(hits()).toBe(1)
})

test.each([
  ['nothing said', {}, 600],
  ['max-age within the bounds', { 'cache-control': 'public, max-age=1200' }, 1200],
  ['max-age among others', { 'cache-control': 'public,max-age=1200,must-revalidate' }, 1200],
  ['a max-age that goes on', { 'cache-control': 'max-age=1200x' }, 600],
  ['too short a max-age', { 'cache-control': 'max-age=5' }, 300],
  ['too long a max-age', { 'cache-control': 'max-age=86400, must-revalidate' }, 3600],
  ['another member that ends alike', { 'cache-control': 's-max-age=1200' }, 600],
])(
  'with %s the keys are refreshed in the background from 30 s before the end of their freshness',
  async (_, headers, fresh) => {
    issuer.publish([k1.jwk], headers)
    // Counted where a fetch begins: one that is under way has not reached the server yet.
    let begun = 0
    keys = issuer.keySet({
      jwksUri: async () => {
        begun += 1
        return await Promise.resolve(`${issuer.server.url}/jwks`)
      },
    })
    await ask()
    issuer.clock.advance(fresh * 1000 - 30_001)
    await ask()
    expect(begun).toBe(1)
    issuer.clock.advance(1)
    const now = issuer.clock.now()
    expect(await ask()).toBe('accepted')
    await until(() => keys.state().last_success === now)
    expect(hits()).toBe(2)
  },
)

test('nobody waits for a refresh while keys are held', async () => {
  await ask()
  issuer.server.answer(() => null)
  issuer.clock.advance(20 * MINUTE)
  for (let n = 0; n < 100; n += 1) expect(await ask()).toBe('accepted')
  await until(() => hits() === 2)
})

test('N1: 10,000 unknown kids in 30 s cause at most one fetch', async () => {
  await ask()
  issuer.clock.advance(31_000)
  start = issuer.server.hits()
  const codes = new Set<string>()
  for (let n = 0; n < 100; n += 1) {
    const some = await Promise.all(Array.from({ length: 100 }, async (_, at) => await ask(`random-${n}-${at}`)))
    for (const code of some) codes.add(code)
    issuer.clock.advance(299)
  }
  expect([...codes]).toEqual(['key_unknown'])
  expect(hits()).toBe(1)
  expect(await ask()).toBe('accepted')
})

test('a rotated key is found at once, or 30 s after the last fetch', async () => {
  await ask()
  issuer.publish([k1.jwk, k2.jwk])
  expect(await ask('k2')).toBe('key_unknown')
  issuer.clock.advance(30_000)
  expect(await ask('k2')).toBe('accepted')
  expect(hits()).toBe(2)
})

test('a removed key proves nothing after the next fetch', async () => {
  await ask()
  issuer.publish([k2.jwk])
  issuer.clock.advance(31_000)
  expect(await ask('k2')).toBe('accepted')
  expect(await ask('k1')).toBe('key_unknown')
})

test('the generation changes with the keys and not with a fetch of the same ones', async () => {
  let changes = 0
  keys = issuer.keySet({ onChange: () => (changes += 1) })
  await ask()
  const before = keys.generation()
  issuer.clock.advance(31_000)
  await ask('unknown')
  expect([keys.generation(), changes]).toEqual([before, 1])
  issuer.publish([k1.jwk, k2.jwk])
  issuer.clock.advance(31_000)
  await ask('k2')
  expect(keys.generation()).toBeGreaterThan(before)
  expect(changes).toBe(2)
})

test.each([
  ['a 500', status(500)],
  ['a redirect', status(302, { location: 'http://169.254.169.254/' })],
  ['an empty set', json({ keys: [] })],
  ['HTML', html],
  ['an array', json([])],
  ['101 keys', json({ keys: Array.from({ length: 101 }, (_, n) => ({ ...k1.jwk, kid: `k${n}` })) })],
  ['private keys only', json({ keys: [{ ...k1.jwk, d: 'AQAB' }] })],
  ['300 KiB', json({ keys: [k1.jwk], pad: 'x'.repeat(300 * 1024) })],
])('N2, N7: with %s instead of the keys the held ones refuse nobody for 60 minutes, then 503', async (_, answer) => {
  await ask()
  issuer.server.answer(answer)
  for (let minute = 1; minute < 60; minute += 1) {
    issuer.clock.advance(MINUTE)
    expect([minute, await ask()]).toEqual([minute, 'accepted'])
  }
  issuer.clock.advance(MINUTE - 1)
  expect(await ask()).toBe('accepted')
  await until(() => keys.state().last_error !== null)
  issuer.clock.advance(1)
  expect(await ask()).toBe('provider_unavailable')
  expect(keys.state().ready).toBe(false)

  issuer.publish([k1.jwk])
  issuer.clock.advance(30_000)
  expect(await ask()).toBe('accepted')
  expect(keys.state()).toMatchObject({ ready: true, last_error: null })
})

test('N3: with no keys held a dead issuer is asked after 1, 2, 4, 8, 16, 30, 30 s, however many wait', async () => {
  issuer.server.answer(status(503))
  const waits: number[] = []
  let last = issuer.clock.now()
  for (let tenth = 0; tenth < 950; tenth += 1) {
    const before = hits()
    const codes = await Promise.all([ask(), ask(), ask()])
    expect(codes).toEqual(['provider_unavailable', 'provider_unavailable', 'provider_unavailable'])
    if (hits() > before) {
      waits.push((issuer.clock.now() - last) / 1000)
      last = issuer.clock.now()
    }
    issuer.clock.advance(100)
  }
  expect(waits).toEqual([0, 1, 2, 4, 8, 16, 30, 30])
  expect(hits()).toBe(waits.length)
  const error = await keys.key({ alg: 'RS256', kid: 'k1' }).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(Refusal)
  expect(error).toMatchObject({ status: 503, retryAfter: 10 })
})

test('a dead issuer whose keys are held is left alone between its attempts', async () => {
  await ask()
  issuer.server.answer(status(500))
  issuer.clock.advance(20 * MINUTE)
  await ask()
  await until(() => keys.state().last_error !== null)
  for (let n = 0; n < 20; n += 1) expect(await ask()).toBe('accepted')
  issuer.clock.advance(999)
  await ask()
  // A fetch that should not have been would be under way now: joining it would answer otherwise.
  expect(await ask('unknown')).toBe('provider_unavailable')
  expect(hits()).toBe(2)
  issuer.clock.advance(1)
  await ask()
  await until(() => hits() === 3)
})

test('all who ask together once the wait is over get the keys of one fetch', async () => {
  issuer.server.answer(status(500))
  expect(await ask()).toBe('provider_unavailable')
  issuer.publish([k1.jwk])
  issuer.clock.advance(1_000)
  expect(await Promise.all([ask(), ask(), ask()])).toEqual(['accepted', 'accepted', 'accepted'])
  expect(hits()).toBe(2)
})

test('an unknown kid while the issuer is down is no judgement; the kids that are held are proved', async () => {
  await ask()
  issuer.server.answer(status(500))
  issuer.clock.advance(31_000)
  expect(await ask('new')).toBe('provider_unavailable')
  expect(await ask('new')).toBe('provider_unavailable')
  expect(await ask('k1')).toBe('accepted')
  expect(hits()).toBe(2)
})

test('a failed fetch is logged with the issuer and the reason', async () => {
  const lines: string[] = []
  const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) })
  issuer.server.answer(status(500))
  keys = issuer.keySet({ log })
  expect(await ask()).toBe('provider_unavailable')
  expect(lines).toHaveLength(1)
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    issuer: 'https://idp.example',
    msg: 'the keys of an issuer could not be fetched',
    err: { message: expect.stringContaining('status') },
  })
})

test.each([
  [['HS256', 'none'], 'https://idp.example: HS256, none cannot be allowed for a published key set'],
  [[], 'https://idp.example: no algorithm cannot be allowed for a published key set'],
])('J4: %j is told as what stops the boot', (algorithms, problem) => {
  expect(problemsOf(() => issuer.keySet({ algorithms }))).toBe(problem)
})

test('an algorithm that does not go with the key finds no key', async () => {
  await ask()
  expect(await refused(async () => await keys.key({ alg: 'ES256', kid: 'k1' }))).toBe('key_unknown')
  expect(await refused(async () => await keys.key({ alg: 'HS256', kid: 'k1' }))).toBe('key_unknown')
})

test('N6: an issuer that sends a byte now and then delays no other one, and fails at the time limit', async () => {
  const slow = await startServer((_, response) => {
    const timer = setInterval(() => response.write(' '), 10)
    response.on('close', () => clearInterval(timer))
  })
  const fetch = {
    ...issuer.fetch,
    json: async (url: string | URL) => await issuer.fetch.json(url, { timeout: 2_000 }),
  }
  const other = issuer.keySet({ fetch, jwksUri: async () => await Promise.resolve(slow.url) })
  const waiting = refused(async () => await other.key({ alg: 'RS256', kid: 'k1' }))
  expect(await ask()).toBe('accepted')
  expect(other.state().last_error).toBeNull()
  expect(await waiting).toBe('provider_unavailable')
  expect(other.state().last_error).toContain('timeout')
  await slow.close()
})
