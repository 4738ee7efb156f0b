import type { ControlDb } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { isOwnerless } from './claims-settle.ts'
import type { Actor } from './registry.ts'
import type { Tenant } from './tenant.ts'

/**
 * D10: the row of the member who may become owner by proving a domain: an active one of a tenant without an owner, who asks for themself,
 * with a token that nothing narrows. null: they may not.
 */
export async function heirOf(db: ControlDb, tenant: Tenant, actor: Actor): Promise<string | null> {
  if (actor.kind === 'operator') return null
  const { identity, scopes, role_scopes: whole } = actor.principal
  const { iss, sub, key } = identity
  const narrowed = [...whole].some((scope) => !scopes.has(scope))
  if (key !== null || narrowed || !(await isOwnerless(db, tenant.id))) return null
  const [row] = await db.query<{ id: string }>(sql`
    SELECT id FROM members WHERE tenant_id = ${tenant.id} AND iss = ${iss} AND sub = ${sub} AND status = 'active'`)
  return row?.id ?? null
}
