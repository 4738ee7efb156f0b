import type { Clock } from '#base/clock.ts'
import { firstIdOf } from '#base/id.ts'
import type { Log } from '#base/log.ts'
import type { Database, Queryable } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { auditKey, CONTROL_SCHEMA } from './audit.ts'
import { takeChore } from './chore.ts'
import { checkpoint, FIRST_ID, OPEN, signCheckpoint, tally } from './checkpoint.ts'
import { createRounds } from './rounds.ts'

/** Milliseconds: how long one replica has the work, and so how often it is done by all together. */
const LEASE = 86_400_000
const FIRST = 120_000
const AGAIN = 3_600_000
const DAY = 86_400_000
/** Rows of one transaction, about: whole windows are deleted. */
const BATCH = 20_000
/** Tenants that are read at once. */
const PAGE = 500

/**
 * Deletes what was written before a moment from the audit of the schema that `db` speaks to, as its owner: whole windows between
 * checkpoints, oldest first. In their place stays one signed checkpoint that says that nothing is left before it, so that `audit verify`
 * finds what is left intact, and still finds rows that somebody else deleted (D35).
 * @param before milliseconds since the epoch.
 * @returns how many rows went. More than nothing: call it again, in another transaction.
 */
async function pruneAudit(db: Queryable, key: Buffer, before: number, now: number): Promise<number> {
  const end = firstIdOf(before)
  const [later] = await db.query(sql`SELECT 1 FROM audit_checkpoints WHERE to_id > ${end} LIMIT 1`)
  // The last rows of a tenant that nobody works in any more may have no checkpoint.
  if (later === undefined) await checkpoint(db, key, before + OPEN)
  const [cut] = await db.query<{ to_id: string }>(sql`
    SELECT to_id FROM (
      SELECT to_id, from_id, rows, sum(rows) OVER (ORDER BY to_id, id) - rows AS older FROM audit_checkpoints WHERE to_id <= ${end}
    ) AS closed
    WHERE older < ${BATCH} AND NOT EXISTS (
      SELECT 1 FROM audit_checkpoints AS across WHERE across.from_id < closed.to_id AND across.to_id > closed.to_id)
    ORDER BY to_id DESC LIMIT 1`)
  if (cut === undefined) return 0
  const { to_id: to } = cut
  const [gone] = await db.query<{ rows: number }>(sql`
    WITH gone AS (DELETE FROM audit WHERE id < ${to} RETURNING 1) SELECT count(*)::integer AS rows FROM gone`)
  if (gone === undefined || gone.rows === 0) return 0
  await db.query(sql`DELETE FROM audit_checkpoints WHERE to_id <= ${to}`)
  await signCheckpoint(db, key, { from_id: FIRST_ID, to_id: to, ...(await tally(db, FIRST_ID, to)) }, now)
  return gone.rows
}

export interface AuditRetentionOptions {
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  /** False: the registry cannot be used yet, so nothing is tried. */
  readonly ready: () => boolean
  /** AUDIT_RETENTION_DAYS. */
  readonly days: number
  /** The first of SESSION_SECRET. */
  readonly secret: string
}

/** Deletes audit rows that are older than their retention, of the registry and of every tenant: once a day, by one replica. */
export interface AuditRetention {
  /** Answers how many rows were deleted; null: another replica did it within the day. Throws DatabaseUnavailable. */
  tick(): Promise<number | null>
  /** Ticks from now on; does not keep the process alive. */
  start(): void
  /** Waits for a tick under way. */
  close(): Promise<void>
}

export function createAuditRetention(options: AuditRetentionOptions): AuditRetention {
  const { database, clock, log, ready, days, secret } = options
  let closed = false

  async function prune(place: { readonly schema: string; readonly placement: string }): Promise<number> {
    const key = auditKey(secret, place.schema)
    for (let total = 0; ;) {
      const now = clock.now()
      const gone = await database.admin.owning(place, async (db) => await pruneAudit(db, key, now - days * DAY, now))
      total += gone
      if (gone === 0 || closed) return total
    }
  }

  /** The registry, then every tenant. A page at a time: there may be a hundred thousand. */
  async function* places(): AsyncGenerator<{ readonly schema: string; readonly placement: string }> {
    yield { schema: CONTROL_SCHEMA, placement: 'default' }
    for (let after = FIRST_ID; ;) {
      const page = await database.control({ as: 'resolver' }, async (db) => {
        return await db.query<{ id: string; schema: string; placement: string }>(sql`
          SELECT id, schema, placement FROM tenants WHERE status <> 'deleted' AND id > ${after} ORDER BY id LIMIT ${PAGE}`)
      })
      yield* page
      if (page.length < PAGE) return
      after = page.at(-1)?.id ?? after
    }
  }

  async function tick(): Promise<number | null> {
    if (!(await takeChore(database, 'audit.retention', clock.now(), LEASE))) return null
    let total = 0
    for await (const place of places()) {
      if (closed) break
      try {
        total += await prune(place)
      } catch (error) {
        // A tenant that is being deleted or moved must not keep the others' rows.
        log.warn({ err: error, schema: place.schema }, 'old audit rows could not be deleted: tried again tomorrow')
      }
    }
    if (total > 0) log.info({ rows: total, days }, 'audit rows beyond their retention were deleted')
    return total
  }

  const rounds = createRounds({
    run: tick,
    first: FIRST,
    every: AGAIN,
    ready,
    log,
    failure: 'old audit rows could not be deleted: tried again',
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
