import { sql } from '#db/sql.ts'
import type { TenantPlace } from '#db/database.ts'
import { takeChore } from '../chore.ts'
import { createRounds } from '../rounds.ts'
import { indexTurn, type IndexOptions } from './indexer.ts'

/** Milliseconds: how often all tenants are looked at for what was left behind or came another way, by one replica. */
const SWEEP = 300_000
const FIRST_SWEEP = 5_000
const MINUTE = 60_000
/** Until a tenant whose texts were not embedded is looked at again; after that the sweep comes by. */
const RETRY = 10_000

export interface WorkerOptions extends Omit<IndexOptions, 'signal'> {
  /** Requests to the endpoint per minute. */
  readonly perMinute: number
  /** False: the registry cannot be used yet. */
  readonly ready: () => boolean
}

/** Embeds what waits, tenant by tenant in turn, one request at a time. */
export interface IndexWorker {
  /** A tenant's documents changed: it takes its place in line. */
  hint(tenantId: string): void
  /** Puts every tenant in line, if no replica did lately. Answers how many; null: another one did. */
  sweep(): Promise<number | null>
  /** Nobody is in line, and no turn is under way. */
  readonly idle: boolean
  start(): void
  /** Ends the request under way; what it was for waits for another replica. */
  close(): Promise<void>
}

/**
 * Fair: each tenant has one turn, one request at most, and then takes its place at the end. The queue itself is in each tenant's schema; this is
 * only who is looked at next, so losing it loses nothing.
 */
export function createIndexWorker(options: WorkerOptions): IndexWorker {
  const { database, clock, log, perMinute, ready } = options
  const line = new Set<string>()
  const stop = new AbortController()
  let running: Promise<void> | null = null
  let nextAt = 0
  let timer: NodeJS.Timeout | null = null
  const failed = new Set<string>()
  let retry: NodeJS.Timeout | null = null

  function tryLater(id: string): void {
    failed.add(id)
    retry ??= setTimeout(() => {
      retry = null
      for (const one of failed) line.add(one)
      failed.clear()
      next()
    }, RETRY).unref()
  }

  async function placeOf(id: string): Promise<TenantPlace | null> {
    const [row] = await database.control(
      { as: 'resolver', access: 'read' },
      async (db) =>
        await db.query<{ schema: TenantPlace['schema']; placement: string; schema_version: number }>(
          sql`SELECT schema, placement, schema_version FROM tenants WHERE id = ${id} AND status = 'active'`,
        ),
    )
    return row === undefined
      ? null
      : { schema: row.schema, placement: row.placement, schemaVersion: row.schema_version }
  }

  /** Answers milliseconds until the next turn may be. */
  async function turn(id: string): Promise<number> {
    try {
      const place = await placeOf(id)
      if (place === null) return 0
      const { turn, asked, pause } = await indexTurn({ ...options, signal: stop.signal }, place)
      if (turn === 'more') line.add(id)
      if (turn === 'failed') tryLater(id)
      return pause ?? (asked ? MINUTE / perMinute : 0)
    } catch (error) {
      // Fenced, busy, or the database is away: the sweep comes back to it.
      if (!stop.signal.aborted)
        log.warn({ err: error, tenant: id }, 'documents of a tenant were not indexed: tried again')
      return 0
    }
  }

  function next(): void {
    if (stop.signal.aborted || running !== null || timer !== null || line.size === 0) return
    const wait = nextAt - clock.now()
    if (wait > 0) {
      timer = setTimeout(() => {
        timer = null
        next()
      }, wait)
      timer.unref()
      return
    }
    const [id = ''] = line
    line.delete(id)
    running = turnOf(id)
  }

  async function turnOf(id: string): Promise<void> {
    nextAt = clock.now() + (await turn(id))
    running = null
    next()
  }

  async function sweep(): Promise<number | null> {
    if (!(await takeChore(database, 'passages.sweep', clock.now(), SWEEP - MINUTE))) return null
    const tenants = await database.control(
      { as: 'resolver', access: 'read' },
      async (db) => await db.query<{ id: string }>(sql`SELECT id FROM tenants WHERE status = 'active' ORDER BY id`),
    )
    for (const { id } of tenants) line.add(id)
    next()
    return tenants.length
  }

  const rounds = createRounds({
    run: sweep,
    first: FIRST_SWEEP,
    every: SWEEP,
    ready,
    log,
    failure: 'tenants could not be looked at for texts to embed: tried again',
  })
  return {
    hint(id) {
      line.add(id)
      next()
    },
    sweep,
    get idle() {
      return running === null && line.size === 0
    },
    start: () => rounds.start(),
    async close() {
      stop.abort()
      if (timer !== null) clearTimeout(timer)
      if (retry !== null) clearTimeout(retry)
      await rounds.close()
      await running
    },
  }
}
