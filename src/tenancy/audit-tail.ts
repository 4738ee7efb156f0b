import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '#base/clock.ts'
import { firstIdOf } from '#base/id.ts'
import { DatabaseUnavailable, type Database, type Queryable } from '#db/database.ts'
import { sqlState } from '#db/errors.ts'
import type { AuditRow } from './audit.ts'
import { auditAfter } from './audit-read.ts'
import { needOperator } from './ledger.ts'
import type { Actor } from './registry.ts'
import type { Tenant } from './tenant.ts'

/** Of a tenant what leads to its audit. */
export type TailedTenant = Pick<Tenant, 'id' | 'slug' | 'schema' | 'placement' | 'schemaVersion'>

export interface TailOptions {
  readonly database: Database
  readonly clock: Clock
  readonly actor: Actor
  /** Whose own audits are followed beside the registry's; asked at each look, so that new tenants are seen. */
  readonly tenants: () => Promise<readonly TailedTenant[]>
  /** Of the registry's audit only what concerns this tenant; null: all. */
  readonly only: string | null
  /** Milliseconds since the epoch. */
  readonly since: number
  /** Ends it. */
  readonly signal: AbortSignal
  /** Told when the database cannot be reached, once until it can again. */
  readonly onAway: () => void
  /** Milliseconds between two looks; default 1 s. */
  readonly every?: number
}

/** Where a row stood: null is the registry. */
export interface TailedRow extends AuditRow {
  readonly tenant: TailedTenant | null
}

/** Rows of one look at one place. */
const BATCH = 500
/**
 * A row gets its id before its transaction is committed, on a replica with a clock of its own: so many milliseconds are looked at again,
 * and what was seen is told once. A row that comes later than that is missed; `audit list` has it.
 */
const OVERLAP = 30_000

/**
 * New rows of audits as they are committed, the oldest first of each look. Goes on through a restart of the database. A tenant that cannot
 * be read (suspended, being moved) is left out until it can. forbidden: not an operator.
 */
export async function* tailAudit(options: TailOptions): AsyncGenerator<TailedRow> {
  const { database, clock, actor, only, since, signal, onAway, every = 1_000 } = options
  needOperator(actor)
  const places = new Map<string, Place>()
  const placeOf = (key: string): Place => {
    const place = places.get(key) ?? new Place(since)
    places.set(key, place)
    return place
  }
  let away = false

  async function look(): Promise<TailedRow[]> {
    const found: TailedRow[] = []
    const registry = await database.control(
      { as: 'operator', access: 'read' },
      async (db) => await placeOf('').read(db),
    )
    for (const row of registry) if (only === null || row.tenant_id === only) found.push({ ...row, tenant: null })
    for (const tenant of await options.tenants()) {
      const rows = await database
        .tenant(tenant, { access: 'read' }, async (db) => await placeOf(tenant.id).read(db))
        .catch((error: unknown) => {
          if (isAway(error)) throw error
          return []
        })
      for (const row of rows) found.push({ ...row, tenant })
    }
    return found.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  }

  while (!signal.aborted) {
    try {
      yield* await look()
      away = false
      for (const place of places.values()) place.settle(clock.now())
    } catch (error) {
      if (!isAway(error)) throw error
      if (!away) onAway()
      away = true
      // What was read in a look that broke off was not told: it is read again.
      for (const place of places.values()) place.undo()
    }
    await sleep(every, undefined, { signal }).catch(() => {})
  }
}

/** Beside what says so itself: connections, resources, a server that accepts none at present, an operator who ends sessions. */
const isAway = (error: unknown): boolean =>
  error instanceof DatabaseUnavailable || /^(?:08|53|55|57)/.test(sqlState(error) ?? '')

/** How far one audit was read. */
class Place {
  #from: string
  #told = new Set<string>()
  #fresh = new Set<string>()
  #looked = false

  constructor(since: number) {
    this.#from = firstIdOf(since)
  }

  async read(db: Queryable): Promise<AuditRow[]> {
    const rows: AuditRow[] = []
    for (let after = this.#from; ;) {
      const batch = await auditAfter(db, after, BATCH)
      rows.push(...batch.filter(({ id }) => !this.#told.has(id)))
      if (batch.length < BATCH) break
      after = batch.at(-1)?.id ?? after
    }
    for (const { id } of rows) this.#fresh.add(id)
    this.#looked = true
    return rows
  }

  /** What was read was told; what is older than the overlap is not looked at again. What could not be read goes on from where it stood. */
  settle(now: number): void {
    if (!this.#looked) return
    this.#looked = false
    for (const id of this.#fresh) this.#told.add(id)
    this.#fresh.clear()
    const bound = firstIdOf(now - OVERLAP)
    if (bound > this.#from) this.#from = bound
    for (const id of this.#told) if (id < this.#from) this.#told.delete(id)
  }

  undo(): void {
    this.#looked = false
    this.#fresh.clear()
  }
}
