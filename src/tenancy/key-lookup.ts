import type { Clock } from '#base/clock.ts'
import { Refusal } from '#base/refusal.ts'
import { DatabaseUnavailable, type Database } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import type { ApiKeyLookup, ApiKeyRecord } from '#identity/api-key.ts'
import { createSemaphore } from '#identity/semaphore.ts'
import { RegistryCache, type RegistryWatch } from './registry-cache.ts'

/** Keys read from the registry at once, and how many more wait; beyond that 503. */
const READS = 2
const WAITING = 200

export interface KeyLookupOptions {
  readonly database: Database
  readonly clock: Clock
  readonly watch: RegistryWatch
}

interface Found {
  readonly id: string
  readonly record: ApiKeyRecord | null
}

interface Row extends Omit<ApiKeyRecord, 'expires_at' | 'revoked_at'> {
  readonly expires_at: Date | null
  readonly revoked_at: Date | null
}

/** Cached like the directory: 30 s, dropped within 1 s of a change. Unknown ids are kept apart, so that guessing pushes nobody out. */
export function createKeyLookup({ database, clock, watch }: KeyLookupOptions): ApiKeyLookup {
  const cache = new RegistryCache<Found>({
    watch,
    clock,
    max: 10_000,
    affected: (found, { table, id }) => table === 'api_keys' && (id === null || id === found.id),
    apart: ({ record }) => record === null,
  })

  // Anybody can make up ids: looking them up must leave the database to those who have calls to make.
  const inTurn = createSemaphore(READS, WAITING)

  async function read(id: string): Promise<Found> {
    const [row] = await database.control({ as: 'resolver' }, async (db) => {
      return await db.query<Row>(sql`
        SELECT k.id, t.slug AS tenant, k.name, k.digest, k.scopes, k.cidrs, k.expires_at, k.revoked_at
        FROM api_keys k JOIN tenants t ON t.id = k.tenant_id WHERE k.id = ${id}`)
    })
    if (row === undefined) return { id, record: null }
    return {
      id,
      record: { ...row, expires_at: row.expires_at?.getTime() ?? null, revoked_at: row.revoked_at?.getTime() ?? null },
    }
  }

  return async (id) => {
    try {
      return (await cache.get(id, async () => await inTurn(async () => await read(id)))).record
    } catch (error) {
      if (error instanceof DatabaseUnavailable)
        throw new Refusal('database_unavailable', { cause: error, detail: error.message })
      throw error
    }
  }
}
