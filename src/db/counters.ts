import type pg from 'pg'
import type { Config } from '#base/config.ts'
import { appLogin, asApp } from './app-login.ts'
import { ROLE } from './names.ts'
import { createPool, lease, within } from './pool.ts'

/** What to add to a key; `points` may be negative or 0. */
interface Tally {
  /** 1 to 22 characters of base64url. */
  readonly key: string
  readonly points: number
  /** Seconds. */
  readonly window: number
}

interface Count {
  readonly points: number
  /** Milliseconds until the window ends. */
  readonly left: number
}

export interface PostgresCounters {
  /** In the order asked. Throws DatabaseUnavailable, and what Postgres says while the registry does not have the table yet. */
  add(tallies: readonly Tally[]): Promise<readonly Count[]>
  /** Deletes what is over, `most` rows at the most; answers how many. Throws as `add` does. */
  sweep(most: number): Promise<number>
  close(): Promise<void>
}

interface Asked {
  readonly tallies: readonly Tally[]
  readonly resolve: (counts: readonly Count[]) => void
  readonly reject: (error: unknown) => void
}

/** Keys in one statement. */
const BATCH = 500
/** Milliseconds for one message; who waits for it gives up much earlier. */
const PATIENCE = 1_000
const KEY = /^[A-Za-z0-9_-]{1,22}$/

const PRELUDE = [
  'BEGIN',
  `SET LOCAL ROLE ${ROLE.resolver}`,
  'SET LOCAL search_path = gatehouse, pg_temp',
  `SET LOCAL statement_timeout = ${PATIENCE}`,
  // There is nothing that a crash would not take anyway.
  'SET LOCAL synchronous_commit = off',
].join('; ')

/**
 * Counters in the registry's database, on one connection of their own: counting takes none from tool calls. What is asked while a
 * statement is under way goes together in the next, so that one connection counts for any number of calls. Each batch is one message,
 * transaction and all, which a pooler in transaction mode takes. The time is the database's, the same for all replicas.
 * @param url of the registry: config.database.url.
 */
export function openPostgresCounters(
  url: string,
  { database, sessionSecrets }: Pick<Config, 'database' | 'sessionSecrets'>,
): PostgresCounters {
  const login = asApp(url, appLogin(database, sessionSecrets[0] ?? ''))
  const pool = createPool(login, { max: 1, maxLifetime: database.poolMaxLifetime })
  const waiting: Asked[] = []
  let busy = false

  /** Answers what the statement between prelude and COMMIT answered. */
  async function say(command: 'INSERT' | 'DELETE', statement: string): Promise<pg.QueryResult> {
    const client = await lease(pool)
    try {
      const text = `${PRELUDE}; ${statement}; COMMIT`
      const results: unknown = await within(
        PATIENCE,
        'the counters do not answer',
        async () => await client.query(text),
      )
      client.release()
      // Several statements in one message answer several results, which pg's types do not know.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
      const found = (results as readonly pg.QueryResult[]).find((result) => result.command === command)
      if (found === undefined) throw new Error(`no result of ${command}`)
      return found
    } catch (error) {
      client.release(true)
      throw error
    }
  }

  async function upsert(tallies: readonly Tally[]): Promise<Map<string, Count>> {
    const sums = new Map<string, Tally>()
    for (const tally of tallies)
      sums.set(tally.key, { ...tally, points: tally.points + (sums.get(tally.key)?.points ?? 0) })
    // In one order everywhere: two statements never wait for each other's rows.
    const rows = [...sums.values()].toSorted((a, b) => (a.key < b.key ? -1 : 1)).map(literal)
    const { rows: found } = await say(
      'INSERT',
      `INSERT INTO counters AS c (key, points, expires_at)
      SELECT key, points, now() + make_interval(secs => seconds) FROM (VALUES ${rows.join(', ')}) AS asked (key, points, seconds)
      ON CONFLICT (key) DO UPDATE SET
        points = greatest(0, excluded.points + CASE WHEN c.expires_at <= now() THEN 0 ELSE c.points END),
        expires_at = CASE WHEN c.expires_at <= now() THEN excluded.expires_at ELSE c.expires_at END
      RETURNING key, points, ceil(extract(epoch FROM expires_at - now()) * 1000) AS left`,
    )
    return new Map(
      found.map((row: Record<string, unknown>) => [
        String(row['key']),
        { points: Number(row['points']), left: Number(row['left']) },
      ]),
    )
  }

  async function run(): Promise<void> {
    if (busy) return
    busy = true
    while (waiting.length > 0) {
      const batch = waiting.splice(0, sizeOfBatch(waiting))
      try {
        const totals = await upsert(batch.flatMap(({ tallies }) => tallies))
        // Each is told what it came to: with what was asked before it, without what came after.
        for (const { tallies, resolve } of batch.toReversed())
          resolve(
            tallies
              .toReversed()
              .map((tally) => takeBack(totals, tally))
              .toReversed(),
          )
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    busy = false
  }

  return {
    add: async (tallies) =>
      await new Promise((resolve, reject) => {
        for (const { key } of tallies) if (!KEY.test(key)) throw new TypeError('not the key of a counter')
        waiting.push({ tallies, resolve, reject })
        void run()
      }),
    async sweep(most) {
      const { rowCount } = await say(
        'DELETE',
        `DELETE FROM counters WHERE key IN (
          SELECT key FROM counters WHERE expires_at <= now() ORDER BY expires_at LIMIT ${Math.trunc(most)} FOR UPDATE SKIP LOCKED)`,
      )
      return rowCount ?? 0
    },
    close: async () => await pool.end(),
  }
}

/** How many of those who wait go into one statement. */
function sizeOfBatch(waiting: readonly Asked[]): number {
  let keys = 0
  const end = waiting.findIndex(({ tallies }) => (keys += tallies.length) > BATCH)
  return end === -1 ? waiting.length : Math.max(1, end)
}

function takeBack(totals: Map<string, Count>, { key, points }: Tally): Count {
  const count = totals.get(key) ?? { points: 0, left: 0 }
  totals.set(key, { ...count, points: count.points - points })
  return count
}

/** Keys are checked, the rest are numbers: nothing to quote. */
const literal = ({ key, points, window }: Tally): string =>
  `('${key}', ${Math.trunc(points)}::bigint, ${Math.trunc(window)}::double precision)`
