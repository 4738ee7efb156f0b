import type { Clock } from '#base/clock.ts'
import type { Config } from '#base/config.ts'
import type { Log } from '#base/log.ts'
import { openPostgresCounters } from '#db/counters.ts'
import type { Database } from '#db/database.ts'
import { takeChore } from '#tenancy/chore.ts'
import { createRounds, type Rounds } from '#tenancy/rounds.ts'
import { openRedisCounters } from '#toolkit/counters-redis.ts'
import { createApart, createSharedCounters, type CounterStore } from '#toolkit/counters-shared.ts'
import { createMemoryCounters, type Counters } from '#toolkit/counters.ts'

/** Counts of strangers that may be on their way to the store at once. */
const STRANGERS_AT_ONCE = 32
/** Milliseconds: how often rows that are over are deleted, by one replica for all. */
const SWEEP = 60_000
/** Rows of one statement. */
const SWEPT = 5_000

export interface CountingOptions {
  readonly config: Pick<Config, 'rateLimit' | 'rateLimitStore' | 'database' | 'sessionSecrets'>
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  /** Can the registry be used? */
  readonly ready: () => boolean
}

/** Where requests are counted (RATE_LIMIT_STORE). */
export interface Counting {
  /** For those who are known. */
  readonly known: Counters
  /** For what anybody can cause; apart, so that made-up keys push out nobody's counts but each other's. */
  readonly strangers: Counters
  /** Begins the work in the background. */
  start(): void
  close(): Promise<void>
}

/** The counters of this process, made once. Throws nothing when the store is away: it counts for itself until the store is back. */
export async function createCounting({ config, database, clock, log, ready }: CountingOptions): Promise<Counting> {
  const memory = { known: createMemoryCounters(), strangers: createMemoryCounters() }
  const { rateLimitStore: store } = config
  if (!config.rateLimit.on || store.kind === 'memory') return { ...memory, start() {}, close: async () => {} }

  const postgres = store.kind === 'postgres' ? openPostgresCounters(config.database.url ?? '', config) : null
  const opened: CounterStore | null = store.kind === 'redis' ? await openRedisCounters({ url: store.url }) : postgres
  if (opened === null) throw new Error('no store')
  const known = createSharedCounters({ store: opened, memory: memory.known, log })
  const rounds = postgres === null ? null : sweeping()

  function sweeping(): Rounds {
    return createRounds({
      run: async () => {
        if (!(await takeChore(database, 'counters.sweep', clock.now(), SWEEP))) return
        while ((await postgres?.sweep(SWEPT)) === SWEPT);
      },
      every: SWEEP,
      ready,
      log,
      failure: 'counters that are over could not be deleted: tried again',
    })
  }

  return {
    known,
    strangers: createApart(known.beside(memory.strangers), memory.strangers, STRANGERS_AT_ONCE),
    start: () => rounds?.start(),
    async close() {
      await rounds?.close()
      await known.close()
    },
  }
}
