import { TtlCache } from '#base/cache.ts'
import type { Clock } from '#base/clock.ts'
import { createFairQueue } from '#base/fair-queue.ts'
import { Refusal } from '#base/refusal.ts'
import { createBreaker } from '#identity/breaker.ts'
import { UpstreamError } from './error.ts'

/** Failures in a row after which a tenant's requests are not sent any more, and for how long (ms). */
const FAILURES = 5
const OPEN_FOR = 15_000
/** More wait in line than this: busy. */
const MAX_WAITING = 100
/** Tenants whose failures are remembered, and for how long (ms). */
const REMEMBERED = { max: 10_000, ttl: 3_600_000 }

export interface LaneOptions {
  readonly upstream: string
  readonly clock: Clock
  /** Requests of one tenant at a time. */
  readonly concurrency: number
  /** Milliseconds to wait for a place. */
  readonly patience: number
}

/** What keeps one tenant's requests to one upstream from hurting others, and from being sent to what is down. */
export interface Lane {
  /** A place among the tenant's requests; answers the function that gives it back. @throws UpstreamError busy, or the signal's reason. */
  enter(tenant: string, signal: AbortSignal): Promise<() => void>
  /** One exchange. @throws UpstreamError unavailable without asking, while it failed again and again. */
  attempt<Value>(tenant: string, work: () => Promise<Value>): Promise<Value>
}

type Breaker = ReturnType<typeof createBreaker>

/**
 * Per tenant: what one tenant asks for may fail every time (its own credentials, its own URL, a query that is too heavy) while the upstream is
 * well for the others.
 */
export function createLane({ upstream, clock, concurrency, patience }: LaneOptions): Lane {
  const queue = createFairQueue({
    places: () => Infinity,
    most: () => concurrency,
    patience,
    maxWaiting: MAX_WAITING,
    charge: 'calls',
    refuse: () => new UpstreamError('busy', upstream),
  })
  const breakers = new TtlCache<{ readonly run: Breaker }>({ max: REMEMBERED.max, clock })
  const breakerOf = (tenant: string): Breaker => {
    const held = breakers.get(tenant)
    if (held !== undefined) return held.run
    const run = createBreaker({ failures: FAILURES, openFor: OPEN_FOR, clock, isOutage })
    breakers.set(tenant, { run }, REMEMBERED.ttl)
    return run
  }
  return {
    async enter(tenant, signal) {
      return await queue.enter(tenant, { signal })
    },
    async attempt(tenant, work) {
      try {
        return await breakerOf(tenant)(work)
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
        throw new UpstreamError('unavailable', upstream, {
          retryAfter: error.retryAfter,
          detail: 'not asked: it failed again and again',
        })
      }
    },
  }
}

const isOutage = (error: unknown): boolean =>
  error instanceof UpstreamError && (error.code === 'unavailable' || error.code === 'timeout')
