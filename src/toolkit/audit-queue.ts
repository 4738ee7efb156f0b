import { DatabaseUnavailable, StatementTimeout, TenantBusy } from '#db/database.ts'
import type { AuditEntry } from '#tenancy/audit.ts'
import type { Tenant } from '#tenancy/tenant.ts'

/** Rows of one INSERT, and how many of one place cause a flush before its time (D35). */
const BATCH = 500
/**
 * Rows held while the database is away: some minutes of a busy server, some 20 MB. Rows without a tenant have a bound of their own,
 * so that whoever knocks without a token cannot push out the tenants' rows.
 */
const MOST = { tenants: 16_000, registry: 4_000 } as const
/** Rows waiting at which a call waits for the flush before it adds its own. */
const FULL = 10_000

/** Rows that go to one place: a tenant's schema, or (null) the registry. */
export interface Batch {
  readonly tenant: Tenant | null
  readonly entries: readonly AuditEntry[]
}

type Lane = keyof typeof MOST

const laneOf = (tenant: Tenant | null): Lane => (tenant === null ? 'registry' : 'tenants')

/** Audit rows until they are written: never more than a bound, and what falls over it is counted. */
export class AuditQueue {
  readonly #waiting = new Map<string, { tenant: Tenant | null; entries: AuditEntry[] }>()
  /** Waiting or being written. */
  readonly #held = { tenants: 0, registry: 0 }
  #lost = 0

  get size(): number {
    return this.#held.tenants + this.#held.registry
  }
  get lost(): number {
    return this.#lost
  }
  /** Is it time for those who can wait to wait? */
  get full(): boolean {
    return this.#held.tenants >= FULL
  }

  /** Answers whether a flush should start now. */
  add(tenant: Tenant | null, entry: AuditEntry): boolean {
    const lane = laneOf(tenant)
    if (this.#held[lane] >= MOST[lane]) {
      this.#lost += 1
      return false
    }
    this.#held[lane] += 1
    const { entries } = this.#place(tenant)
    entries.push(entry)
    return entries.length % BATCH === 0
  }

  /** All that waits, in batches; each is to be told as written or failed. */
  take(): Batch[] {
    const batches: Batch[] = []
    for (const { tenant, entries } of this.#waiting.values()) {
      for (let from = 0; from < entries.length; from += BATCH) {
        batches.push({ tenant, entries: entries.slice(from, from + BATCH) })
      }
    }
    this.#waiting.clear()
    return batches
  }

  written({ tenant, entries }: Batch): void {
    this.#held[laneOf(tenant)] -= entries.length
  }

  /** Keeps the rows when trying again can help, else counts them as lost. Answers whether they are kept. */
  failed(batch: Batch, error: unknown): boolean {
    const passing = [DatabaseUnavailable, TenantBusy, StatementTimeout].some((kind) => error instanceof kind)
    if (passing) this.#place(batch.tenant).entries.unshift(...batch.entries)
    else {
      this.written(batch)
      this.#lost += batch.entries.length
    }
    return passing
  }

  #place(tenant: Tenant | null): { tenant: Tenant | null; entries: AuditEntry[] } {
    const key = tenant?.schema ?? ''
    const place = this.#waiting.get(key) ?? { tenant, entries: [] }
    this.#waiting.set(key, place)
    return place
  }
}
