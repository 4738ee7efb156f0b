import { systemClock, type Clock } from '#base/clock.ts'
import { soon, type Soon } from '#base/soon.ts'
import type { Config } from '#base/config.ts'
import type { Identity } from '#identity/identity.ts'
import type { Principal } from '#tenancy/tenant.ts'
import { createMemoryCounters, type Counters } from './counters.ts'
import { createMeter, type Claim, type LimitState } from './limit.ts'

/** Seconds. */
const MINUTE = 60
const HOUR = 3600

export interface CallLimits {
  /**
   * Counts one request, or what it costs besides, for the person or key and for the tenant; throws Refusal rate_limited when it does not
   * fit, and then none of it is counted. Answers the limit that is nearest to being reached; null: limits are off.
   * @param cost default 1.
   */
  consume(principal: Principal, cost?: number): Soon<LimitState | null>
  /** The same for somebody who is not there as one of a tenant (operators). */
  consumePerson(identity: Pick<Identity, 'iss' | 'sub'>): Promise<LimitState | null>
}

/**
 * Per person (or key) and per tenant, as the tenant's plan says or else RATE_LIMIT_PER_PRINCIPAL and RATE_LIMIT_PER_TENANT, and what a key
 * may ask per hour when it has a limit of its own. One who is over their own limit uses up nothing of the tenant's.
 * @param counters default: some of its own, in this process alone.
 */
export function createLimits(
  { on, perTenant, perPrincipal }: Config['rateLimit'],
  { counters = createMemoryCounters(), clock = systemClock }: { counters?: Counters; clock?: Clock } = {},
): CallLimits {
  if (!on) return { consume: () => null, consumePerson: async () => null }
  const meter = createMeter({ counters, clock })
  const person = (who: string, most: number, cost: number): Claim => ({
    name: 'principal',
    key: `principal ${who}`,
    cost,
    most,
    window: MINUTE,
    detail: 'per person or key',
  })
  return {
    consume({ identity, tenant, requests_per_hour: hourly }, cost = 1) {
      const { calls_per_minute, calls_per_minute_principal } = tenant.limits
      const who = identity.key?.id ?? `${identity.iss} ${identity.sub}`
      const states = meter.take([
        person(`${tenant.id} ${who}`, calls_per_minute_principal ?? perPrincipal, cost),
        ...(hourly === undefined
          ? []
          : [
              {
                name: 'key',
                key: `key ${tenant.id} ${identity.key?.id ?? ''}`,
                cost,
                most: hourly,
                window: HOUR,
                detail: 'per hour of this key',
              },
            ]),
        {
          name: 'tenant',
          key: `tenant ${tenant.id}`,
          cost,
          most: calls_per_minute ?? perTenant,
          window: MINUTE,
          detail: 'per tenant',
        },
      ])
      return soon(states, nearest)
    },
    async consumePerson({ iss, sub }) {
      const [state] = await meter.take([person(` ${iss} ${sub}`, perPrincipal, 1)])
      return state ?? null
    },
  }
}

/** Of several limits the one that is nearest to being reached. */
function nearest(states: readonly LimitState[]): LimitState | null {
  let least: LimitState | null = null
  for (const state of states) if (least === null || left(state) < left(least)) least = state
  return least
}

const left = ({ remaining, limit }: LimitState): number => remaining / limit
