import type { Database } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { needOperator } from './ledger.ts'
import type { Actor } from './registry.ts'
import { rfc3339 } from './tenant-row.ts'

/** A proved domain that waits for an operator's word. For operators only: it says who has the domain now. */
export interface WaitingRecord {
  readonly id: string
  readonly slug: string
  readonly domain: string
  /** `contested`: another tenant has it; `approval`: its proof lapsed once (D8). */
  readonly why: 'contested' | 'approval'
  /** The slug of the tenant that has it now; null: none. */
  readonly held_by: string | null
  readonly awaiting_since: string
}

/** What waits in all tenants, the longest waiting first; complete. forbidden: no operator. */
export async function waitingClaims(database: Database, actor: Actor): Promise<readonly WaitingRecord[]> {
  needOperator(actor)
  const rows = await database.control({ as: 'operator' }, async (db) => {
    return await db.query<Omit<WaitingRecord, 'awaiting_since'> & { readonly awaiting_since: Date }>(sql`
      SELECT d.id, t.slug, d.domain, CASE WHEN d.problem = 'contested' THEN 'contested' ELSE 'approval' END AS why,
        h.slug AS held_by, d.awaiting_since
      FROM domains d JOIN tenants t ON t.id = d.tenant_id
        LEFT JOIN domains o ON o.domain = d.domain AND o.state = 'verified' AND o.id <> d.id LEFT JOIN tenants h ON h.id = o.tenant_id
      WHERE d.awaiting_since IS NOT NULL ORDER BY d.awaiting_since, d.id`)
  })
  return rows.map((row) => ({ ...row, awaiting_since: rfc3339(row.awaiting_since) }))
}
