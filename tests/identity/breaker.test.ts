import { beforeEach, expect, test } from 'vitest'
import { createBreaker } from '#identity/breaker.ts'
import { Refusal } from '#base/refusal.ts'
import { createTestClock, type TestClock } from './support/clock.ts'

const OUTAGE = new Error('down')
const ANSWER = new Error('judged')
let clock: TestClock
let guarded: ReturnType<typeof createBreaker>
beforeEach(() => {
  clock = createTestClock()
  guarded = createBreaker({ failures: 3, openFor: 10_000, clock, isOutage: (error) => error === OUTAGE })
})

/** What came of one piece of work: its value, its error, or the seconds after which to come again. */
async function run(ends: 'good' | Error): Promise<unknown> {
  try {
    return await guarded(async () => {
      if (ends === 'good') return 'good'
      throw ends
    })
  } catch (error) {
    return error instanceof Refusal ? `${error.code} ${error.retryAfter}` : error
  }
}
async function fail(times: number): Promise<void> {
  for (let n = 0; n < times; n += 1) expect(await run(OUTAGE)).toBe(OUTAGE)
}

test('after so many failures in a row nobody is asked, and the time that is left is told', async () => {
  await fail(3)
  expect(await run('good')).toBe('provider_unavailable 10')
  clock.advance(8_500)
  expect(await run('good')).toBe('provider_unavailable 2')
  clock.advance(1_499)
  expect(await run('good')).toBe('provider_unavailable 1')
  clock.advance(1)
  expect(await run('good')).toBe('good')
  expect(await run('good')).toBe('good')
})

test('a success or an answer between failures starts the count anew', async () => {
  for (const between of ['good', ANSWER] as const) {
    await fail(2)
    expect(await run(between)).toBe(between)
  }
  await fail(2)
  expect(await run('good')).toBe('good')
})

test('one try decides: a failure opens it for as long again, an answer closes it', async () => {
  await fail(3)
  clock.advance(10_000)
  await fail(1)
  expect(await run('good')).toBe('provider_unavailable 10')
  clock.advance(10_000)
  expect(await run(ANSWER)).toBe(ANSWER)
  await fail(2)
  expect(await run('good')).toBe('good')
})

test('while one tries, the others are told to come again, at the soonest in a second', async () => {
  await fail(3)
  clock.advance(60_000)
  let end: (value: string) => void = () => {}
  const trying = guarded(async () => await new Promise<string>((resolve) => (end = resolve)))
  expect(await run('good')).toBe('provider_unavailable 1')
  end('back')
  expect(await trying).toBe('back')
  expect(await run('good')).toBe('good')
})

test('whoever began before it opened does not end the try of another', async () => {
  let end: (error: Error) => void = () => {}
  const early = guarded(async () => await new Promise((_, reject) => (end = reject))).catch((error: unknown) => error)
  await fail(3)
  clock.advance(10_000)
  let back: (value: string) => void = () => {}
  const trying = guarded(async () => await new Promise<string>((resolve) => (back = resolve)))
  end(OUTAGE)
  expect(await early).toBe(OUTAGE)
  expect(await run('good')).toMatch(/^provider_unavailable/)
  back('back')
  expect(await trying).toBe('back')
})
