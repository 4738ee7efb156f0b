import { DatabaseUnavailable, StatementTimeout, TenantBusy } from '#db/database.ts'
import type { AuditEntry } from '#tenancy/audit.ts'
import type { Tenant } from '#tenancy/tenant.ts'

/** Rows of one INSERT, and how many of one place cause a flush before its time (D35). */
const BATCH = 500
/** What may wait while the database is away: some minutes of a busy server, some 20 MB. */
const MOST = 20_000
/** Of that, rows without a tenant: whoever knocks without a token must not push out the tenants' rows. */
const MOST_REGISTRY = 4_000
/** Rows waiting at which a call waits for the flush before it adds its own. */
const FULL = 10_000

/** Rows that go to one place: a tenant's schema, or (null) the registry. */
export interface Batch {
  readonly tenant: Tenant | null
  readonly entries: readonly AuditEntry[]
}

/** Audit rows that wait for the next flush: never more than a bound, and what falls over it is counted. */
export class AuditQueue {
  readonly #places = new Map<string, { tenant: Tenant | null; entries: AuditEntry[] }>()
  #size = 0
  #lost = 0

  get size(): number {
    return this.#size
  }
  get lost(): number {
    return this.#lost
  }
  /** Is it time for those who can wait to wait? */
  get full(): boolean {
    return this.#size >= FULL
  }

  /** Answers whether a flush should start now. */
  add(tenant: Tenant | null, entry: AuditEntry): boolean {
    const place = this.#place(tenant)
    if (this.#size >= MOST || (tenant === null && place.entries.length >= MOST_REGISTRY)) {
      this.#lost += 1
      return false
    }
    place.entries.push(entry)
    this.#size += 1
    return place.entries.length % BATCH === 0
  }

  /** All that waits, in batches; the queue is empty then. */
  take(): Batch[] {
    const batches: Batch[] = []
    for (const { tenant, entries } of this.#places.values()) {
      for (let from = 0; from < entries.length; from += BATCH)
        batches.push({ tenant, entries: entries.slice(from, from + BATCH) })
    }
    this.#places.clear()
    this.#size = 0
    return batches
  }

  /** After a failure: keeps the rows when trying again can help and there is room, else counts them as lost. Answers whether they are kept. */
  putBack({ tenant, entries }: Batch, error: unknown): boolean {
    const passing =
      error instanceof DatabaseUnavailable || error instanceof TenantBusy || error instanceof StatementTimeout
    if (!passing || this.#size + entries.length > MOST) {
      this.#lost += entries.length
      return false
    }
    this.#place(tenant).entries.unshift(...entries)
    this.#size += entries.length
    return true
  }

  #place(tenant: Tenant | null): { tenant: Tenant | null; entries: AuditEntry[] } {
    const key = tenant?.schema ?? ''
    const place = this.#places.get(key) ?? { tenant, entries: [] }
    this.#places.set(key, place)
    return place
  }
}
