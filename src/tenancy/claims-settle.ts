import type { Clock } from '#base/clock.ts'
import type { ControlActor, ControlDb } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { domainRows, type DomainRow } from './claims-row.ts'
import { advance, type ClaimState } from './claims-state.ts'
import type { Finding } from './domain-check.ts'
import { isUniqueViolation, type Author, type Ledger, type Note } from './ledger.ts'

/** What was looked at: the claim of that time. */
export type Claimed = Pick<DomainRow, 'id' | 'tenant_id' | 'token'>

/**
 * Writes what follows from a check: the row, its audit, and the owner by proof (D10). Nothing when the domain was removed or claimed anew
 * meanwhile. Of two tenants that prove a domain the unique index lets one have it; the other's claim is contested.
 */
export async function settle(
  { ledger, clock }: { readonly ledger: Ledger; readonly clock: Clock },
  as: ControlActor,
  author: Author,
  claimed: Claimed,
  finding: Finding | null,
  { background }: { readonly background: boolean },
): Promise<void> {
  const write = async (contested: boolean): Promise<void> => {
    await ledger.write(as, claimed.tenant_id, author, async (db) => {
      const rows = await domainRows(db, claimed.tenant_id, { lock: true })
      const row = rows.find(({ id, token }) => id === claimed.id && token === claimed.token)
      if (row === undefined) return [undefined, null]
      const { state, action, crowned } = advance(row, finding, { now: clock.now(), background, contested })
      await writeState(db, row.id, state)
      if (background && finding !== null)
        await db.query(sql`UPDATE domains SET checked_at = ${new Date(clock.now())} WHERE id = ${row.id}`)
      const owner = crowned === null ? null : await crown(db, row, crowned)
      const note = action === null ? [] : [noteOf(row, action, state)]
      return [undefined, [...note, ...(owner === null ? [] : [owner])]]
    })
  }
  try {
    await write(false)
  } catch (error) {
    if (!isUniqueViolation(error)) throw error
    await write(true)
  }
}

export async function writeState(db: ControlDb, id: string, state: ClaimState): Promise<void> {
  await db.query(sql`
    UPDATE domains SET state = ${state.state}, token = ${state.token}, verified_by = ${state.verified_by}, verified_at = ${state.verified_at},
      owner_candidate = ${state.owner_candidate}, next_check = ${state.next_check}, failures = ${state.failures},
      failing_since = ${state.failing_since}, awaiting_since = ${state.awaiting_since}, lapsed_at = ${state.lapsed_at}, problem = ${state.problem}
    WHERE id = ${id}`)
}

const noteOf = (row: DomainRow, action: string, { state, problem }: ClaimState): Note => ({
  action,
  target: row.domain,
  detail: { domain: row.domain, from: row.state, state, problem },
  changes: [{ table: 'domains', tenant: row.tenant_id, id: row.id }],
})

/** D10: whoever proved the domain of a tenant without an owner. The tenant's domain rows are locked, so two proofs make one owner. */
async function crown(db: ControlDb, { tenant_id, domain }: DomainRow, member: string): Promise<Note | null> {
  const [before] = await db.query<{ role: string }>(sql`
    SELECT role FROM members WHERE id = ${member} AND tenant_id = ${tenant_id} AND status = 'active' FOR UPDATE`)
  if (before === undefined || !(await isOwnerless(db, tenant_id))) return null
  await db.query(sql`UPDATE members SET role = 'owner' WHERE id = ${member}`)
  return {
    action: 'member.role_changed',
    target: member,
    detail: { from: before.role, to: 'owner', by_proof_of: domain },
    changes: [{ table: 'members', tenant: tenant_id, id: member }],
  }
}

/** Has the tenant no active owner? */
export async function isOwnerless(db: ControlDb, tenantId: string): Promise<boolean> {
  const owners = await db.query(
    sql`SELECT 1 FROM members WHERE tenant_id = ${tenantId} AND role = 'owner' AND status = 'active' LIMIT 1`,
  )
  return owners.length === 0
}
