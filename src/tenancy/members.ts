import { isUuid, uuidv7 } from '#base/id.ts'
import type { ControlDb } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { authorOf, createLedger, needOperator, needScope, roleFor, type Note } from './ledger.ts'
import { afterOf, rowsToRead, toPage, type Page, type PageOptions } from './paging.ts'
import type { Precondition } from './precondition.ts'
import { RegistryError } from './registry-error.ts'
import type { Actor, RegistryOptions } from './registry.ts'
import { isRole, type PersonRole } from './roles.ts'
import { rfc3339, rfc3339OrNull } from './tenant-row.ts'
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
  list(tenant: Tenant, actor: Actor, page?: PageOptions): Promise<Page<MemberRecord>>
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
  /** last_owner: the only owner cannot leave. A member may remove themself. */
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
}

interface Row extends Omit<MemberRecord, 'slug' | 'user_id' | 'tokens_not_before' | 'created_at' | 'removed_at'> {
  readonly tokens_not_before: Date | null
  readonly created_at: Date
  readonly removed_at: Date | null
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
      const row = await find(db, tenant, reference)
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

    async list(tenant, actor, page = {}) {
      needScope(actor, 'tenant:admin')
      const after = afterOf(page)
      const rows = await database.control(roleFor(actor, tenant), async (db) => {
        return await db.query<Row>(sql`
          SELECT id, provider, iss, sub, email, name, role, status, source, evidence, home, tokens_not_before, created_at, removed_at
          FROM members WHERE tenant_id = ${tenant.id} AND (${after}::uuid IS NULL OR id > ${after}) ORDER BY id LIMIT ${rowsToRead(page)}`)
      })
      return toPage(
        rows.map((row) => toRecord(tenant, row)),
        page,
      )
    },

    async show(tenant, actor, reference) {
      const record = await database.control(roleFor(actor, tenant), async (db) =>
        toRecord(tenant, await find(db, tenant, reference)),
      )
      if (!isSelf(actor, record)) needScope(actor, 'tenant:admin')
      return record
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
        if (!isSelf(actor, row)) needScope(actor, 'tenant:admin')
        precondition?.(toRecord(tenant, row))
        if (row.status === 'removed') return null
        if (row.role === 'owner' && row.status === 'active') {
          if (!isSelf(actor, row)) needScope(actor, 'tenant:owner')
          await keepAnOwner(db, tenant, row)
        }
        await db.query(
          sql`UPDATE members SET status = 'removed', home = false, removed_at = ${new Date(clock.now())} WHERE id = ${row.id}`,
        )
        return { action: 'member.removed', detail: { user_id: userIdOf(row), role: row.role } }
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
        if (!isSelf(actor, row)) needScope(actor, 'tenant:admin')
        if (row.role === 'owner' && !isSelf(actor, row)) needScope(actor, 'tenant:owner')
        await db.query(sql`UPDATE members SET tokens_not_before = ${new Date(clock.now())} WHERE id = ${row.id}`)
        return { action: 'member.tokens_revoked', detail: { user_id: userIdOf(row) } }
      })
    },
  }
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

/** unknown: nobody; conflict: more than one by that email. */
async function find(db: ControlDb, tenant: Tenant, reference: MemberReference): Promise<Row> {
  const id = isUuid(reference) ? reference : null
  const rows = await db.query<Row>(sql`
    SELECT id, provider, iss, sub, email, name, role, status, source, evidence, home, tokens_not_before, created_at, removed_at
    FROM members WHERE tenant_id = ${tenant.id}
      AND (id = ${id} OR provider || ':' || sub = ${reference} OR (${id}::uuid IS NULL AND lower(email) = lower(${reference})))
    ORDER BY id`)
  const [row] = rows
  if (row === undefined) throw new RegistryError('unknown', `${tenant.slug} has no member ${reference}`)
  if (rows.length > 1)
    throw new RegistryError('conflict', `${tenant.slug} has several members ${reference}: name one by its id`)
  return row
}

const userIdOf = ({ provider, sub }: Pick<Row, 'provider' | 'sub'>): string => `${provider}:${sub}`
const nameOf = (row: Row): string => row.email ?? userIdOf(row)

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
    throw new RegistryError('invalid', `${JSON.stringify(role)} is no role: viewer, member, admin, owner`)
}

function toRecord(tenant: Tenant, row: Row): MemberRecord {
  return {
    ...row,
    slug: tenant.slug,
    user_id: userIdOf(row),
    tokens_not_before: rfc3339OrNull(row.tokens_not_before),
    created_at: rfc3339(row.created_at),
    removed_at: rfc3339OrNull(row.removed_at),
  }
}
