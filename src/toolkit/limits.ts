import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import type { Config } from '#base/config.ts'
import { Refusal } from '#base/refusal.ts'
import type { Identity } from '#identity/identity.ts'
import type { Principal } from '#tenancy/tenant.ts'

/** Seconds. */
const WINDOW = 60

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

/** So many requests per minute and key, counted in this process alone: n replicas let n times as many through. */
export interface Limit {
  /** Counts one; throws Refusal rate_limited with retryAfter when that is one too many. null: limits are off. */
  consume(key: string): Promise<LimitState | null>
  /** Throws as consume does when the limit is already reached, but counts nothing. */
  check(key: string): Promise<void>
}

export interface CallLimits {
  /** Counts one request for the person or key and for the tenant; throws Refusal rate_limited. null: limits are off. */
  consume(principal: Principal): Promise<LimitState | null>
  /** The same for somebody who is not there as one of a tenant (operators). */
  consumePerson(identity: Pick<Identity, 'iss' | 'sub'>): Promise<LimitState | null>
}

/** @param detail says for the log which limit it was. */
export function createLimit({
  on,
  perMinute,
  detail,
}: {
  readonly on: boolean
  readonly perMinute: number
  readonly detail: string
}): Limit {
  if (!on) return { consume: async () => null, check: async () => {} }
  const limiter = new RateLimiterMemory({ points: perMinute, duration: WINDOW })
  const state = ({ remainingPoints, msBeforeNext }: RateLimiterRes): LimitState => ({
    limit: perMinute,
    remaining: Math.max(0, remainingPoints),
    reset: Math.max(1, Math.ceil(msBeforeNext / 1000)),
    window: WINDOW,
  })
  const refuse = (at: RateLimiterRes): never => {
    const { limit, window, reset } = state(at)
    throw new Refusal('rate_limited', { detail, retryAfter: reset, limit: { limit, window } })
  }
  return {
    async consume(key) {
      // The library rejects with the same object that it otherwise answers.
      const at = await limiter.consume(key).catch((reached: unknown) => {
        if (reached instanceof RateLimiterRes) return refuse(reached)
        throw reached
      })
      return state(at)
    },
    async check(key) {
      const at = await limiter.get(key)
      if (at !== null && at.consumedPoints >= perMinute) refuse(at)
    },
  }
}

/** Per person (or key) and per tenant (RATE_LIMIT, DESIGN section 11). One who is over their own limit uses up nothing of the tenant's. */
export function createLimits({ on, perTenant, perPrincipal }: Config['rateLimit']): CallLimits {
  const persons = createLimit({ on, perMinute: perPrincipal, detail: 'per person or key' })
  const tenants = createLimit({ on, perMinute: perTenant, detail: 'per tenant' })
  return {
    async consume(principal) {
      const { identity, tenant } = principal
      const own = await persons.consume(`${tenant.id} ${identity.key?.id ?? `${identity.iss} ${identity.sub}`}`)
      const shared = await tenants.consume(tenant.id)
      if (own === null || shared === null) return null
      return own.remaining / own.limit <= shared.remaining / shared.limit ? own : shared
    },
    consumePerson: async ({ iss, sub }) => await persons.consume(` ${iss} ${sub}`),
  }
}
