import { beforeEach, expect, test } from 'vitest'
import { FetchFailed } from '#base/fetch.ts'
import { Refusal } from '#base/refusal.ts'
import { createRefreshed, type Refreshed } from '#identity/refreshed.ts'
import { createTestClock, type TestClock } from './support/clock.ts'
import { refused } from './support/refused.ts'

interface Held {
  readonly n: number
}
const DOWN = new FetchFailed('status', new URL('https://idp.example/x'), { status: 500 })
let clock: TestClock
let source: Refreshed<Held>
let loads: number
let failures: unknown[]
/** How the next loads end; nothing: with a value. */
let error: Error | null
/** Holds loads back until it resolves. */
let gate: Promise<void> | null

beforeEach(() => {
  clock = createTestClock()
  loads = 0
  failures = []
  error = null
  gate = null
  source = createRefreshed<Held>({
    async load() {
      loads += 1
      const n = loads
      await gate
      if (error !== null) throw error
      return { value: { n }, fresh: 100_000 }
    },
    staleFor: 500_000,
    clock,
    onFailure: (each) => failures.push(each),
  })
})

const turn = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve))

test('a value is fetched once for all who ask, and anew from 30 s before its end, while the old one is served', async () => {
  expect(await Promise.all([source.get(), source.get()])).toEqual([{ n: 1 }, { n: 1 }])
  clock.advance(69_999)
  await source.get()
  await turn()
  expect(loads).toBe(1)
  clock.advance(1)
  let open: () => void = () => {}
  gate = new Promise((resolve) => (open = resolve))
  expect([await source.get(), await source.get()]).toEqual([{ n: 1 }, { n: 1 }])
  expect(loads).toBe(2)
  open()
  await turn()
  expect(await source.get()).toEqual({ n: 2 })
})

test('while a value cannot be fetched anew, the old one serves until its last moment, and the failures are told', async () => {
  await source.get()
  error = DOWN
  clock.advance(499_999)
  expect(await source.get()).toEqual({ n: 1 })
  await turn()
  expect(failures).toEqual([DOWN])
  expect(source.state()).toMatchObject({ held: { n: 1 }, lastError: DOWN.message })
  clock.advance(1)
  expect(await refused(async () => await source.get())).toBe('provider_unavailable')
  // Still within the wait after the first failure: nobody was asked.
  expect(loads).toBe(2)
  clock.advance(1_000)
  error = null
  expect(await source.get()).toEqual({ n: 3 })
  expect(source.state().lastError).toBeNull()
})

test('the wait after a failure doubles to 30 s, and a success ends it', async () => {
  error = DOWN
  for (const wait of [1, 2, 4, 8, 16, 30, 30]) {
    expect(await refused(async () => await source.get())).toBe('provider_unavailable')
    const before = loads
    clock.advance(wait * 1000 - 1)
    expect(await refused(async () => await source.get())).toBe('provider_unavailable')
    expect(loads, `${wait} s`).toBe(before)
    clock.advance(1)
  }
  error = null
  expect(await source.get()).toEqual({ n: 8 })
  error = DOWN
  clock.advance(30_000)
  await expect(source.reload(30_000)).rejects.toThrow(Refusal)
  clock.advance(70_000)
  await source.get()
  expect(loads).toBe(10)
})

test('a fetch on demand is made when the last attempt is long enough ago, and one under way is joined', async () => {
  expect(await source.reload(30_000)).toBe(true)
  clock.advance(29_999)
  expect(await source.reload(30_000)).toBe(false)
  clock.advance(1)
  let open: () => void = () => {}
  gate = new Promise((resolve) => (open = resolve))
  const both = Promise.all([source.reload(30_000), source.reload(30_000)])
  open()
  expect(await both).toEqual([true, true])
  expect(loads).toBe(2)
})

test('its state tells the first attempt, the last success, what went wrong last, and when it is tried again', async () => {
  const never = {
    firstAttempt: null,
    lastSuccess: null,
    lastError: null,
    failed: 0,
    lastFailure: null,
    nextAttempt: null,
  }
  expect(source.state()).toEqual({ held: null, ...never })
  const first = clock.now()
  error = DOWN
  await refused(async () => await source.get())
  const failed = { lastError: DOWN.message, failed: 1, lastFailure: first, nextAttempt: first + 1_000 }
  expect(source.state()).toEqual({ held: null, firstAttempt: first, lastSuccess: null, ...failed })
  clock.advance(1_000)
  error = null
  await source.get()
  const now = clock.now()
  const good = { lastSuccess: now, lastError: null, failed: 1, lastFailure: first, nextAttempt: now + 70_000 }
  expect(source.state()).toEqual({ held: { n: 2 }, firstAttempt: first, ...good })
})

test('what is no failure of a fetch is a bug, and stays what it is', async () => {
  error = new TypeError('a bug')
  await expect(source.get()).rejects.toThrow(TypeError)
})
