import { createHash } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Log } from '#base/log.ts'
import type { Count, Counters, Tally } from './counters.ts'

/** Where all replicas count together; each `add` is one round trip. Rejects when it is away. */
export interface CounterStore extends Counters {
  close(): Promise<void>
}

export interface SharedCountersOptions {
  readonly store: CounterStore
  /** Counts along, and alone while the store is away. */
  readonly memory: Counters
  readonly log: Log
  /** Milliseconds that one answer may take; default 100. */
  readonly patience?: number
  /** Milliseconds from one look for a store that was lost to the next; default 1 000. */
  readonly every?: number
}

export interface SharedCounters extends Counters {
  /** False: the store is away and this process counts for itself. */
  readonly shared: boolean
  /** The same store, with other counters in this process: what is counted through it pushes nothing out of the first ones. */
  beside(memory: Counters): Counters
  close(): Promise<void>
}

const PATIENCE = 100
const EVERY = 1_000
/** Asked for while the store is away; nothing is ever added to it. */
const PROBE: Tally = { key: 'probe', points: 0, window: 60 }

/**
 * Counters of all replicas together, and those of this process while their store is down or slow. The first call that waits in vain is
 * the last: from then on nobody waits until the store has answered a question from the background. One line is logged for each change.
 * A key leaves this process as its digest only: neither addresses nor people are in the store.
 */
export function createSharedCounters({
  store,
  memory,
  log,
  patience = PATIENCE,
  every = EVERY,
}: SharedCountersOptions): SharedCounters {
  let away = false
  let closed = false
  let timer: NodeJS.Timeout | null = null

  async function ask(tallies: readonly Tally[]): Promise<readonly Count[]> {
    const late = new AbortController()
    try {
      return await Promise.race([
        Promise.resolve(store.add(tallies)),
        pause(patience, null, { signal: late.signal }).then(() => {
          throw new Error(`no answer within ${patience} ms`)
        }),
      ])
    } finally {
      late.abort()
    }
  }

  function lost(error: unknown): void {
    if (away || closed) return
    away = true
    log.warn({ err: error }, 'the store of the rate limits is away: this process counts for itself')
    look()
  }

  function look(): void {
    if (closed) return
    timer = setTimeout(() => {
      ask([PROBE]).then(
        () => {
          away = false
          log.info('the store of the rate limits is back: all replicas count together')
        },
        () => look(),
      )
    }, every)
    timer.unref()
  }

  const over = (along: Counters): Counters => ({
    async add(tallies) {
      const own = await along.add(tallies)
      if (away) return own
      try {
        return await ask(tallies.map((tally) => ({ ...tally, key: digestOf(tally.key) })))
      } catch (error) {
        lost(error)
        return own
      }
    },
  })

  return {
    get shared() {
      return !away
    },
    beside: over,
    ...over(memory),
    async close() {
      closed = true
      if (timer !== null) clearTimeout(timer)
      await store.close()
    },
  }
}

/** 22 characters of base64url. */
const digestOf = (key: string): string => createHash('sha256').update(key).digest('base64url').slice(0, 22)

/**
 * For what anybody can cause without being known: at most `most` of it is on its way to the store at once, the rest is counted in `memory` alone.
 * A flood of strangers must not keep the store from those who have calls to make.
 */
export function createApart(counters: Counters, memory: Counters, most: number): Counters {
  let underWay = 0
  return {
    async add(tallies) {
      if (underWay >= most) return await memory.add(tallies)
      underWay += 1
      try {
        return await counters.add(tallies)
      } finally {
        underWay -= 1
      }
    },
  }
}
