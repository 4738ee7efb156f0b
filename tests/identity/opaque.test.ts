import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { createGuardedFetch, type GuardedFetch } from '#base/fetch.ts'
import { Refusal } from '#base/refusal.ts'
import { createOpaqueVerifier, type OpaqueOptions, type OpaqueVerifier } from '#identity/opaque.ts'
import { createTestClock, type TestClock } from './support/clock.ts'
import { refused } from './support/refused.ts'
import { html, json, startServer, status, type TestServer } from './support/server.ts'

interface Person {
  readonly sub: string
}

let server: TestServer
let fetch: GuardedFetch
let clock: TestClock
let tokens: OpaqueVerifier<Person>
let start: number

beforeAll(async () => {
  server = await startServer(json({}))
  fetch = createGuardedFetch({ allowPrivate: true })
})
afterAll(async () => {
  await fetch.close()
  await server.close()
})
beforeEach(() => {
  clock = createTestClock()
  tokens = verifier()
  server.answer(json({ active: true, sub: 'alice' }))
  start = server.hits()
})

const hits = (): number => server.hits() - start
const seconds = (offset: number): number => clock.now() / 1000 + offset
const ask = async (token: string): Promise<string> => await refused(async () => await tokens.verify(token))
const failure = async (token: string): Promise<unknown> => await tokens.verify(token).catch((reason: unknown) => reason)

/** Asks the server as an introspecting provider would. */
function verifier(options: Partial<OpaqueOptions<Person>> = {}): OpaqueVerifier<Person> {
  return createOpaqueVerifier<Person>({
    provider: 'oidc',
    clock,
    async check(token) {
      const { body } = await fetch.json(`${server.url}/introspect`, {
        method: 'POST',
        body: new URLSearchParams({ token }),
      })
      const { active, sub, exp } = body as { active: boolean; sub: string; exp?: number }
      if (!active) throw new Refusal('token_inactive', { detail: 'the provider says so' })
      return { value: { sub }, exp: exp ?? null }
    },
    ...options,
  })
}

test('N15: 1,000 concurrent askers with one cold token cause one call', async () => {
  const all = await Promise.all(Array.from({ length: 1_000 }, async () => await tokens.verify('cold')))
  expect(new Set(all.map(({ sub }) => sub))).toEqual(new Set(['alice']))
  expect(hits()).toBe(1)
})

test('an accepted token is asked about again after 60 s', async () => {
  await tokens.verify('a')
  clock.advance(59_999)
  await tokens.verify('a')
  expect(hits()).toBe(1)
  server.answer(json({ active: false }))
  clock.advance(1)
  expect(await ask('a')).toBe('token_inactive')
})

test('an accepted token is held no longer than its exp', async () => {
  server.answer(json({ active: true, sub: 'alice', exp: seconds(5) }))
  await tokens.verify('a')
  clock.advance(4_999)
  await tokens.verify('a')
  expect(hits()).toBe(1)
  clock.advance(1)
  expect(await ask('a')).toBe('token_expired')
})

test('a token with less than a second left is not held, and one whose exp has passed is refused', async () => {
  server.answer(json({ active: true, sub: 'alice', exp: seconds(0.9) }))
  await tokens.verify('a')
  await tokens.verify('a')
  expect(hits()).toBe(2)
  server.answer(json({ active: true, sub: 'alice', exp: seconds(0) }))
  expect(await ask('b')).toBe('token_expired')
})

test('a judged refusal is remembered for 30 s, with its reason', async () => {
  server.answer(json({ active: false }))
  for (let n = 0; n < 5; n += 1)
    expect(await failure('bad')).toMatchObject({ code: 'token_inactive', detail: 'the provider says so' })
  clock.advance(29_999)
  expect(await ask('bad')).toBe('token_inactive')
  expect(hits()).toBe(1)
  clock.advance(1)
  server.answer(json({ active: true, sub: 'alice' }))
  expect(await ask('bad')).toBe('accepted')
})

test.each([
  ['a 500', status(500)],
  ['a 429', status(429)],
  ['a redirect', status(302, { location: '/' })],
  ['HTML', html],
])('N9, N13: %s is no judgement and is not remembered', async (_, answer) => {
  server.answer(answer)
  expect(await ask('a')).toBe('provider_unavailable')
  server.answer(json({ active: true, sub: 'alice' }))
  expect(await ask('a')).toBe('accepted')
})

test('the Retry-After of the provider is passed on, else it is 10 s', async () => {
  server.answer(status(429, { 'retry-after': '42' }))
  expect(await failure('a')).toMatchObject({ status: 503, retryAfter: 42 })
  server.answer(status(500))
  expect(await failure('a')).toMatchObject({ status: 503, retryAfter: 10 })
})

test('after 5 failures in a row the provider is left alone for 10 s, then one call decides', async () => {
  await tokens.verify('held')
  server.answer(status(500))
  for (let n = 0; n < 50; n += 1) expect(await ask(`t${n}`)).toBe('provider_unavailable')
  expect(hits()).toBe(1 + 5)
  expect(await ask('held')).toBe('accepted')
  clock.advance(4_500)
  expect(await failure('x')).toMatchObject({ retryAfter: 6 })

  clock.advance(5_500)
  await Promise.all(Array.from({ length: 20 }, async (_, n) => await ask(`half-${n}`)))
  expect(hits()).toBe(1 + 5 + 1)

  clock.advance(10_000)
  server.answer(json({ active: true, sub: 'alice' }))
  expect(await ask('x')).toBe('accepted')
  expect(await ask('y')).toBe('accepted')
})

test('a rate limit of one token does not stop the provider being asked about others', async () => {
  server.answer(status(429))
  for (let n = 0; n < 10; n += 1) await ask('greedy')
  server.answer(json({ active: true, sub: 'alice' }))
  expect(await ask('modest')).toBe('accepted')
})

test('a judged refusal between failures shows that the provider is there', async () => {
  for (let round = 0; round < 3; round += 1) {
    server.answer(status(500))
    for (let n = 0; n < 4; n += 1) await ask(`f${round}-${n}`)
    server.answer(json({ active: false }))
    expect(await ask(`j${round}`)).toBe('token_inactive')
  }
})

test('a check that takes more than 3 s is no judgement, and opens the circuit like a failure', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const slow = createOpaqueVerifier<Person>({
    provider: 'slow',
    clock,
    check: async () => await new Promise(() => null),
  })
  const asked = Promise.all(
    Array.from({ length: 5 }, async (_, n) => await refused(async () => await slow.verify(`t${n}`))),
  )
  await vi.advanceTimersByTimeAsync(3_000)
  expect(new Set(await asked)).toEqual(new Set(['provider_unavailable']))
  await expect(slow.verify('next')).rejects.toMatchObject({ detail: 'not asked after 5 failures' })
})

test('N16: 50 checks run at a time, 200 wait, the rest is told to come again', async () => {
  // The 3 s of a check do not run: a busy machine must not decide this.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  let running = 0
  let most = 0
  const release: (() => void)[] = []
  const busy = verifier({
    async check(token) {
      running += 1
      most = Math.max(most, running)
      await new Promise<void>((resolve) => release.push(resolve))
      running -= 1
      return { value: { sub: token }, exp: null }
    },
  })
  const asked = Array.from(
    { length: 300 },
    async (_, n) =>
      await busy.verify(`t${n}`).then(
        () => 'accepted',
        (error: unknown) => (error as Refusal).message,
      ),
  )
  const all = Promise.all(asked)
  for (let done = 0; done < 250; done += 1) {
    while (release.length === 0) await new Promise((resolve) => setImmediate(resolve))
    release.shift()?.()
  }
  const codes = await all
  expect(most).toBe(50)
  expect(codes.filter((code) => code === 'accepted')).toHaveLength(250)
  expect(codes.filter((code) => code === 'provider_unavailable: too many checks are waiting')).toHaveLength(50)
})

test('N16: a flood of garbage pushes no good token out, and memory is bounded', async () => {
  tokens = verifier({ maxNegative: 10 })
  await tokens.verify('good')
  server.answer(json({ active: false }))
  for (let n = 0; n < 100; n += 1) await ask(`garbage-${n}`)
  const before = hits()
  expect(await ask('good')).toBe('accepted')
  expect(await ask('garbage-99')).toBe('token_inactive')
  expect(hits()).toBe(before)
  await ask('garbage-0')
  expect(hits()).toBe(before + 1)
})

test('an error that is no refusal stays what it is and is not remembered', async () => {
  const broken = verifier({ check: async () => await Promise.reject(new TypeError('a bug')) })
  await expect(broken.verify('a')).rejects.toThrow(TypeError)
  await expect(broken.verify('a')).rejects.toThrow('a bug')
})

test('no failure names the token', async () => {
  server.answer(status(500))
  const error = (await failure('very-secret-token')) as Refusal
  expect(`${error.message} ${String(error.cause)} ${error.stack}`).not.toContain('very-secret-token')
})

test('an address that brings many bad tokens must wait with unknown ones; what is held and everybody else are not concerned', async () => {
  const bad = new Map<string, number>()
  tokens = verifier({
    strangers: {
      async check(ip) {
        if ((bad.get(ip ?? '') ?? 0) >= 3) throw new Refusal('rate_limited', { retryAfter: 60 })
      },
      async failed(ip) {
        bad.set(ip ?? '', (bad.get(ip ?? '') ?? 0) + 1)
      },
    },
  })
  const from = async (ip: string, token: string): Promise<string> =>
    await refused(async () => await tokens.verify(token, ip))
  expect(await from('192.0.2.1', 'good')).toBe('accepted')
  server.answer(json({ active: false }))
  for (const token of ['a', 'b', 'c']) expect(await from('192.0.2.1', token)).toBe('token_inactive')
  const before = hits()
  expect(await from('192.0.2.1', 'd')).toBe('rate_limited')
  expect(await from('192.0.2.1', 'a')).toBe('token_inactive')
  expect(await from('192.0.2.1', 'good')).toBe('accepted')
  expect(hits()).toBe(before)
  expect(await from('192.0.2.2', 'd')).toBe('token_inactive')
})
