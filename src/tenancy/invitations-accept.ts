import { uuidv7 } from '#base/id.ts'
import type { ControlDb } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { userId, type Identity } from '#identity/identity.ts'
import { blockedOf } from './blocked.ts'
import { personDigest } from './digest.ts'
import { emailDomain, parents } from './domain-name.ts'
import { isVerified } from './evidence.ts'
import { invitedAddress } from './invitations-address.ts'
import type { Note } from './ledger.ts'
import { printable, vouchedEmail } from './memberships.ts'
import { RegistryError } from './registry-error.ts'
import type { PersonRole } from './roles.ts'
import { toTenant, type TenantRow } from './tenant-row.ts'
import type { Tenant } from './tenant.ts'

/** What an invitation offers to the person it is for. */
export interface Offer {
  readonly tenant: Tenant
  readonly role: PersonRole
  /** `provider:sub` of who invited; null: an operator. */
  readonly inviter: string | null
  /** Their name, else their address, as members of the tenant see them; null: an operator, or neither is known. */
  readonly inviter_name: string | null
}

interface Offered {
  readonly id: string
  readonly offer: Offer
}

interface Row extends TenantRow {
  readonly email: string
  readonly role: PersonRole
  readonly state: string
  readonly expires_at: Date
  readonly inviter_member_id: string | null
  readonly inviter_provider: string | null
  readonly inviter_iss: string | null
  readonly inviter_sub: string | null
  readonly inviter_role: PersonRole | null
  readonly inviter_name: string | null
  readonly inviter_status: string | null
}

/** One answer for every link that is worth nothing: a thief learns not why. */
const gone = (): RegistryError =>
  new RegistryError(
    'unknown',
    'this invitation was used, revoked or has expired, or is none of ours: ask for a new one',
  )

/**
 * Judges a link and the person who holds it, within a transaction of the resolver that keeps the row to itself. Throws what `accept` says.
 * @param link null as id: the link did not open.
 */
export async function readInvitation(
  db: ControlDb,
  identity: Identity,
  link: { readonly id: string | null; readonly digest: Buffer },
  now: number,
): Promise<Offered> {
  if (identity.key !== null) throw new RegistryError('forbidden', 'a key cannot accept an invitation')
  if ((await blockedOf(db, null, personDigest(identity.iss, identity.sub))) !== null)
    throw new RegistryError('forbidden', 'this person is blocked')
  const [row] = await db.query<Row>(sql`
    SELECT i.email, i.role, i.state, i.expires_at, i.inviter_member_id, m.provider AS inviter_provider, m.iss AS inviter_iss,
      m.sub AS inviter_sub, m.role AS inviter_role, m.status AS inviter_status, coalesce(m.name, m.email) AS inviter_name,
      t.id AS tenant_id, t.slug, t.name AS tenant_name, t.schema, t.status AS tenant_status, t.placement, t.schema_version,
      t.mcp_admin, t.delete_after, t.plan, plan_limits(t.plan) AS limits, t.tools_off
    FROM invitations i JOIN tenants t ON t.id = i.tenant_id LEFT JOIN members m ON m.id = i.inviter_member_id
    WHERE i.id = ${link.id}::uuid AND i.digest = ${link.digest} FOR UPDATE OF i`)
  const tenant = row === undefined ? null : toTenant(row)
  if (link.id === null || row === undefined || tenant === null || tenant.status !== 'active') throw gone()
  if (row.state !== 'pending' || row.expires_at.getTime() <= now || !(await standsFor(db, row))) throw gone()
  await assertAddress(db, identity, row.email)
  const inviter = row.inviter_sub === null ? null : `${row.inviter_provider}:${row.inviter_sub}`
  return { id: link.id, offer: { tenant, role: row.role, inviter, inviter_name: row.inviter_name } }
}

/** An invitation is worth what who made it may do now: an admin who was removed has left nothing behind. */
async function standsFor(db: ControlDb, row: Row): Promise<boolean> {
  if (row.inviter_member_id === null) return true
  if (row.inviter_status !== 'active') return false
  if (row.inviter_role !== 'owner' && (row.inviter_role !== 'admin' || row.role === 'owner')) return false
  return (await blockedOf(db, null, personDigest(row.inviter_iss ?? '', row.inviter_sub ?? ''))) === null
}

/** The invited address, verified, by a provider that may assert it: where the domain is somebody's here, one of those its row lists (D6). */
async function assertAddress(db: ControlDb, identity: Identity, invited: string): Promise<void> {
  const address = identity.email === null ? null : invitedAddress(identity.email)
  if (address === null || !isVerified(identity) || identity.email_authority === 'none')
    throw new RegistryError('forbidden', `${identity.provider} vouches for no verified address of yours`)
  if (address !== invited)
    throw new RegistryError('forbidden', 'this invitation is for another address: sign in with the one it was sent to')
  const domain = emailDomain(address) ?? ''
  const [rule] = await db.query<{ asserted_by: string[] }>(sql`
    SELECT asserted_by FROM domains
    WHERE state = 'verified' AND (domain = ${domain} OR (include_subdomains AND domain = ANY(${[...parents(domain)]}::text[])))
    ORDER BY length(domain) DESC LIMIT 1`)
  if (rule !== undefined && !rule.asserted_by.includes(identity.provider))
    throw new RegistryError('forbidden', `${identity.provider} may not assert addresses of ${domain} (D6)`)
}

/** Makes the member and uses the link up. exists: they are one already; the invitation stays open then. */
export async function acceptInvitation(
  db: ControlDb,
  identity: Identity,
  { id, offer: { tenant, role } }: Offered,
  now: number,
): Promise<Note> {
  const { iss, sub, provider } = identity
  const at = new Date(now)
  const email = printable(vouchedEmail(identity), 320)
  const name = printable(identity.name, 256)
  const [made] = await db.query<{ id: string }>(sql`
    INSERT INTO members (id, tenant_id, iss, sub, provider, email, name, role, source, home, created_at)
    SELECT ${uuidv7(now)}, ${tenant.id}, ${iss}, ${sub}, ${provider}, ${email}, ${name}, ${role}, 'invitation',
      NOT EXISTS (SELECT 1 FROM members WHERE iss = ${iss} AND sub = ${sub} AND (home OR status = 'active')), ${at}
    ON CONFLICT (tenant_id, iss, sub) DO NOTHING RETURNING id`)
  // Who asked to join, was declined or removed is let in by the same row; home is theirs to choose then (D9).
  const [back] =
    made !== undefined
      ? [made]
      : await db.query<{ id: string }>(sql`
        UPDATE members SET status = 'active', role = ${role}, source = 'invitation', evidence = NULL, removed_at = NULL,
          declined_until = NULL, email = coalesce(${email}, email), name = coalesce(${name}, name)
        WHERE tenant_id = ${tenant.id} AND iss = ${iss} AND sub = ${sub} AND status <> 'active' RETURNING id`)
  if (back === undefined) throw new RegistryError('exists', `${userId(identity)} is a member of ${tenant.slug} already`)
  const used = await db.query(sql`
    UPDATE invitations SET state = 'accepted', accepted_at = ${at}, accepted_member_id = ${back.id}
    WHERE id = ${id} AND state = 'pending' RETURNING id`)
  if (used.length === 0) throw gone()
  return {
    action: 'invitation.accepted',
    target: id,
    tenant: tenant.id,
    detail: { user_id: userId(identity), member: back.id, role },
    changes: [
      { table: 'members', tenant: tenant.id, id: back.id },
      { table: 'invitations', tenant: tenant.id, id },
    ],
  }
}
