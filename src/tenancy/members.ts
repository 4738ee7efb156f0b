import { uuidv7 } from '#base/id.ts'
import type { ControlDb } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import type { Identity } from '#identity/identity.ts'
import { endInvitationsOf } from './invitations-rules.ts'
import { authorOf, createLedger, hasScope, needOperator, needScope, roleFor, type Author, type Note } from './ledger.ts'
import { createMembersList, type MemberFilter, type MemberTally } from './members-list.ts'
import { find, nameOf, ownRow, toRecord, userIdOf, type Row } from './members-row.ts'
import type { Page } from './paging.ts'
import type { Precondition } from './precondition.ts'
import { RegistryError } from './registry-error.ts'
import type { Actor, RegistryOptions } from './registry.ts'
import { isRole, type PersonRole } from './roles.ts'
import type { Tenant } from './tenant.ts'
import { boundedText } from './text.ts'

export interface MemberRecord {
  readonly id: string
  readonly slug: string
  /** `provider:sub` */
  readonly user_id: string
  readonly provider: string
  readonly iss: string
  readonly sub: string
  readonly email: string | null
  readonly name: string | null
  readonly role: PersonRole
  readonly status: 'active' | 'requested' | 'removed'
  readonly source: 'operator' | 'domain' | 'organization' | 'invitation' | 'provision' | 'personal' | 'development'
  readonly evidence: string | null
  readonly home: boolean
  readonly tokens_not_before: string | null
  readonly created_at: string
  readonly removed_at: string | null
}

interface MemberInput {
  readonly provider: string
  readonly iss: string
  readonly sub: string
  readonly email?: string | null
  readonly name?: string | null
  readonly role: PersonRole
}

/** A member by row id, `provider:sub`, or email when that is unique within the tenant. */
type MemberReference = string

export interface Members {
  /** Operators only (D9). exists: an active member. Who asked to join or was removed becomes active. */
  add(tenant: Tenant, actor: Actor, input: MemberInput): Promise<MemberRecord>
  /** In the order in which they came. */
  list(tenant: Tenant, actor: Actor, filter?: MemberFilter): Promise<Page<MemberRecord>>
  /** How many there are, whatever a list would show of them. */
  tally(tenant: Tenant, actor: Actor): Promise<MemberTally>
  /** The row of who asks, whatever they may do; null: an operator, a key, nobody who came in by a row of their own. */
  own(tenant: Tenant, actor: Actor): Promise<MemberRecord | null>
  show(tenant: Tenant, actor: Actor, reference: MemberReference): Promise<MemberRecord>
  /** Lets in who asked to (join mode `request`). conflict: did not ask. */
  approve(tenant: Tenant, actor: Actor, reference: MemberReference, role: PersonRole): Promise<MemberRecord>
  /** last_owner: the only owner cannot be demoted. Changes from or to owner need `tenant:owner`. */
  setRole(
    tenant: Tenant,
    actor: Actor,
    reference: MemberReference,
    role: PersonRole,
    precondition?: Precondition<MemberRecord>,
  ): Promise<MemberRecord>
  /** last_owner: the only owner cannot leave. A member may remove themself. Invitations that wait for their address end with it. */
  remove(
    tenant: Tenant,
    actor: Actor,
    reference: MemberReference,
    precondition?: Precondition<MemberRecord>,
  ): Promise<void>
  /** The plain endpoint leads here from now on: a person's own act and nobody else's (D9). forbidden: an operator, a key, no member. */
  makeHome(tenant: Tenant, actor: Actor): Promise<void>
  /** Tokens issued before now are refused (D22); those whose issue time is unknown too. */
  revokeTokens(tenant: Tenant, actor: Actor, reference: MemberReference): Promise<void>
  /** The same for the person themself in every tenant they have to do with, whether it lets them in now or not: their own act. forbidden: a key. */
  revokeOwnTokens(identity: Identity, from: Pick<Author, 'request_id' | 'ip'>): Promise<void>
}

export function createMembers(options: RegistryOptions): Members {
  const { database, clock } = options
  const ledger = createLedger(options)

  /** Changes one member's row: found and locked, judged and changed, noted, and read again. */
  async function change(
    tenant: Tenant,
    actor: Actor,
    reference: MemberReference,
    run: (db: ControlDb, row: Row) => Promise<Omit<Note, 'target' | 'changes'> | null>,
  ): Promise<MemberRecord> {
    return await ledger.write(roleFor(actor, tenant), tenant.id, authorOf(actor), async (db) => {
      await lockOwners(db, tenant)
      const { id } = await findAllowed(db, tenant, actor, reference)
      // A tenant without owners is held by nothing else: two who hold the same picture of a member must not both change them.
      await db.query(sql`SELECT id FROM members WHERE id = ${id} FOR UPDATE`)
      const row = await find(db, tenant, id)
      const note = await run(db, row)
      const changes = [{ table: 'members' as const, tenant: tenant.id, id: row.id }]
      const record = toRecord(tenant, await find(db, tenant, row.id))
      return [record, note === null ? null : { ...note, target: row.id, changes }]
    })
  }

  return {
    async add(tenant, actor, input) {
      needOperator(actor)
      needRole(input.role)
      const iss = boundedText('the issuer', input.iss, 2048)
      const sub = boundedText('the subject', input.sub, 255)
      const provider = boundedText('the provider', input.provider, 64)
      const { role, email = null, name = null } = input
      const id = uuidv7(clock.now())
      const at = new Date(clock.now())
      return await ledger.write(roleFor(actor, tenant), tenant.id, authorOf(actor), async (db) => {
        const [row] = await db.query<{ id: string }>(sql`
          INSERT INTO members (id, tenant_id, iss, sub, provider, email, name, role, source, home, created_at)
          SELECT ${id}, ${tenant.id}, ${iss}, ${sub}, ${provider}, ${email}, ${name}, ${role}, 'operator',
            NOT EXISTS (SELECT 1 FROM members WHERE iss = ${iss} AND sub = ${sub} AND (home OR status = 'active')), ${at}
          ON CONFLICT (tenant_id, iss, sub) DO UPDATE SET status = 'active', role = EXCLUDED.role, source = 'operator', evidence = NULL,
            removed_at = NULL, home = EXCLUDED.home, email = coalesce(EXCLUDED.email, members.email), name = coalesce(EXCLUDED.name, members.name)
            WHERE members.status <> 'active'
          RETURNING id`)
        if (row === undefined)
          throw new RegistryError('exists', `${provider}:${sub} is a member of ${tenant.slug} already`)
        const record = toRecord(tenant, await find(db, tenant, row.id))
        const detail = { user_id: record.user_id, iss, role }
        return [
          record,
          {
            action: 'member.added',
            target: row.id,
            detail,
            changes: [{ table: 'members', tenant: tenant.id, id: row.id }],
          },
        ]
      })
    },

    ...createMembersList(options),

    async show(tenant, actor, reference) {
      return await database.control(roleFor(actor, tenant), async (db) =>
        toRecord(tenant, await findAllowed(db, tenant, actor, reference)),
      )
    },

    async approve(tenant, actor, reference, role) {
      needScope(actor, 'tenant:admin')
      needRole(role)
      if (role === 'owner') needScope(actor, 'tenant:owner')
      return await change(tenant, actor, reference, async (db, row) => {
        if (row.status !== 'requested') throw new RegistryError('conflict', `${nameOf(row)} did not ask to join`)
        // From now on the membership stands by itself: someone looked at the person. Home is theirs to have, not ours to give (D9).
        await db.query(sql`
          UPDATE members SET status = 'active', role = ${role}, source = 'operator', evidence = NULL, declined_until = NULL
          WHERE id = ${row.id}`)
        return { action: 'member.approved', detail: { user_id: userIdOf(row), role } }
      })
    },

    async setRole(tenant, actor, reference, role, precondition) {
      needScope(actor, 'tenant:admin')
      needRole(role)
      return await change(tenant, actor, reference, async (db, row) => {
        precondition?.(toRecord(tenant, row))
        needActive(row)
        if (row.role === role) return null
        if (row.role === 'owner' || role === 'owner') needScope(actor, 'tenant:owner')
        if (row.role === 'owner') await keepAnOwner(db, tenant, row)
        await db.query(sql`UPDATE members SET role = ${role} WHERE id = ${row.id}`)
        return { action: 'member.role_changed', detail: { user_id: userIdOf(row), from: row.role, to: role } }
      })
    },

    async remove(tenant, actor, reference, precondition) {
      await change(tenant, actor, reference, async (db, row) => {
        precondition?.(toRecord(tenant, row))
        if (row.status === 'removed') return null
        if (row.role === 'owner' && row.status === 'active') {
          if (!isSelf(actor, row)) needScope(actor, 'tenant:owner')
          await keepAnOwner(db, tenant, row)
        }
        // In the order in which accepting takes its locks.
        const ended = await endInvitationsOf(db, tenant, row.email)
        await db.query(
          sql`UPDATE members SET status = 'removed', home = false, removed_at = ${new Date(clock.now())} WHERE id = ${row.id}`,
        )
        const invitations = ended.length === 0 ? {} : { invitations_ended: ended }
        return { action: 'member.removed', detail: { user_id: userIdOf(row), role: row.role, ...invitations } }
      })
    },

    async makeHome(tenant, actor) {
      if (actor.kind === 'operator' || actor.principal.identity.key !== null) {
        throw new RegistryError('forbidden', 'only the person can choose their home')
      }
      roleFor(actor, tenant)
      const { iss, sub } = actor.principal.identity
      // As operator, since the home before may be another tenant's row.
      await ledger.write({ as: 'operator' }, tenant.id, authorOf(actor), async (db) => {
        const rows = await db.query<{ id: string; tenant_id: string; status: string }>(sql`
          UPDATE members SET home = false WHERE iss = ${iss} AND sub = ${sub} RETURNING id, tenant_id, status`)
        const row = rows.find((each) => each.tenant_id === tenant.id && each.status === 'active')
        if (row === undefined)
          throw new RegistryError('forbidden', `only members of ${tenant.slug} can make it their home`)
        await db.query(sql`UPDATE members SET home = true WHERE id = ${row.id}`)
        // Whatever the plain endpoint led to before, by home or for want of one, is read again.
        const changes = rows.map(({ id, tenant_id }) => ({ table: 'members' as const, tenant: tenant_id, id }))
        return [undefined, { action: 'member.home_chosen', target: row.id, changes }]
      })
    },

    async revokeTokens(tenant, actor, reference) {
      await change(tenant, actor, reference, async (db, row) => {
        if (row.role === 'owner' && !isSelf(actor, row)) needScope(actor, 'tenant:owner')
        await db.query(sql`UPDATE members SET tokens_not_before = ${new Date(clock.now())} WHERE id = ${row.id}`)
        return { action: 'member.tokens_revoked', detail: { user_id: userIdOf(row) } }
      })
    },

    async revokeOwnTokens({ iss, sub, key }, from) {
      if (key !== null) throw new RegistryError('forbidden', 'only the person can sign out their clients')
      // As operator, since the rows are of several tenants.
      await ledger.write({ as: 'operator' }, null, { iss, sub, key_id: null, ...from }, async (db) => {
        const rows = await db.query<{ id: string; tenant_id: string; provider: string }>(sql`
          UPDATE members SET tokens_not_before = ${new Date(clock.now())} WHERE iss = ${iss} AND sub = ${sub} AND status <> 'removed'
          RETURNING id, tenant_id, provider`)
        const notes = rows.map(({ id, tenant_id: tenant, provider }) => ({
          action: 'member.tokens_revoked',
          target: id,
          tenant,
          detail: { user_id: userIdOf({ provider, sub }) },
          changes: [{ table: 'members' as const, tenant, id }],
        }))
        return [undefined, notes]
      })
    },
  }
}

/** Who has no `tenant:admin` reaches their own row and learns nothing of others, not even whether they are there. */
async function findAllowed(db: ControlDb, tenant: Tenant, actor: Actor, reference: MemberReference): Promise<Row> {
  if (hasScope(actor, 'tenant:admin')) return await find(db, tenant, reference)
  const own = await ownRow(db, tenant, actor)
  if (own === null || ![own.id, userIdOf(own), own.email].includes(reference))
    throw new RegistryError('forbidden', 'this needs the scope tenant:admin')
  return own
}

/** Two owners who demote each other at once must not both succeed: whoever changes members holds the owners' rows first. */
async function lockOwners(db: ControlDb, tenant: Tenant): Promise<void> {
  await db.query(sql`SELECT id FROM members WHERE tenant_id = ${tenant.id} AND role = 'owner' ORDER BY id FOR UPDATE`)
}

async function keepAnOwner(db: ControlDb, tenant: Tenant, row: Row): Promise<void> {
  const others = await db.query(sql`
    SELECT 1 FROM members WHERE tenant_id = ${tenant.id} AND role = 'owner' AND status = 'active' AND id <> ${row.id} LIMIT 1`)
  if (others.length === 0)
    throw new RegistryError(
      'last_owner',
      `${nameOf(row)} is the last owner of ${tenant.slug}: make someone else owner first`,
    )
}

/** Is it the person who asks? A key is not its creator. */
const isSelf = (actor: Actor, { iss, sub }: Pick<Row, 'iss' | 'sub'>): boolean =>
  actor.kind === 'person' &&
  actor.principal.identity.key === null &&
  actor.principal.identity.iss === iss &&
  actor.principal.identity.sub === sub

function needActive(row: Row): void {
  if (row.status !== 'active') throw new RegistryError('conflict', `${nameOf(row)} is no active member`)
}

function needRole(role: string): void {
  if (!isRole(role))
    throw new RegistryError('invalid', `${JSON.stringify(role)} is no role: viewer, member, admin, owner`, 'role')
}
