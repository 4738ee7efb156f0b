import type { Clock } from '#base/clock.ts'
import type { Log } from '#base/log.ts'
import type { Database } from '#db/database.ts'
import { sql } from '#db/sql.ts'

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
  let timer: NodeJS.Timeout | null = null
  let closed = false
  let running: Promise<unknown> = Promise.resolve()

  async function taken(): Promise<boolean> {
    const now = clock.now()
    const rows = await database.control({ as: 'resolver' }, async (db) => {
      return await db.query(sql`
        INSERT INTO chores (name, taken_until) VALUES ('usage.retention', ${new Date(now + LEASE)})
        ON CONFLICT (name) DO UPDATE SET taken_until = excluded.taken_until WHERE chores.taken_until <= ${new Date(now)}
        RETURNING name`)
    })
    return rows.length > 0
  }

  async function tick(): Promise<number | null> {
    if (!(await taken())) return null
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

  function schedule(wait: number): void {
    if (closed) return
    timer = setTimeout(() => {
      running = (ready() ? tick() : Promise.resolve(null))
        .catch((error: unknown) => log.warn({ err: error }, 'old usage could not be deleted: tried again'))
        .finally(() => schedule(LEASE))
    }, wait)
    timer.unref()
  }

  return {
    tick,
    start: () => schedule(FIRST),
    async close() {
      closed = true
      if (timer !== null) clearTimeout(timer)
      await running
    },
  }
}
