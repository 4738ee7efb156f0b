import { LRUCache } from 'lru-cache'
import type { Clock } from '#base/clock.ts'
import type { Log } from '#base/log.ts'
import { DatabaseUnavailable, TenantFenced, type Database, type TenantDb } from '#db/database.ts'
import { sqlState } from '#db/errors.ts'
import { auditKey, CONTROL_SCHEMA, insertAudit, signAudit, type AuditEntry } from '#tenancy/audit.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { callEntry, refusalEntry, type CallRecord, type RefusedRequest } from './audit-entry.ts'
import { AuditQueue, type Batch } from './audit-queue.ts'

export type { CallRecord, RefusedRequest }

/** Milliseconds between two flushes: what a crash can lose of reads and refusals (D35). */
const FLUSH_EVERY = 1_000
const CHECKPOINT_EVERY = 600_000
/** Milliseconds one batch may take. */
const WRITE_TIMEOUT = 10_000
/** Tenants written to at once, so that a flush never takes the pool from the calls. */
const WRITERS = 4
/** Tenants whose key is remembered; deriving one takes microseconds. */
const KEYS = 10_000

export interface AuditorOptions {
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  /** First of SESSION_SECRET: the rows' HMAC keys are derived from it (D35). */
  readonly secret: string
  /** Signs what was written since the last checkpoint; called every 10 minutes for each tenant written to, and for null = the registry. */
  readonly checkpoint: (tenant: Tenant | null) => Promise<void>
}

export interface Auditor {
  /** Writes the row of a call in the call's own transaction. */
  insert(db: TenantDb, record: CallRecord): Promise<void>
  /** Leaves the row for the next flush. Waits only when very many rows are waiting already. */
  record(record: CallRecord): Promise<void>
  /** Leaves a row for the next flush: with its tenant when that is known, else in the registry's audit (D35). Never throws, never waits. */
  refused(request: RefusedRequest): void
  /** Writes what is waiting. Never throws; rows stay waiting while the database cannot be reached. */
  flush(): Promise<void>
  /** On SIGTERM, after the last call and before the database closes: stops the timers, flushes, and logs what could not be written. */
  close(): Promise<void>
  /** Rows given up so far because the database stayed away or would not take them. */
  readonly lost: number
  /** Rows that wait to be written, or are being written. */
  readonly waiting: number
}

/** Starts its timers at once; `close` ends them. */
export function createAuditor({ database, clock, log, secret, checkpoint }: AuditorOptions): Auditor {
  const queue = new AuditQueue()
  const keys = new LRUCache<string, Buffer>({ max: KEYS })
  /** Where rows were written and when last: what checkpoints are due for. */
  const touched = new Map<string, { readonly tenant: Tenant | null; readonly at: number }>()
  let flushing: Promise<void> | null = null
  let reported = 0

  const keyOf = (schema: string): Buffer => {
    const key = keys.get(schema) ?? auditKey(secret, schema)
    keys.set(schema, key)
    return key
  }
  const signed = (schema: string, entries: readonly AuditEntry[]) =>
    entries.map((entry) => signAudit(keyOf(schema), entry, clock.now()))

  const touch = (tenant: Tenant | null): void => {
    touched.set(tenant?.schema ?? CONTROL_SCHEMA, { tenant, at: clock.now() })
  }
  const toTenant = async (tenant: Tenant, entries: readonly AuditEntry[]): Promise<void> => {
    await database.tenant(tenant, { access: 'write', timeout: WRITE_TIMEOUT }, async (db) => {
      await insertAudit(db, signed(tenant.schema, entries))
    })
    touch(tenant)
  }
  const toRegistry = async (entries: readonly AuditEntry[]): Promise<void> => {
    await database.control({ as: 'resolver' }, async (db) => {
      await insertAudit(db, signed(CONTROL_SCHEMA, entries))
    })
    touch(null)
  }

  const write = async ({ tenant, entries }: Batch): Promise<void> => {
    if (tenant === null) return await toRegistry(entries)
    const written = toTenant(tenant, entries).catch(async (error: unknown) => {
      if (sqlState(error) === null) throw error
      // Refused while suspended, and let in again before the reason was looked at (D18): once more, and the row is not lost.
      await toTenant(tenant, entries)
    })
    await written.catch(async (error: unknown) => {
      // Suspended or deleted meanwhile: the registry keeps what its own schema no longer takes. The rows name their tenant.
      if (!(error instanceof TenantFenced)) throw error
      await toRegistry(entries)
    })
  }

  const writeAll = async (): Promise<void> => {
    const batches = queue.take()
    let away: DatabaseUnavailable | null = null
    const worker = async (): Promise<void> => {
      for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) {
        const entries = batch.entries.length
        // One failure tells enough: the rest keeps waiting without a try and a log line each.
        if (away !== null) {
          queue.failed(batch, away)
          continue
        }
        try {
          await write(batch)
          queue.written(batch)
        } catch (error) {
          if (error instanceof DatabaseUnavailable) away = error
          const kept = queue.failed(batch, error)
          log.error({ err: error, entries, kept }, 'audit rows could not be written')
        }
      }
    }
    await Promise.all(Array.from({ length: WRITERS }, worker))
    if (queue.lost > reported) log.error({ lost: queue.lost - reported, total: queue.lost }, 'audit rows were lost')
    reported = queue.lost
  }

  const flush = async (): Promise<void> => {
    // One under way may have begun before the last rows came.
    await flushing
    flushing ??= writeAll().finally(() => {
      flushing = null
    })
    await flushing
  }

  const add = (tenant: Tenant | null, entry: AuditEntry): void => {
    if (queue.add(tenant, entry)) void flush()
  }

  const checkpointAll = async (): Promise<void> => {
    for (const [schema, { tenant, at }] of touched) {
      try {
        await checkpoint(tenant)
        // A checkpoint leaves out the last minutes, so a place is done with only some time after its last row.
        if (clock.now() - at > 2 * CHECKPOINT_EVERY) touched.delete(schema)
      } catch (error) {
        log.error({ err: error, tenant: tenant?.slug ?? null }, 'an audit checkpoint could not be made')
      }
    }
  }

  const entryOf = (record: CallRecord): AuditEntry =>
    callEntry(record, keyOf(record.principal.tenant.schema), clock.now())

  const timers = [
    setInterval(() => void flush(), FLUSH_EVERY),
    setInterval(() => void checkpointAll(), CHECKPOINT_EVERY),
  ]
  for (const timer of timers) timer.unref()

  return {
    get lost() {
      return queue.lost
    },
    get waiting() {
      return queue.size
    },
    async insert(db, record) {
      const { tenant } = record.principal
      await insertAudit(db, signed(tenant.schema, [entryOf(record)]))
      touch(tenant)
    },
    async record(record) {
      if (queue.full) await flush()
      add(record.principal.tenant, entryOf(record))
    },
    refused(request) {
      add(request.principal?.tenant ?? null, refusalEntry(request, clock.now()))
    },
    flush,
    async close() {
      for (const timer of timers) clearInterval(timer)
      // Rows may have come while a flush was under way; a second round that gets none out will not be helped by a third.
      for (let before = Infinity; queue.size > 0 && queue.size < before;) {
        before = queue.size
        await flush()
      }
      if (queue.size > 0)
        log.error({ lost: queue.size }, 'audit rows were lost: the database could not be reached at the end')
    },
  }
}
