import type { Database } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { needOperator } from './ledger.ts'
import { afterOf, rowsToRead, toPage, type Page, type PageOptions } from './paging.ts'
import { RegistryError } from './registry-error.ts'
import type { Actor } from './registry.ts'
import { isSlug } from './slug.ts'
import { rfc3339, rfc3339OrNull } from './tenant-row.ts'

/** A tenant as operators find it, with what says how it is doing. */
export interface TenantSummary {
  readonly id: string
  readonly slug: string
  readonly name: string
  readonly status: 'active' | 'suspended' | 'deleted'
  readonly origin: 'operator' | 'provision' | 'personal' | 'development'
  readonly placement: string
  readonly schema_version: number
  /** Active ones. */
  readonly members: number
  readonly owners: number
  /** Verified ones, in the order of their names; 5 at most. */
  readonly domains: readonly string[]
  /** Neither revoked nor expired. */
  readonly keys: number
  /** The hour in which it was last called (usage), or the last use of a key; null: never, or longer ago than usage is kept. */
  readonly last_used_at: string | null
  readonly operator_access: boolean
  readonly delete_after: string | null
  readonly created_at: string
}

export interface TenantQuery {
  /** Part of slug, name or a domain, whatever its case; '': all. 200 characters at most. */
  readonly text?: string
  /** Absent: all but deleted ones. */
  readonly status?: TenantSummary['status']
  /** Exactly this one, deleted or not. */
  readonly slug?: string
}

interface Row extends Omit<TenantSummary, 'last_used_at' | 'delete_after' | 'created_at'> {
  readonly last_used_at: Date | null
  readonly delete_after: Date | null
  readonly created_at: Date
}

/** The newest first. Operators only. invalid: too long a text, or a cursor that is none of ours. */
export async function searchTenants(
  database: Database,
  now: number,
  actor: Actor,
  query: TenantQuery,
  page: PageOptions = {},
): Promise<Page<TenantSummary>> {
  needOperator(actor)
  const text =
    query.text
      ?.replaceAll(/\p{Cc}/gu, '')
      .trim()
      .toLowerCase() ?? ''
  if (text.length > 200) throw new RegistryError('invalid', 'search for 200 characters at most', 'text')
  const { status = null, slug = null } = query
  if (slug !== null && !isSlug(slug)) return { items: [], next: null }
  const before = afterOf(page)
  const rows = await database.control({ as: 'operator' }, async (db) => {
    // What is told of each is looked up for those of this page only.
    return await db.query<Row>(sql`
      WITH found AS (
        SELECT * FROM tenants t
        WHERE (${before}::uuid IS NULL OR t.id < ${before}) AND (${slug}::text IS NULL OR t.slug = ${slug})
          AND (CASE WHEN ${status}::text IS NOT NULL THEN t.status = ${status} ELSE ${slug}::text IS NOT NULL OR t.status <> 'deleted' END)
          AND (${text} = '' OR position(${text} IN t.slug) > 0 OR position(${text} IN lower(t.name)) > 0
            OR EXISTS (SELECT 1 FROM domains d WHERE d.tenant_id = t.id AND position(${text} IN d.domain) > 0))
        ORDER BY t.id DESC LIMIT ${rowsToRead(page)}
      )
      SELECT f.id, f.slug, f.name, f.status, f.origin, f.placement, f.schema_version, f.operator_access, f.delete_after, f.created_at,
        m.members, m.owners, k.keys, greatest(k.last_used_at, u.last_used_at) AS last_used_at,
        ARRAY(SELECT d.domain FROM domains d WHERE d.tenant_id = f.id AND d.state = 'verified' ORDER BY d.domain LIMIT 5) AS domains
      FROM found f
      CROSS JOIN LATERAL (SELECT count(*)::integer AS members, count(*) FILTER (WHERE role = 'owner')::integer AS owners
        FROM members WHERE tenant_id = f.id AND status = 'active') m
      CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ${new Date(now)}))::integer AS keys,
          max(last_used_at) AS last_used_at FROM api_keys WHERE tenant_id = f.id) k
      CROSS JOIN LATERAL (SELECT max(hour) AS last_used_at FROM usage WHERE tenant_id = f.id) u
      ORDER BY f.id DESC`)
  })
  return toPage(
    rows.map((row) => ({
      ...row,
      last_used_at: rfc3339OrNull(row.last_used_at),
      delete_after: rfc3339OrNull(row.delete_after),
      created_at: rfc3339(row.created_at),
    })),
    page,
  )
}
