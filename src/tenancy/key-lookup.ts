import type { Clock } from '#base/clock.ts'
import type { Database } from '#db/database.ts'
import type { RegistryWatch } from './registry-cache.ts'

/** What the api-key provider needs to judge a key. */
export interface ApiKeyRecord {
  readonly id: string
  /** The tenant's slug. */
  readonly tenant: string
  readonly name: string
  /** SHA-256 of the whole key. */
  readonly digest: Buffer
  readonly scopes: readonly string[]
  readonly cidrs: readonly string[]
  /** Milliseconds since the epoch. */
  readonly expires_at: number | null
  readonly revoked_at: number | null
}

/** null: no such key. Throws Refusal database_unavailable. */
export type ApiKeyLookup = (id: string) => Promise<ApiKeyRecord | null>

/** Cached like the directory: 30 s, dropped within 1 s of a change. */
export function createKeyLookup(_options: {
  readonly database: Database
  readonly clock: Clock
  readonly watch: RegistryWatch
}): ApiKeyLookup {
  throw new Error('unfinished')
}
