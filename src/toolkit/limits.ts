import type { Clock } from '#base/clock.ts'
import type { Config } from '#base/config.ts'
import type { Principal } from '#tenancy/tenant.ts'

/** Where a caller stands against the limit that is nearest to being reached; for the RateLimit headers. */
export interface LimitState {
  /** Requests per window. */
  readonly limit: number
  readonly remaining: number
  /** Seconds until the window starts anew. */
  readonly reset: number
  /** Seconds. */
  readonly window: number
}

/** One limit: so many points per minute and key, in this process's memory. */
export interface Limit {
  /** Counts one; throws Refusal rate_limited with retryAfter when that is one too many. null: limits are off. */
  consume(key: string): Promise<LimitState | null>
  /** Throws as consume does when the limit is already reached, but counts nothing. */
  check(key: string): Promise<void>
}

export interface CallLimits {
  /** Counts one request for the tenant and for the person or key; throws Refusal rate_limited. null: limits are off. */
  consume(principal: Principal): Promise<LimitState | null>
}

export function createLimit(_options: { readonly on: boolean; readonly perMinute: number }): Limit {
  throw new Error('unfinished')
}

export function createLimits(_config: Config['rateLimit'], _clock: Clock): CallLimits {
  throw new Error('unfinished')
}
