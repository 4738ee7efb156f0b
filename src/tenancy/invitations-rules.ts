import type { ControlDb } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { invitedAddress } from './invitations-address.ts'
import { needScope } from './ledger.ts'
import { RegistryError } from './registry-error.ts'
import type { Actor } from './registry.ts'
import { isRole } from './roles.ts'
import type { Tenant } from './tenant.ts'

const DAY = 86_400_000
/** Milliseconds that a link works when nobody says for how long, and at most. */
export const LIFE = 7 * DAY
export const LONGEST = 30 * DAY
const SHORTEST = 60_000
/** Of one tenant: that can be accepted at the same time, and that are made in a day. */
const MOST_OPEN = 1_000
const MOST_A_DAY = 2_000

/** Not above one's own: who may not change owners cannot make one. */
export function needInviter(actor: Actor, role: string): void {
  needScope(actor, 'tenant:admin')
  if (!isRole(role))
    throw new RegistryError('invalid', `${JSON.stringify(role)} is no role: viewer, member, admin, owner`, 'role')
  if (role === 'owner') needScope(actor, 'tenant:owner')
  if (actor.kind === 'person' && actor.principal.identity.key !== null)
    throw new RegistryError('forbidden', 'a key cannot invite: an invitation lasts no longer than who made it')
}

/** The member who invites; null: an operator. forbidden: someone who is a member no more. */
export async function memberOf(db: ControlDb, tenant: Tenant, actor: Actor): Promise<string | null> {
  if (actor.kind === 'operator') return null
  const { iss, sub } = actor.principal.identity
  const [row] = await db.query<{ id: string }>(sql`
    SELECT id FROM members WHERE tenant_id = ${tenant.id} AND iss = ${iss} AND sub = ${sub} AND status = 'active'`)
  if (row === undefined) throw new RegistryError('forbidden', `only members of ${tenant.slug} can invite to it`)
  return row.id
}

/** When a link of this life ends. invalid: none that is allowed. Milliseconds. */
export function endOf(now: number, life: number): Date {
  if (!(life >= SHORTEST && life <= LONGEST))
    throw new RegistryError('invalid', 'an invitation lives 1 minute to 30 days', 'life')
  return new Date(now + life)
}

/** Who is removed comes back by an invitation made after that, and by none that waited for their address. Answers the ids of those. */
export async function endInvitationsOf(
  db: ControlDb,
  tenant: Tenant,
  email: string | null,
): Promise<readonly string[]> {
  const address = email === null ? null : invitedAddress(email)
  const ended = await db.query<{ id: string }>(sql`
    UPDATE invitations SET state = 'revoked' WHERE tenant_id = ${tenant.id} AND email = ${address} AND state = 'pending' RETURNING id`)
  return ended.map(({ id }) => id)
}

/**
 * May this tenant have one invitation more? Rows are kept for ever. conflict: too many are open; limited: too many were made. Two at once
 * may both be let through.
 */
export async function needInvitationAllowance(db: ControlDb, { id, slug }: Tenant, now: Date): Promise<void> {
  const [row] = await db.query<{ open: number; made: number }>(sql`
    SELECT count(*) FILTER (WHERE state = 'pending' AND expires_at > ${now})::integer AS open,
      count(*) FILTER (WHERE created_at > ${new Date(now.getTime() - DAY)})::integer AS made FROM invitations WHERE tenant_id = ${id}`)
  if ((row?.open ?? 0) >= MOST_OPEN)
    throw new RegistryError('conflict', `${slug} has ${MOST_OPEN} open invitations: revoke some first`)
  if ((row?.made ?? 0) >= MOST_A_DAY)
    throw new RegistryError(
      'limited',
      `${slug} invited ${MOST_A_DAY} times in 24 hours: invite again tomorrow`,
      null,
      3600,
    )
}
