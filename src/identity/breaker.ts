import type { Clock } from '#base/clock.ts'
import { Refusal } from '#base/refusal.ts'

export interface BreakerOptions {
  /** Failures in a row that open it. */
  readonly failures: number
  /** Milliseconds for which it stays open. */
  readonly openFor: number
  readonly clock: Clock
  /** Does this error say that the other side is down? Any other error counts as an answer. */
  readonly isOutage: (error: unknown) => boolean
  /** Told when it opens, and when it closes again; open while only single tries are let through. */
  readonly onChange?: (open: boolean) => void
}

/**
 * Stops asking whoever is down: closed, after `failures` in a row open, after `openFor` one try decides.
 * @returns runs one piece of work. It throws Refusal `provider_unavailable`, with the seconds that are left, while open.
 */
export function createBreaker({
  failures,
  openFor,
  clock,
  isOutage,
  onChange,
}: BreakerOptions): <Value>(work: () => Promise<Value>) => Promise<Value> {
  let failed = 0
  let openUntil = 0
  let trying = false

  return async (work) => {
    const open = failed >= failures
    const left = openUntil - clock.now()
    if (open && (trying || left > 0))
      throw new Refusal('provider_unavailable', {
        detail: `not asked after ${failed} failures`,
        retryAfter: Math.max(1, Math.ceil(left / 1000)),
      })
    if (open) trying = true
    try {
      const value = await work()
      if (open) onChange?.(false)
      failed = 0
      return value
    } catch (error) {
      failed = isOutage(error) ? failed + 1 : 0
      if (failed >= failures !== open) onChange?.(!open)
      if (failed >= failures) openUntil = clock.now() + openFor
      throw error
    } finally {
      if (open) trying = false
    }
  }
}
