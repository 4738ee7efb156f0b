import type { ControlDb } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { hasScope } from './ledger.ts'
import { RegistryError } from './registry-error.ts'
import type { KeyRow } from './key-record.ts'
import type { Actor } from './registry.ts'
import { lesser, type PersonRole } from './roles.ts'
import type { Tenant } from './tenant.ts'

/** Whose key it is and how far it can ever reach. */
export interface KeyLimits {
  readonly role: Exclude<PersonRole, 'owner'>
  /** null: an operator's. */
  readonly creator_member_id: string | null
}

/** A key cannot make keys, nor change one: it would outlive what it was given for, or leave the addresses it was given to. */
export function needNoKey(actor: Actor): void {
  if (actor.kind === 'person' && actor.principal.identity.key !== null)
    throw new RegistryError('forbidden', 'a key cannot make, change or adopt keys: sign in as a person')
}

/** Every member manages their own keys, an admin all of the tenant (D12). */
export function mayManageKey(
  actor: Actor,
  { creator_iss, creator_sub }: { readonly creator_iss: string | null; readonly creator_sub: string | null },
): boolean {
  if (actor.kind === 'operator' || hasScope(actor, 'tenant:admin')) return true
  const { iss, sub, key } = actor.principal.identity
  return key === null && creator_iss === iss && creator_sub === sub
}

/** @param role for an operator's key. forbidden: no member, or a key. */
export async function keyLimitsOf(
  db: ControlDb,
  tenant: Tenant,
  actor: Actor,
  role: KeyLimits['role'],
): Promise<KeyLimits> {
  if (actor.kind === 'operator') return { role, creator_member_id: null }
  needNoKey(actor)
  const { identity } = actor.principal
  const [member] = await db.query<{ id: string; role: PersonRole }>(sql`
    SELECT id, role FROM members WHERE tenant_id = ${tenant.id} AND iss = ${identity.iss} AND sub = ${identity.sub} AND status = 'active'`)
  if (member === undefined) throw new RegistryError('forbidden', `only members of ${tenant.slug} have keys`)
  // No key holds owner changes (D23).
  return { role: member.role === 'owner' ? 'admin' : member.role, creator_member_id: member.id }
}

/**
 * Of the key that takes the place of another. Whoever rotates is shown the secret: a person's key that they kept in someone else's name, or
 * in nobody's, would work on when they are removed (D23). It reaches no further than the old one did at that moment. An operator's rotation
 * leaves it as it is. conflict: who made it is gone, and only an owner brings it back.
 */
export async function rotatedLimitsOf(db: ControlDb, tenant: Tenant, actor: Actor, row: KeyRow): Promise<KeyLimits> {
  if (actor.kind === 'operator') return row
  if (row.creator_member_id !== null && row.creator_status !== 'active')
    throw new RegistryError('conflict', `who made the key ${row.id} is gone: an owner has to take it over first`)
  const { iss, sub } = actor.principal.identity
  if (row.creator_iss === iss && row.creator_sub === sub) return row
  const limits = await keyLimitsOf(db, tenant, actor, row.role)
  const role = lesser(lesser(row.role, row.creator_role ?? row.role), limits.role)
  return { ...limits, role: role === 'owner' ? 'admin' : role }
}
