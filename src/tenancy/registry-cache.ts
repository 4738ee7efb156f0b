import { SingleFlight, TtlCache } from '#base/cache.ts'
import type { Clock } from '#base/clock.ts'
import type { Change, Database } from '#db/database.ts'

/** The longest anything from the registry is believed, whatever happens (D21). */
const TTL = 30_000
/** The same while changes are not known to arrive. */
const TTL_DEAF = 5_000

/** What is known of changes to the registry, for all caches over it. Made once per process. */
export interface RegistryWatch {
  /** Counts changes and gaps: what was loaded under an earlier number is not stored (D21). */
  readonly generation: number
  /** Milliseconds an entry may live: 30 000, or 5 000 while changes are not known to arrive. */
  readonly ttl: number
  /** Are changes known to arrive? */
  readonly live: boolean
  /** `drop(null)`: everything may have changed. */
  subscribe(drop: (change: Change | null) => void): void
  /** Drops in this process what concerns the change, or everything. */
  invalidate(change: Change | null): void
}

/** Listens to the database. Throws DatabaseUnavailable when it never answered. */
export async function watchRegistry(database: Pick<Database, 'listen'>): Promise<RegistryWatch> {
  const drops: ((change: Change | null) => void)[] = []
  let generation = 0
  const invalidate = (change: Change | null): void => {
    generation += 1
    for (const drop of drops) drop(change)
  }
  const listener = await database.listen(invalidate, () => invalidate(null))
  return {
    get generation() {
      return generation
    },
    get ttl() {
      return listener.live ? TTL : TTL_DEAF
    },
    get live() {
      return listener.live
    },
    subscribe: (drop) => void drops.push(drop),
    invalidate,
  }
}

export interface RegistryCacheOptions<Value> {
  readonly watch: RegistryWatch
  readonly clock: Clock
  readonly max: number
  /** Could the change make this value wrong? When in doubt, yes. */
  readonly affected: (value: Value, change: Change) => boolean
  /** Values kept apart, so that a flood of them cannot push the others out: refusals. */
  readonly apart: (value: Value) => boolean
}

/**
 * Values read from the registry. One load at a time per key; a value is stored only if nothing changed since its load began,
 * and who asks after a change never gets what was being loaded before it (D21). An error is never stored.
 */
export class RegistryCache<Value extends object> {
  readonly #options: RegistryCacheOptions<Value>
  readonly #values: TtlCache<Value>
  readonly #apart: TtlCache<Value>
  readonly #flights = new SingleFlight<Value>()

  constructor(options: RegistryCacheOptions<Value>) {
    const { watch, clock, max, affected } = options
    this.#options = options
    this.#values = new TtlCache({ max, clock })
    this.#apart = new TtlCache({ max, clock })
    watch.subscribe((change) => {
      for (const held of [this.#values, this.#apart]) {
        if (change === null) held.clear()
        else held.deleteWhere((value) => affected(value, change))
      }
    })
  }

  async get(key: string, load: () => Promise<Value>): Promise<Value> {
    const held = this.#values.get(key) ?? this.#apart.get(key)
    if (held !== undefined) return held
    const { watch, apart } = this.#options
    const generation = watch.generation
    return await this.#flights.run(`${generation} ${key}`, async () => {
      const value = await load()
      if (watch.generation === generation) (apart(value) ? this.#apart : this.#values).set(key, value, watch.ttl)
      return value
    })
  }
}
