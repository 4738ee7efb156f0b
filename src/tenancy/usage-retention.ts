import type { Clock } from '#base/clock.ts'
import type { Log } from '#base/log.ts'
import type { Database } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { takeChore } from './chore.ts'
import { createRounds } from './rounds.ts'

/** Milliseconds: how long one replica has the work, and so how often it is done by all together. */
const LEASE = 3_600_000
const FIRST = 60_000
const DAY = 86_400_000
/** Rows of one statement, so that no lock is held for long. */
const BATCH = 5_000

export interface UsageRetentionOptions {
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  /** False: the registry cannot be used yet, so nothing is tried. */
  readonly ready: () => boolean
  /** USAGE_RETENTION_DAYS. */
  readonly days: number
}

/** Deletes usage that is older than its retention: once an hour, by whichever replica comes first. */
export interface UsageRetention {
  /** Answers how many rows were deleted; null: another replica did it within the hour. Throws DatabaseUnavailable. */
  tick(): Promise<number | null>
  /** Ticks from now on; does not keep the process alive. */
  start(): void
  /** Waits for a tick under way. */
  close(): Promise<void>
}

export function createUsageRetention({ database, clock, log, ready, days }: UsageRetentionOptions): UsageRetention {
  let closed = false

  async function tick(): Promise<number | null> {
    if (!(await takeChore(database, 'usage.retention', clock.now(), LEASE))) return null
    const oldest = new Date(clock.now() - days * DAY)
    for (let total = 0; ;) {
      const gone = await database.control({ as: 'resolver' }, async (db) => {
        return await db.query(sql`
          DELETE FROM usage WHERE (tenant_id, hour, tool, iss, sub) IN (
            SELECT tenant_id, hour, tool, iss, sub FROM usage WHERE hour < ${oldest} ORDER BY hour LIMIT ${BATCH})
          RETURNING hour`)
      })
      total += gone.length
      if (gone.length < BATCH || closed) return total
    }
  }

  const rounds = createRounds({
    run: tick,
    first: FIRST,
    every: LEASE,
    ready,
    log,
    failure: 'old usage could not be deleted: tried again',
  })
  return {
    tick,
    start: () => rounds.start(),
    async close() {
      closed = true
      await rounds.close()
    },
  }
}
