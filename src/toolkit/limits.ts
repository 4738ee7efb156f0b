import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import type { Config } from '#base/config.ts'
import { Refusal } from '#base/refusal.ts'
import type { Identity } from '#identity/identity.ts'
import type { Principal } from '#tenancy/tenant.ts'

/** Seconds. */
const WINDOW = 60
const HOUR = 3600

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

/** So many requests per window and key, counted in this process alone: n replicas let n times as many through. */
export interface Limit {
  /**
   * Counts one; throws Refusal rate_limited with retryAfter when that is one too many. null: limits are off.
   * @param most for this key, instead of what holds for all.
   */
  consume(key: string, most?: number): Promise<LimitState | null>
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
  window = WINDOW,
}: {
  readonly on: boolean
  /** Or per window, when that is another. */
  readonly perMinute: number
  readonly detail: string
  /** Seconds; default 60. */
  readonly window?: number
}): Limit {
  if (!on) return { consume: async () => null, check: async () => {} }
  // It only counts: how many are too many may differ from key to key.
  const limiter = new RateLimiterMemory({ points: Number.MAX_SAFE_INTEGER, duration: window })
  const state = ({ consumedPoints, msBeforeNext }: RateLimiterRes, limit: number): LimitState => ({
    limit,
    remaining: Math.max(0, limit - consumedPoints),
    reset: Math.max(1, Math.ceil(msBeforeNext / 1000)),
    window,
  })
  const refuse = (at: RateLimiterRes, most: number): never => {
    const { limit, reset } = state(at, most)
    throw new Refusal('rate_limited', { detail, retryAfter: reset, limit: { limit, window } })
  }
  return {
    async consume(key, most = perMinute) {
      const at = await limiter.consume(key)
      return at.consumedPoints > most ? refuse(at, most) : state(at, most)
    },
    async check(key) {
      const at = await limiter.get(key)
      if (at !== null && at.consumedPoints >= perMinute) refuse(at, perMinute)
    },
  }
}

/**
 * Per person (or key) and per tenant (RATE_LIMIT, DESIGN section 11), and what a key may ask per hour when it has a limit of its own.
 * One who is over their own limit uses up nothing of the tenant's.
 */
export function createLimits({ on, perTenant, perPrincipal }: Config['rateLimit']): CallLimits {
  const persons = createLimit({ on, perMinute: perPrincipal, detail: 'per person or key' })
  const tenants = createLimit({ on, perMinute: perTenant, detail: 'per tenant' })
  const keys = createLimit({ on, perMinute: 1, detail: 'per hour of this key', window: HOUR })
  return {
    async consume({ identity, tenant, requests_per_hour: most }) {
      const own = await persons.consume(`${tenant.id} ${identity.key?.id ?? `${identity.iss} ${identity.sub}`}`)
      const hourly = most === undefined ? null : await keys.consume(`${tenant.id} ${identity.key?.id ?? ''}`, most)
      const shared = await tenants.consume(tenant.id)
      const nearest = [own, hourly, shared].filter((state) => state !== null).sort((a, b) => left(a) - left(b))
      return nearest[0] ?? null
    },
    consumePerson: async ({ iss, sub }) => await persons.consume(` ${iss} ${sub}`),
  }
}

const left = ({ remaining, limit }: LimitState): number => remaining / limit
