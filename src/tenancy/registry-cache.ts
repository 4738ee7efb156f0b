import type { Change, Database } from '#db/database.ts'

/** What is known of changes to the registry, for all caches over it. Made once per process. */
export interface RegistryWatch {
  /** Counts changes and gaps: what was loaded under an earlier number is not stored (D21). */
  readonly generation: number
  /** Milliseconds an entry may live: 30 000, or 5 000 while changes are not known to arrive. */
  readonly ttl: number
  /** `drop(null)`: everything may have changed. */
  subscribe(drop: (change: Change | null) => void): void
}

/** Listens to the database. Throws DatabaseUnavailable when it never answered. */
export async function watchRegistry(_database: Database): Promise<RegistryWatch> {
  throw new Error('unfinished')
}
