import type { ControlDb } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { makeApiKey } from '#identity/api-key.ts'
import { checkedTerms, needWithin, type KeyTerms } from './key-terms.ts'
import { authorOf, createLedger, hasScope, needScope, roleFor, type Note } from './ledger.ts'
import { rowsToRead, toPage, type Page, type PageOptions } from './paging.ts'
import { RegistryError } from './registry-error.ts'
import type { Actor, RegistryOptions } from './registry.ts'
import type { PersonRole } from './roles.ts'
import { rfc3339, rfc3339OrNull } from './tenant-row.ts'
import type { Tenant } from './tenant.ts'

/** A key as lists show it: never the key, never its digest. Times are RFC 3339. */
export interface KeyRecord {
  /** The public part of gh_key_<id>_<secret>_<crc>. */
  readonly id: string
  readonly slug: string
  readonly name: string
  readonly scopes: readonly string[]
  readonly role: Exclude<PersonRole, 'owner'>
  readonly cidrs: readonly string[]
  /** `provider:sub` of who made it; null: an operator. */
  readonly creator: string | null
  readonly status: 'active' | 'expired' | 'revoked'
  readonly created_at: string
  readonly expires_at: string | null
  readonly revoked_at: string | null
  readonly last_used_at: string | null
  readonly last_used_ip: string | null
  readonly rotated_to: string | null
}

export interface KeyInput {
  readonly name: string
  /** Known scopes, or `*` for the data scopes. Never above what the creator has. */
  readonly scopes: readonly string[]
  /** The limit of an operator's key; default `member`. A person's key has their role, `admin` at most. */
  readonly role?: Exclude<PersonRole, 'owner'>
  readonly cidrs?: readonly string[]
  /** Milliseconds since the epoch; null: never. */
  readonly expires_at?: number | null
}

/** `key` is shown once and stored nowhere. */
export interface NewKey {
  readonly key: string
  readonly record: KeyRecord
}

/** Every member manages their own keys; those of others need `tenant:admin` (D12). */
export interface Keys {
  create(tenant: Tenant, actor: Actor, input: KeyInput): Promise<NewKey>
  list(tenant: Tenant, actor: Actor, page?: PageOptions): Promise<Page<KeyRecord>>
  show(tenant: Tenant, actor: Actor, id: string): Promise<KeyRecord>
  update(tenant: Tenant, actor: Actor, id: string, changes: Partial<Omit<KeyInput, 'role'>>): Promise<KeyRecord>
  /** A new key with the same rights; the old one works for `overlap` milliseconds more (0: it stops at once). conflict: revoked, expired or rotated already. */
  rotate(tenant: Tenant, actor: Actor, id: string, options: { readonly overlap: number }): Promise<NewKey>
  revoke(tenant: Tenant, actor: Actor, id: string): Promise<void>
  /** D23: an owner takes over a key whose creator is gone; it is cut by the owner's role from then on. */
  adopt(tenant: Tenant, actor: Actor, id: string): Promise<KeyRecord>
}

interface Row {
  readonly id: string
  readonly name: string
  readonly scopes: string[]
  readonly role: KeyRecord['role']
  readonly cidrs: string[]
  readonly creator_member_id: string | null
  readonly creator_iss: string | null
  readonly creator_sub: string | null
  readonly creator_provider: string | null
  readonly created_at: Date
  readonly expires_at: Date | null
  readonly revoked_at: Date | null
  readonly last_used_at: Date | null
  readonly last_used_ip: string | null
  readonly rotated_to: string | null
}

type Limits = Pick<Row, 'role' | 'creator_member_id'>

export function createKeys(options: RegistryOptions): Keys {
  const { database, clock, scopes } = options
  const ledger = createLedger(options)

  const record = (tenant: Tenant, row: Row): KeyRecord => toRecord(tenant, row, clock.now())

  /** Changes one key: found and locked, judged and changed, noted, and the row in question read again. */
  async function change<T>(
    tenant: Tenant,
    actor: Actor,
    id: string,
    run: (db: ControlDb, row: Row) => Promise<readonly [T, Omit<Note, 'target' | 'changes'> | null]>,
  ): Promise<T> {
    return await ledger.write(roleFor(actor, tenant), tenant.id, authorOf(actor), async (db) => {
      await db.query(sql`SELECT id FROM api_keys WHERE id = ${id} AND tenant_id = ${tenant.id} FOR UPDATE`)
      const row = await find(db, tenant, actor, id)
      const [result, note] = await run(db, row)
      const changes = [{ table: 'api_keys' as const, tenant: tenant.id, id }]
      return [result, note === null ? null : { ...note, target: id, changes }]
    })
  }

  async function insert(
    db: ControlDb,
    tenant: Tenant,
    limits: Limits,
    terms: KeyTerms,
  ): Promise<{ readonly id: string; readonly key: string }> {
    const { id, key, digest } = makeApiKey()
    const expires = terms.expires_at === null ? null : new Date(terms.expires_at)
    await db.query(sql`
      INSERT INTO api_keys (id, tenant_id, name, digest, scopes, creator_member_id, role, cidrs, created_at, expires_at)
      VALUES (${id}, ${tenant.id}, ${terms.name}, ${digest}, ${terms.scopes}, ${limits.creator_member_id}, ${limits.role}, ${terms.cidrs},
        ${new Date(clock.now())}, ${expires})`)
    return { id, key }
  }

  return {
    async create(tenant, actor, input) {
      const terms = checkedTerms({ cidrs: [], expires_at: null, ...input }, actor, scopes, clock.now())
      return await ledger.write(roleFor(actor, tenant), tenant.id, authorOf(actor), async (db) => {
        const limits = await limitsOf(db, tenant, actor, input.role ?? 'member')
        const { id, key } = await insert(db, tenant, limits, terms)
        const detail = {
          name: terms.name,
          scopes: terms.scopes,
          role: limits.role,
          cidrs: terms.cidrs,
          expires_at: terms.expires_at,
        }
        const note: Note = {
          action: 'key.created',
          target: id,
          detail,
          changes: [{ table: 'api_keys', tenant: tenant.id, id }],
        }
        return [{ key, record: record(tenant, await find(db, tenant, actor, id)) }, note]
      })
    },

    async list(tenant, actor, page = {}) {
      const after = page.after ?? null
      // Who is no admin sees their own.
      const own = hasScope(actor, 'tenant:admin') || actor.kind === 'operator' ? null : actor.principal.identity
      const rows = await database.control(roleFor(actor, tenant), async (db) => {
        return await db.query<Row>(sql`
          SELECT k.id, k.name, k.scopes, k.role, k.cidrs, k.creator_member_id, k.created_at, k.expires_at, k.revoked_at, k.last_used_at,
            k.last_used_ip, k.rotated_to, m.iss AS creator_iss, m.sub AS creator_sub, m.provider AS creator_provider
          FROM api_keys k LEFT JOIN members m ON m.id = k.creator_member_id
          WHERE k.tenant_id = ${tenant.id} AND (${after}::text IS NULL OR k.id > ${after})
            AND (${own === null} OR (m.iss = ${own?.iss ?? null} AND m.sub = ${own?.sub ?? null}))
          ORDER BY k.id LIMIT ${rowsToRead(page)}`)
      })
      return toPage(
        rows.map((row) => record(tenant, row)),
        page,
      )
    },

    async show(tenant, actor, id) {
      return await database.control(roleFor(actor, tenant), async (db) =>
        record(tenant, await find(db, tenant, actor, id)),
      )
    },

    async update(tenant, actor, id, changes) {
      needNoKey(actor)
      return await change(tenant, actor, id, async (db, row) => {
        needUsable(record(tenant, row))
        const now = clock.now()
        const present = {
          name: row.name,
          scopes: row.scopes,
          cidrs: row.cidrs,
          expires_at: row.expires_at?.getTime() ?? null,
        }
        const terms = checkedTerms({ ...present, ...changes }, actor, scopes, now)
        const expires = terms.expires_at === null ? null : new Date(terms.expires_at)
        await db.query(sql`
          UPDATE api_keys SET name = ${terms.name}, scopes = ${terms.scopes}, cidrs = ${terms.cidrs}, expires_at = ${expires} WHERE id = ${id}`)
        const after = record(tenant, await find(db, tenant, actor, id))
        return [after, { action: 'key.updated', detail: { from: present, to: terms } }]
      })
    },

    async rotate(tenant, actor, id, { overlap }) {
      needNoKey(actor)
      if (!(overlap >= 0)) throw new RegistryError('invalid', 'the overlap must not be negative')
      return await change(tenant, actor, id, async (db, row) => {
        needUsable(record(tenant, row))
        if (row.rotated_to !== null)
          throw new RegistryError('conflict', `the key ${id} was rotated already, to ${row.rotated_to}`)
        needWithin(row.scopes, actor, scopes)
        const now = clock.now()
        const expires = row.expires_at?.getTime() ?? null
        const made = await insert(db, tenant, row, {
          name: row.name,
          scopes: row.scopes,
          cidrs: row.cidrs,
          expires_at: expires,
        })
        const end = new Date(Math.min(expires ?? Number.POSITIVE_INFINITY, now + overlap))
        const revoked = overlap === 0 ? end : null
        await db.query(
          sql`UPDATE api_keys SET rotated_to = ${made.id}, expires_at = ${end}, revoked_at = ${revoked} WHERE id = ${id}`,
        )
        const fresh = record(tenant, await find(db, tenant, actor, made.id))
        return [
          { key: made.key, record: fresh },
          { action: 'key.rotated', detail: { to: made.id, overlap_ms: overlap } },
        ]
      })
    },

    async revoke(tenant, actor, id) {
      await change(tenant, actor, id, async (db, row) => {
        if (row.revoked_at !== null) return [undefined, null]
        await db.query(sql`UPDATE api_keys SET revoked_at = ${new Date(clock.now())} WHERE id = ${id}`)
        return [undefined, { action: 'key.revoked', detail: { name: row.name } }]
      })
    },

    async adopt(tenant, actor, id) {
      needScope(actor, 'tenant:owner')
      return await change(tenant, actor, id, async (db, row) => {
        needUsable(record(tenant, row))
        const { creator_member_id: member } = await limitsOf(db, tenant, actor, row.role)
        await db.query(sql`UPDATE api_keys SET creator_member_id = ${member} WHERE id = ${id}`)
        return [
          record(tenant, await find(db, tenant, actor, id)),
          { action: 'key.adopted', detail: { name: row.name } },
        ]
      })
    },
  }
}

/** A key cannot make keys, nor change one: it would outlive what it was given for, or leave the addresses it was given to. */
function needNoKey(actor: Actor): void {
  if (actor.kind === 'person' && actor.principal.identity.key !== null)
    throw new RegistryError('forbidden', 'a key cannot make, change or adopt keys: sign in as a person')
}

/** Whose key it is and how far it can ever reach. */
async function limitsOf(db: ControlDb, tenant: Tenant, actor: Actor, role: KeyRecord['role']): Promise<Limits> {
  if (actor.kind === 'operator') return { role, creator_member_id: null }
  needNoKey(actor)
  const { identity } = actor.principal
  const [member] = await db.query<{ id: string; role: PersonRole }>(sql`
    SELECT id, role FROM members WHERE tenant_id = ${tenant.id} AND iss = ${identity.iss} AND sub = ${identity.sub} AND status = 'active'`)
  if (member === undefined) throw new RegistryError('forbidden', `only members of ${tenant.slug} have keys`)
  // No key holds owner changes (D23).
  return { role: member.role === 'owner' ? 'admin' : member.role, creator_member_id: member.id }
}

/** unknown: no such key here, and also someone else's for who is no admin. */
async function find(db: ControlDb, tenant: Tenant, actor: Actor, id: string): Promise<Row> {
  const [row] = await db.query<Row>(sql`
    SELECT k.id, k.name, k.scopes, k.role, k.cidrs, k.creator_member_id, k.created_at, k.expires_at, k.revoked_at, k.last_used_at,
      k.last_used_ip, k.rotated_to, m.iss AS creator_iss, m.sub AS creator_sub, m.provider AS creator_provider
    FROM api_keys k LEFT JOIN members m ON m.id = k.creator_member_id
    WHERE k.tenant_id = ${tenant.id} AND k.id = ${id}`)
  if (row === undefined || !mayManage(actor, row)) throw new RegistryError('unknown', `${tenant.slug} has no key ${id}`)
  return row
}

function mayManage(actor: Actor, row: Row): boolean {
  if (actor.kind === 'operator' || hasScope(actor, 'tenant:admin')) return true
  const { iss, sub, key } = actor.principal.identity
  return key === null && row.creator_iss === iss && row.creator_sub === sub
}

function needUsable({ id, status }: KeyRecord): void {
  if (status !== 'active') throw new RegistryError('conflict', `the key ${id} is ${status}`)
}

function toRecord(tenant: Tenant, row: Row, now: number): KeyRecord {
  const expired = row.expires_at !== null && row.expires_at.getTime() <= now
  return {
    id: row.id,
    slug: tenant.slug,
    name: row.name,
    scopes: row.scopes,
    role: row.role,
    cidrs: row.cidrs,
    creator: row.creator_sub === null ? null : `${row.creator_provider}:${row.creator_sub}`,
    status: row.revoked_at !== null ? 'revoked' : expired ? 'expired' : 'active',
    created_at: rfc3339(row.created_at),
    expires_at: rfc3339OrNull(row.expires_at),
    revoked_at: rfc3339OrNull(row.revoked_at),
    last_used_at: rfc3339OrNull(row.last_used_at),
    last_used_ip: row.last_used_ip,
    rotated_to: row.rotated_to,
  }
}
