import { RateLimiterMemory } from 'rate-limiter-flexible'

/** Something to count. */
export interface Tally {
  readonly key: string
  /** To add; negative: taken back; 0: only looked at. */
  readonly points: number
  /** Seconds from the first that is counted to the moment when it begins anew. */
  readonly window: number
}

/** Where a key stands. */
export interface Count {
  readonly points: number
  /** Milliseconds until its window ends. */
  readonly left: number
}

/** Counts per key in fixed windows. It only counts: how many are too many is not its business. */
export interface Counters {
  /** Adds to all of them together and answers where each stands then, in the same order. */
  add(tallies: readonly Tally[]): Promise<readonly Count[]>
}

/** Keys counted at the same time; one costs about 600 octets. */
const MOST = 50_000
/** Keys that are looked at to find one to forget. */
const LOOKED_AT = 16
/** Keys that are looked at for each new one, to drop those whose window is over. */
const SWEPT = 2

export interface MemoryCounters extends Counters {
  /** Keys held at this moment. */
  readonly size: number
}

/**
 * In this process alone: n replicas let n times as many through. A new key also drops of two others what is over, so that it holds about as many
 * keys as come within two windows. And never more than `most`: one more makes it forget another, one whose window is over, or
 * of the longest held the one with the fewest points, so that made-up keys push out each other and not the one that is being guessed at.
 * What is forgotten begins again at nothing: a full table refuses nobody.
 */
export function createMemoryCounters({ most = MOST }: { readonly most?: number } = {}): MemoryCounters {
  const limiter = new RateLimiterMemory({ points: Number.MAX_SAFE_INTEGER, duration: 60 })
  const held = new Map<string, { readonly points: number; readonly until: number }>()
  let hand = held.entries()

  /** Goes round all that is held, and on from where it stopped. */
  function sweep(): void {
    const now = Date.now()
    for (let looked = 0; looked < SWEPT; looked += 1) {
      const next = hand.next()
      if (next.done === true) {
        hand = held.entries()
        return
      }
      const [key, { until }] = next.value
      if (until <= now) held.delete(key)
    }
  }

  async function makeRoom(): Promise<void> {
    const now = Date.now()
    const oldest: [string, number][] = []
    for (const [key, { points, until }] of held) {
      oldest.push([key, until <= now ? -1 : points])
      if (oldest.length === LOOKED_AT) break
    }
    const [least] = oldest.toSorted(([, a], [, b]) => a - b)
    for (const [key] of oldest) {
      const entry = held.get(key)
      held.delete(key)
      // Looked at last the next time, or the same few would be in the way of all others.
      if (key !== least?.[0] && entry !== undefined) held.set(key, entry)
    }
    if (least !== undefined) await limiter.delete(least[0])
  }

  async function one({ key, points, window }: Tally): Promise<Count> {
    if (points === 0) {
      const at = await limiter.get(key)
      return at === null ? { points: 0, left: window * 1000 } : { points: at.consumedPoints, left: at.msBeforeNext }
    }
    if (!held.has(key)) {
      sweep()
      if (held.size >= most) await makeRoom()
    }
    const options = { customDuration: window }
    const at = await (points > 0 ? limiter.consume(key, points, options) : limiter.reward(key, -points, options))
    held.set(key, { points: at.consumedPoints, until: Date.now() + at.msBeforeNext })
    return { points: at.consumedPoints, left: at.msBeforeNext }
  }

  return {
    get size() {
      return held.size
    },
    add: async (tallies) => await Promise.all(tallies.map(one)),
  }
}
