import type { Clock } from '#base/clock.ts'
import type { Log } from '#base/log.ts'
import { DatabaseUnavailable, type Database } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { storable } from './audit.ts'
import type { Principal } from './tenant.ts'
import { whoCalled, type Caller } from './usage-caller.ts'

/** Milliseconds between two flushes: what a crash can lose of the counts. */
const FLUSH_EVERY = 10_000
const HOUR = 3_600_000
/** Rows of one statement. */
const CHUNK = 1_000
/** Rows held, some 20 MB; what would need more is not counted while the database stays away. */
const MOST = 50_000

/** The `tool` of calls of something that is not there: callers make up such names without end. */
const UNKNOWN = 'unknown'
/** The `tool` of requests that were turned away before one was reached. */
const REFUSED = 'refused'

/** One call that came to its end. */
interface CountedCall {
  readonly principal: Principal
  /** Its name; null: there is nothing of the name that was called. */
  readonly tool: string | null
  readonly failed: boolean
  /** Milliseconds since the epoch. */
  readonly startedAt: number
}

/**
 * Counts calls in memory and writes them as one row per hour, tenant, tool and principal. What waits for the next flush (10 s) is
 * seen by no reader yet, and a crash loses it: the audit has every call, this is for charts. A flush whose COMMIT was not heard of
 * is written again, and may so count twice.
 */
export interface UsageMeter {
  /** Never throws, never waits. */
  call(call: CountedCall): void
  /** A request of somebody known in a tenant, turned away. Never throws, never waits. */
  refused(principal: Principal): void
  /** Writes what is waiting. Never throws; counts stay while the database cannot be reached. */
  flush(): Promise<void>
  /** Flushes every 10 s from now on; does not keep the process alive. */
  start(): void
  /** Writes what is waiting for the last time. */
  close(): Promise<void>
  /** Rows that wait to be written, writes that failed, and calls that were never counted. */
  readonly state: { readonly waiting: number; readonly failures: number; readonly lost: number }
}

export interface UsageMeterOptions {
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
}

interface About extends Caller {
  /** The hour's beginning; milliseconds since the epoch. */
  readonly hour: number
  readonly tenant: string
  readonly tool: string
}

interface Counts {
  calls: number
  failures: number
  refusals: number
  total: number
  longest: number
}

type Row = About & Counts

export function createUsageMeter({ database, clock, log }: UsageMeterOptions): UsageMeter {
  let waiting = new Map<string, Row>()
  let flushing: Promise<void> | null = null
  let timer: NodeJS.Timeout | null = null
  let uncounted = 0
  let failures = 0
  let lost = 0

  function add(about: About, more: Counts): void {
    const held = waiting.get(keyOf(about)) ?? begun(about)
    if (held === null) {
      uncounted += more.calls + more.refusals
      return
    }
    held.calls += more.calls
    held.failures += more.failures
    held.refusals += more.refusals
    held.total += more.total
    held.longest = Math.max(held.longest, more.longest)
  }

  /** null: there is no room. */
  function begun(about: About): Row | null {
    // What came from outside is cut and cleaned of what Postgres cannot hold, which would cost a whole chunk.
    const tool = storable(about.tool, 128) ?? UNKNOWN
    const [iss, sub] = [storable(about.iss, 2048) ?? '', storable(about.sub, 255) ?? '']
    const clean = { ...about, tool, iss, sub }
    const key = keyOf(clean)
    const held = waiting.get(key)
    if (held !== undefined) return held
    if (waiting.size >= MOST) return null
    const row = { ...clean, ...NOTHING }
    waiting.set(key, row)
    return row
  }

  function count({ identity, tenant }: Principal, tool: string, at: number, more: Counts): void {
    add({ hour: at - (at % HOUR), tenant: tenant.id, tool, ...whoCalled(identity) }, more)
  }

  async function writeAll(): Promise<void> {
    const rows = [...waiting]
    waiting = new Map()
    // In one order everywhere, so that replicas that write the same rows wait for each other and never in a ring.
    rows.sort(([a], [b]) => (a < b ? -1 : 1))
    let away = false
    for (let from = 0; from < rows.length; from += CHUNK) {
      const chunk = rows.slice(from, from + CHUNK)
      try {
        if (!away) await write(chunk.map(([, row]) => row))
      } catch (error) {
        away = error instanceof DatabaseUnavailable
        failures += 1
        log.warn({ err: error, rows: chunk.length }, 'usage could not be written: tried again')
        keep(chunk)
        continue
      }
      if (away) keep(chunk)
    }
    if (uncounted > 0) log.error({ lost: uncounted }, 'usage was not counted: too much waits for the database')
    lost += uncounted
    uncounted = 0
  }

  function keep(chunk: readonly (readonly [string, Row])[]): void {
    for (const [, row] of chunk) add(row, row)
  }

  async function write(rows: readonly Row[]): Promise<void> {
    const column = <Name extends keyof Row>(name: Name): Row[Name][] => rows.map((row) => row[name])
    const hours = rows.map(({ hour }) => new Date(hour).toISOString())
    await database.control({ as: 'resolver' }, async (db) => {
      await db.query(sql`
        INSERT INTO usage (hour, tenant_id, tool, iss, sub, provider, calls, failures, refusals, total_ms, max_ms)
        SELECT * FROM unnest(${hours}::timestamptz[], ${column('tenant')}::uuid[], ${column('tool')}::text[], ${column('iss')}::text[],
          ${column('sub')}::text[], ${column('provider')}::text[], ${column('calls')}::bigint[], ${column('failures')}::bigint[],
          ${column('refusals')}::bigint[], ${column('total')}::bigint[], ${column('longest')}::integer[])
        ON CONFLICT (tenant_id, hour, tool, iss, sub) DO UPDATE SET
          calls = usage.calls + excluded.calls, failures = usage.failures + excluded.failures,
          refusals = usage.refusals + excluded.refusals, total_ms = usage.total_ms + excluded.total_ms,
          max_ms = greatest(usage.max_ms, excluded.max_ms)`)
    })
  }

  async function flush(): Promise<void> {
    // One under way may have begun before the last counts came.
    await flushing
    if (waiting.size === 0) return
    flushing ??= writeAll().finally(() => {
      flushing = null
    })
    await flushing
  }

  return {
    get state() {
      return { waiting: waiting.size, failures, lost: lost + uncounted }
    },
    call({ principal, tool, failed, startedAt }) {
      const took = Math.min(Math.max(0, Math.round(clock.now() - startedAt)), 2_147_483_647)
      const more = { calls: 1, failures: failed ? 1 : 0, refusals: 0, total: took, longest: took }
      count(principal, tool ?? UNKNOWN, startedAt, more)
    },
    refused(principal) {
      count(principal, REFUSED, clock.now(), { ...NOTHING, refusals: 1 })
    },
    flush,
    start() {
      timer ??= setInterval(() => void flush(), FLUSH_EVERY).unref()
    },
    async close() {
      if (timer !== null) clearInterval(timer)
      await flush()
      if (waiting.size > 0)
        log.error({ rows: waiting.size }, 'usage was lost: the database could not be reached at the end')
    },
  }
}

const keyOf = ({ tenant, hour, tool, iss, sub }: About): string => `${tenant} ${hour} ${tool}\n${iss}\n${sub}`

const NOTHING: Counts = { calls: 0, failures: 0, refusals: 0, total: 0, longest: 0 }
