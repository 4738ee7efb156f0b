import { createHash } from 'node:crypto'
import { isUuid, uuidv7 } from '#base/id.ts'
import type { ControlDb } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import type { Identity } from '#identity/identity.ts'
import { acceptInvitation, readInvitation, type Offer } from './invitations-accept.ts'
import { invitedAddress } from './invitations-address.ts'
import { invitationLink } from './invitations-link.ts'
import { endOf, LIFE, LONGEST, memberOf, needInvitationAllowance, needInviter } from './invitations-rules.ts'
import { createInvitationSeal } from './invitations-seal.ts'
import { authorOf, createLedger, isUniqueViolation, needScope, roleFor, type Author, type Note } from './ledger.ts'
import { afterOf, rowsToRead, toPage, type Page, type PageOptions } from './paging.ts'
import type { Precondition } from './precondition.ts'
import { RegistryError } from './registry-error.ts'
import type { Actor, RegistryOptions } from './registry.ts'
import type { PersonRole } from './roles.ts'
import { rfc3339, rfc3339OrNull } from './tenant-row.ts'
import type { Tenant } from './tenant.ts'

export interface InvitationRecord {
  readonly id: string
  readonly slug: string
  readonly email: string
  readonly role: PersonRole
  /** `revoked` also when whoever invited could not do it any more. */
  readonly state: 'pending' | 'accepted' | 'revoked' | 'expired'
  /** `provider:sub` of the member who invited; null: an operator. */
  readonly inviter: string | null
  /** Their name, else their address; null: an operator, or neither is known. */
  readonly inviter_name: string | null
  readonly created_at: string
  readonly expires_at: string
  readonly accepted_at: string | null
}

/** `token` and `link` are shown this once. */
export interface NewInvitation extends InvitationRecord {
  /** At most 300 characters, safe in a URL's fragment or a form. */
  readonly token: string
  /** Where the person accepts. The token stands behind the `#`, which browsers send to nobody, so that no log holds it. */
  readonly link: string
}

/** Which invitations; everything absent matches. */
interface InvitationFilter extends PageOptions {
  readonly state?: InvitationRecord['state']
  /** The latest first, and `after` goes back in time; default: in the order in which they were made. */
  readonly newest?: boolean
}

interface InvitationInput {
  readonly email: string
  readonly role: PersonRole
  /** Milliseconds, 1 minute to 30 days; default 7 days. */
  readonly life?: number
}

/** Invitations to an address (D9): a one-time link, the authoritative verified email, and the person's own acceptance. */
export interface Invitations {
  /**
   * Operators and people with `tenant:admin` (an owner's role needs `tenant:owner`); keys cannot. Sends nothing: whoever invites hands the
   * link over. invalid: no plain address, no role, no such life; exists: an open invitation of that address.
   */
  invite(tenant: Tenant, actor: Actor, input: InvitationInput): Promise<NewInvitation>
  list(tenant: Tenant, actor: Actor, filter?: InvitationFilter): Promise<Page<InvitationRecord>>
  /** How many can be accepted at present. */
  open(tenant: Tenant, actor: Actor): Promise<number>
  /** @param reference the row's id, or the address of the open one, else of the last one. */
  show(tenant: Tenant, actor: Actor, reference: string): Promise<InvitationRecord>
  /** @param reference as above. conflict: accepted or revoked already. */
  revoke(
    tenant: Tenant,
    actor: Actor,
    reference: string,
    precondition?: Precondition<InvitationRecord>,
  ): Promise<InvitationRecord>
  /** A new link for an open or expired one, with a life of its own; the old link ends, and who sends it again is who invites. */
  resend(
    tenant: Tenant,
    actor: Actor,
    reference: string,
    options?: Pick<InvitationInput, 'life'>,
  ): Promise<NewInvitation>
  /** What this person is offered, so that they can be asked; changes nothing. Throws what `accept` throws. */
  read(identity: Identity, token: string): Promise<Offer>
  /**
   * The person's own act: makes them a member who stands by themself. unknown: no link of this deployment, or used, revoked, expired, its
   * inviter gone, the tenant not active; forbidden: another address, unverified, a provider that may not assert it, a key, a blocked
   * person; exists: a member already.
   */
  accept(identity: Identity, token: string, from: Pick<Author, 'request_id' | 'ip'>): Promise<Offer>
}

interface Row extends Omit<InvitationRecord, 'slug' | 'created_at' | 'expires_at' | 'accepted_at'> {
  readonly created_at: Date
  readonly expires_at: Date
  readonly accepted_at: Date | null
}

export function createInvitations(options: RegistryOptions): Invitations {
  const { database, clock, links } = options
  const ledger = createLedger(options)
  const seal = createInvitationSeal({ ...links, clock, life: LONGEST / 1000 })

  /** A new link for a row: its value leaves this process, its digest stays. */
  function made(id: string): { readonly shown: Pick<NewInvitation, 'token' | 'link'>; readonly digest: Buffer } {
    const token = seal.seal({ id })
    return { shown: { token, link: invitationLink(links.issuer, token) }, digest: digestOf(token) }
  }

  /** Reads one or all. What time or the inviter's fate ended shows as that, whatever the row still says. */
  async function read(db: ControlDb, tenant: Tenant, id: string | null, filter: InvitationFilter = {}): Promise<Row[]> {
    const after = afterOf(filter)
    const { state = null, newest = false } = filter
    return await db.query<Row>(sql`
      SELECT * FROM (
        SELECT i.id, i.email, i.role, i.created_at, i.expires_at, i.accepted_at, m.provider || ':' || m.sub AS inviter, coalesce(m.name, m.email) AS inviter_name,
          CASE WHEN i.state <> 'pending' THEN i.state
            WHEN i.expires_at <= ${new Date(clock.now())} THEN 'expired'
            WHEN i.inviter_member_id IS NULL OR (m.status = 'active' AND (m.role = 'owner' OR (m.role = 'admin' AND i.role <> 'owner'))) THEN i.state
            ELSE 'revoked' END AS state
        FROM invitations i LEFT JOIN members m ON m.id = i.inviter_member_id
        WHERE i.tenant_id = ${tenant.id} AND (${id}::uuid IS NULL OR i.id = ${id})
          AND (${after}::uuid IS NULL OR CASE WHEN ${newest} THEN i.id < ${after} ELSE i.id > ${after} END)) shown
      WHERE ${state}::text IS NULL OR state = ${state}
      ORDER BY CASE WHEN ${newest} THEN id END DESC, id LIMIT ${rowsToRead(filter)}`)
  }

  async function one(db: ControlDb, tenant: Tenant, id: string): Promise<InvitationRecord> {
    const [row] = await read(db, tenant, id)
    if (row === undefined) throw new RegistryError('unknown', `${tenant.slug} has no such invitation`)
    return toRecord(tenant, row)
  }

  /** The invitation meant, by id or by the address of the one that was not used or revoked. */
  async function find(db: ControlDb, tenant: Tenant, reference: string): Promise<InvitationRecord> {
    const [row] = await db.query<{ id: string }>(sql`
      SELECT id FROM invitations WHERE tenant_id = ${tenant.id}
        AND (id = ${isUuid(reference) ? reference : null} OR email = ${invitedAddress(reference)})
      ORDER BY state = 'pending' DESC, id DESC LIMIT 1`)
    if (row === undefined) throw new RegistryError('unknown', `${tenant.slug} has no invitation ${reference}`)
    await db.query(sql`SELECT id FROM invitations WHERE id = ${row.id} FOR UPDATE`)
    return await one(db, tenant, row.id)
  }

  return {
    async invite(tenant, actor, { email: text, role, life = LIFE }) {
      needInviter(actor, role)
      const email = invitedAddress(text)
      if (email === null)
        throw new RegistryError(
          'invalid',
          `${JSON.stringify(text)} is no plain address: one @, ASCII, no name around it`,
          'email',
        )
      const now = new Date(clock.now())
      const ends = endOf(now.getTime(), life)
      const id = uuidv7(now.getTime())
      const { shown, digest } = made(id)
      try {
        return await ledger.write(roleFor(actor, tenant), tenant.id, authorOf(actor), async (db) => {
          await db.query(sql`
            UPDATE invitations SET state = 'expired' WHERE tenant_id = ${tenant.id} AND email = ${email} AND state = 'pending' AND expires_at <= ${now}`)
          await needInvitationAllowance(db, tenant, now)
          await db.query(sql`
            INSERT INTO invitations (id, tenant_id, email, role, digest, inviter_member_id, created_at, expires_at)
            VALUES (${id}, ${tenant.id}, ${email}, ${role}, ${digest}, ${await memberOf(db, tenant, actor)}, ${now}, ${ends})`)
          const note = noteOf(tenant, id, 'invitation.created', { email, role, expires_at: rfc3339(ends) })
          return [{ ...(await one(db, tenant, id)), ...shown }, note]
        })
      } catch (error) {
        if (!isUniqueViolation(error)) throw error
        throw new RegistryError(
          'exists',
          `${email} has an open invitation to ${tenant.slug}: send it again or revoke it`,
          'email',
        )
      }
    },

    async list(tenant, actor, filter = {}) {
      needScope(actor, 'tenant:admin')
      const rows = await database.control(roleFor(actor, tenant), async (db) => await read(db, tenant, null, filter))
      return toPage(
        rows.map((row) => toRecord(tenant, row)),
        filter,
      )
    },

    async open(tenant, actor) {
      needScope(actor, 'tenant:admin')
      const as = roleFor(actor, tenant)
      return (await database.control(as, async (db) => await read(db, tenant, null, { state: 'pending' }))).length
    },

    async show(tenant, actor, reference) {
      needScope(actor, 'tenant:admin')
      return await database.control(roleFor(actor, tenant), async (db) => await find(db, tenant, reference))
    },

    async revoke(tenant, actor, reference, precondition) {
      needScope(actor, 'tenant:admin')
      return await ledger.write(roleFor(actor, tenant), tenant.id, authorOf(actor), async (db) => {
        const found = await find(db, tenant, reference)
        const { id, state, email } = found
        precondition?.(found)
        const changed = await db.query(sql`
          UPDATE invitations SET state = 'revoked' WHERE id = ${id} AND state IN ('pending', 'expired') RETURNING id`)
        if (changed.length === 0) throw new RegistryError('conflict', `the invitation of ${email} is ${state} already`)
        return [await one(db, tenant, id), noteOf(tenant, id, 'invitation.revoked', { email })]
      })
    },

    async resend(tenant, actor, reference, { life = LIFE } = {}) {
      return await ledger.write(roleFor(actor, tenant), tenant.id, authorOf(actor), async (db) => {
        needScope(actor, 'tenant:admin')
        const { id, email, role } = await find(db, tenant, reference)
        needInviter(actor, role)
        const ends = endOf(clock.now(), life)
        const { shown, digest } = made(id)
        const changed = await db.query(sql`
          UPDATE invitations SET state = 'pending', digest = ${digest}, expires_at = ${ends}, inviter_member_id = ${await memberOf(db, tenant, actor)}
          WHERE id = ${id} AND state IN ('pending', 'expired') RETURNING id`)
        if (changed.length === 0)
          throw new RegistryError('conflict', `the invitation of ${email} was accepted or revoked: invite again`)
        const note = noteOf(tenant, id, 'invitation.sent_again', { email, role, expires_at: rfc3339(ends) })
        return [{ ...(await one(db, tenant, id)), ...shown }, note]
      })
    },

    async read(identity, token) {
      const id = seal.open(token)?.id ?? null
      return await database.control(
        { as: 'resolver' },
        async (db) => (await readInvitation(db, identity, { id, digest: digestOf(token) }, clock.now())).offer,
      )
    },

    async accept(identity, token, from) {
      const id = seal.open(token)?.id ?? null
      const author = { iss: identity.iss, sub: identity.sub, key_id: identity.key?.id ?? null, ...from }
      return await ledger.write({ as: 'resolver' }, null, author, async (db) => {
        const offered = await readInvitation(db, identity, { id, digest: digestOf(token) }, clock.now())
        return [offered.offer, await acceptInvitation(db, identity, offered, clock.now())]
      })
    },
  }
}

const digestOf = (token: string): Buffer => createHash('sha256').update(token).digest()

const noteOf = (tenant: Tenant, id: string, action: string, detail: Readonly<Record<string, unknown>>): Note => ({
  action,
  target: id,
  detail,
  changes: [{ table: 'invitations', tenant: tenant.id, id }],
})

const toRecord = (
  tenant: Tenant,
  { id, email, role, state, inviter, inviter_name, ...row }: Row,
): InvitationRecord => ({
  id,
  slug: tenant.slug,
  email,
  role,
  state,
  inviter,
  inviter_name,
  created_at: rfc3339(row.created_at),
  expires_at: rfc3339(row.expires_at),
  accepted_at: rfc3339OrNull(row.accepted_at),
})
