import { TtlCache } from '#base/cache.ts'
import type { Clock } from '#base/clock.ts'
import type { Log } from '#base/log.ts'
import type { Database } from '#db/database.ts'
import { sql } from '#db/sql.ts'

const MINUTE = 60_000

export interface LastUse {
  /** Notes that a key was used, at most once a minute each. Off the request path: what goes wrong here refuses nobody. */
  stamp(id: string, ip: string | null): void
  /** Waits for what is under way. */
  settle(): Promise<void>
}

export function createLastUse({
  database,
  clock,
  log,
}: {
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
}): LastUse {
  const stamped = new TtlCache<{ readonly at: number }>({ max: 10_000, clock })
  const underWay = new Set<Promise<void>>()

  async function write(id: string, ip: string | null, at: Date): Promise<void> {
    try {
      await database.control({ as: 'resolver' }, async (db) => {
        await db.query(sql`
          UPDATE api_keys SET last_used_at = ${at}, last_used_ip = ${ip}
          WHERE id = ${id} AND (last_used_at IS NULL OR last_used_at < ${at})`)
      })
    } catch (error) {
      log.warn({ err: error, key: id }, 'the last use of a key was not recorded')
    }
  }

  return {
    stamp(id, ip) {
      if (stamped.get(id) !== undefined) return
      const at = clock.now()
      stamped.set(id, { at }, MINUTE)
      const work = write(id, ip, new Date(at)).finally(() => underWay.delete(work))
      underWay.add(work)
    },
    async settle() {
      await Promise.all(underWay)
    },
  }
}
