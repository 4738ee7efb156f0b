import type { Clock } from '#base/clock.ts'

export interface TestClock extends Clock {
  /** @param ms milliseconds */
  advance(ms: number): void
}

/** A clock that stands still until it is moved. */
export function createTestClock(start = Date.UTC(2026, 10, 21)): TestClock {
  let now = start
  return {
    now: () => now,
    advance(ms) {
      now += ms
    },
  }
}
