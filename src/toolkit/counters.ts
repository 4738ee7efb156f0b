import type { Soon } from '#base/soon.ts'

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
  add(tallies: readonly Tally[]): Soon<readonly Count[]>
}

/** Keys counted at the same time; one costs about 200 octets. */
const MOST = 50_000
/** Keys that are looked at to find one to forget. */
const LOOKED_AT = 16
/** Keys that are looked at for each new one, to drop those whose window is over. */
const SWEPT = 2

export interface MemoryCounters extends Counters {
  add(tallies: readonly Tally[]): readonly Count[]
  /** Keys held at this moment. */
  readonly size: number
}

/**
 * In this process alone: n replicas let n times as many through. Answers at once. A new key also drops of two others what is over, so that it
 * holds about as many keys as come within two windows. And never more than `most`: one more makes it forget another, one whose window is over, or
 * of the longest held the one with the fewest points, so that made-up keys push out each other and not the one that is being guessed at.
 * What is forgotten begins again at nothing: a full table refuses nobody.
 */
export function createMemoryCounters({
  most = MOST,
  clock = performance,
}: { readonly most?: number; readonly clock?: { now(): number } } = {}): MemoryCounters {
  const held = new Map<string, { points: number; readonly until: number }>()
  let hand = held.entries()

  /** Goes round all that is held, and on from where it stopped. */
  function sweep(now: number): void {
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

  function makeRoom(now: number): void {
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
  }

  function one({ key, points, window }: Tally): Count {
    const now = clock.now()
    const known = held.get(key)
    if (known !== undefined && known.until > now) {
      known.points += points
      return { points: known.points, left: known.until - now }
    }
    if (points === 0) return { points, left: window * 1000 }
    if (known === undefined) {
      sweep(now)
      if (held.size >= most) makeRoom(now)
    }
    // A window that begins anew is the youngest again.
    held.delete(key)
    held.set(key, { points, until: now + window * 1000 })
    return { points, left: window * 1000 }
  }

  return {
    get size() {
      return held.size
    },
    add: (tallies) => tallies.map(one),
  }
}
