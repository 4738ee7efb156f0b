import { TtlCache } from '#base/cache.ts'
import { systemClock, type Clock } from '#base/clock.ts'
import { Refusal } from '#base/refusal.ts'
import { soon, type Soon } from '#base/soon.ts'
import { createMemoryCounters, type Count, type Counters } from './counters.ts'

/** Where a caller stands against a limit; for the RateLimit headers. */
export interface LimitState {
  /** What it counts, as the headers call it. */
  readonly name: string
  /** Requests per window. */
  readonly limit: number
  readonly remaining: number
  /** Seconds until the window starts anew. */
  readonly reset: number
  /** Seconds. */
  readonly window: number
}

/** One thing that must fit under one limit. */
export interface Claim {
  readonly name: string
  readonly key: string
  readonly cost: number
  readonly most: number
  /** Seconds. */
  readonly window: number
  /** For the log: which limit it was. */
  readonly detail: string
}

/** Milliseconds for which a full counter is known to be full: a flood asks the store once a second and key, not once a request. */
const KNOWN = 1_000
const KNOWN_KEYS = 10_000

/** Counts claims against their limits. */
export interface Meter {
  /**
   * All claims together or none: throws Refusal rate_limited for the first that does not fit, and then takes back what was counted for the others.
   * In one round trip, however many they are.
   */
  take(claims: readonly Claim[]): Soon<readonly LimitState[]>
  /** Throws when nothing more would fit; counts nothing. */
  look(claim: Claim): Promise<void>
}

export function createMeter({ counters, clock = systemClock }: { counters: Counters; clock?: Clock }): Meter {
  const full = new TtlCache<Count>({ max: KNOWN_KEYS, clock })
  const tallyOf = ({ key, cost, window }: Claim, sign: 1 | -1) => ({ key, points: sign * cost, window })

  function judge(claims: readonly Claim[], counts: readonly Count[]): readonly LimitState[] {
    const states = claims.map((claim, index) => ({ claim, at: counts[index] ?? { points: 0, left: 0 } }))
    const over = states.find(({ claim, at }) => at.points > claim.most)
    if (over === undefined) return states.map(({ claim, at }) => stateOf(claim, at))
    const before = { points: over.at.points - over.claim.cost, left: over.at.left }
    full.set(over.claim.key, before, Math.min(KNOWN, before.left))
    // Nobody waits for it: at worst somebody has a call less in this window.
    void takeBack(claims).catch(() => {})
    throw refusalOf(over.claim, before)
  }

  async function takeBack(claims: readonly Claim[]): Promise<void> {
    await counters.add(claims.map((claim) => tallyOf(claim, -1)))
  }

  return {
    take(claims) {
      for (const claim of claims) {
        const known = full.get(claim.key)
        if (known !== undefined && known.points + claim.cost > claim.most) throw refusalOf(claim, known)
      }
      return soon(counters.add(claims.map((claim) => tallyOf(claim, 1))), (counts) => judge(claims, counts))
    },
    async look(claim) {
      const [at] = await counters.add([{ ...tallyOf(claim, 1), points: 0 }])
      if (at !== undefined && at.points >= claim.most) throw refusalOf(claim, at)
    },
  }
}

const stateOf = ({ name, most, window }: Claim, { points, left }: Count): LimitState => ({
  name,
  limit: most,
  remaining: Math.max(0, most - points),
  reset: Math.max(1, Math.ceil(left / 1000)),
  window,
})

function refusalOf(claim: Claim, at: Count): Refusal {
  const { name, limit, window, reset } = stateOf(claim, at)
  return new Refusal('rate_limited', { detail: claim.detail, retryAfter: reset, limit: { name, limit, window } })
}

/** So many requests per window and key. */
export interface Limit {
  /** Counts one; throws Refusal rate_limited with retryAfter when that is one too many. null: limits are off. */
  consume(key: string): Promise<LimitState | null>
  /** Throws as consume does when the limit is already reached, but counts nothing. */
  check(key: string): Promise<void>
}

export interface LimitOptions {
  readonly on: boolean
  /** Lower-case word; no other limit over the same counters has it. */
  readonly name: string
  /** Or per window, when that is another. */
  readonly perMinute: number
  /** Says for the log which limit it was. */
  readonly detail: string
  /** Seconds; default 60. */
  readonly window?: number
  /** Default: some of its own, in this process alone. */
  readonly counters?: Counters
  readonly clock?: Clock
}

export function createLimit({
  on,
  name,
  perMinute: most,
  detail,
  window = 60,
  counters = createMemoryCounters(),
  clock = systemClock,
}: LimitOptions): Limit {
  if (!on) return { consume: async () => null, check: async () => {} }
  const meter = createMeter({ counters, clock })
  const claim = (key: string): Claim => ({ name, key: `${name} ${key}`, cost: 1, most, window, detail })
  return {
    async consume(key) {
      const [state] = await meter.take([claim(key)])
      return state ?? null
    },
    check: async (key) => await meter.look(claim(key)),
  }
}
