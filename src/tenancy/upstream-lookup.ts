import type { Clock } from '#base/clock.ts'
import type { Log } from '#base/log.ts'
import type { TenantUpstream } from '#base/upstream.ts'
import type { Database } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { RegistryCache, type RegistryWatch } from './registry-cache.ts'
import { createUpstreamSeal } from './upstream-seal.ts'

/** What a tenant (by id) has of its own for an upstream; null: nothing. Throws DatabaseUnavailable. */
export type UpstreamLookup = (tenant: string, name: string) => Promise<TenantUpstream | null>

export interface UpstreamLookupOptions {
  readonly database: Database
  readonly clock: Clock
  readonly log: Pick<Log, 'warn'>
  readonly watch: RegistryWatch
  /** SESSION_SECRET: the first seals, all open. */
  readonly secrets: readonly string[]
}

interface Found {
  readonly tenant: string
  readonly name: string
  readonly own: TenantUpstream | null
}

interface Row {
  readonly url: string | null
  readonly sealed: string
  readonly version: string
}

/**
 * Cached like the directory: 30 s, dropped within 1 s of a change. What was sealed by an older secret is sealed anew on the way. What does not
 * open has no fields, so that it is refused and never replaced by what is shared.
 */
export function createUpstreamLookup({ database, clock, log, watch, secrets }: UpstreamLookupOptions): UpstreamLookup {
  const seal = createUpstreamSeal({ secrets, clock })
  const cache = new RegistryCache<Found>({
    watch,
    clock,
    max: 20_000,
    affected: (found, { table, tenant }) => table === 'upstreams' && (tenant === null || tenant === found.tenant),
    apart: ({ own }) => own === null,
  })

  async function read(tenant: string, name: string): Promise<Found> {
    const [row] = await database.control({ as: 'desk', tenant, access: 'read' }, async (db) => {
      return await db.query<Row>(
        sql`SELECT url, sealed, version FROM upstreams WHERE tenant_id = ${tenant} AND name = ${name}`,
      )
    })
    if (row === undefined) return { tenant, name, own: null }
    const { url, version, sealed } = row
    const place = { tenant, name, url }
    const opened = seal.open(place, sealed)
    if (opened === null)
      log.warn(
        { tenant, upstream: name },
        'credentials of a tenant were sealed by another SESSION_SECRET: set them again',
      )
    else if (!opened.current) await renew(tenant, name, sealed, seal.seal(place, opened.fields))
    return { tenant, name, own: { url, fields: opened?.fields ?? {}, version } }
  }

  /** Nothing else of the row changes, so nobody is told. A failure costs nothing: the next reading does it. */
  async function renew(tenant: string, name: string, old: string, sealed: string): Promise<void> {
    try {
      await database.control({ as: 'desk', tenant }, async (db) => {
        await db.query(
          sql`UPDATE upstreams SET sealed = ${sealed} WHERE tenant_id = ${tenant} AND name = ${name} AND sealed = ${old}`,
        )
      })
    } catch (error) {
      log.warn({ err: error, tenant, upstream: name }, 'credentials of a tenant could not be sealed anew')
    }
  }

  return async (tenant, name) => (await cache.get(`${tenant} ${name}`, async () => await read(tenant, name))).own
}
