import type { ControlDb } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { isKeyId, makeApiKey } from '#identity/api-key.ts'
import { MOST_KEYS, needKeyAllowance } from './key-allowance.ts'
import { checkKey, type KeyVerdict } from './key-check.ts'
import { findKey, listKeys, needUsable, toKeyRecord, type KeyRecord, type KeyRow } from './key-record.ts'
import { keyLimitsOf, needNoKey, rotatedLimitsOf, type KeyLimits } from './key-rights.ts'
import { checkedExpiry, checkedTerms, needWithin, type KeyTerms } from './key-terms.ts'
import { authorOf, createLedger, hasScope, needScope, roleFor, type Note } from './ledger.ts'
import { rowsToRead, toPage, type Page, type PageOptions } from './paging.ts'
import type { Precondition } from './precondition.ts'
import { RegistryError } from './registry-error.ts'
import type { Actor, RegistryOptions } from './registry.ts'
import type { PersonRole } from './roles.ts'
import type { Tenant } from './tenant.ts'
import { checkedRange, type UsageRange } from './usage-range.ts'
import { readUsage, type UsageReport } from './usage.ts'

export type { KeyRecord }

export interface KeyInput {
  readonly name: string
  /** Known scopes, or `*` for the data scopes. Never above what the creator has. */
  readonly scopes: readonly string[]
  /** The limit of an operator's key; default `member`. A person's key has their role, `admin` at most. */
  readonly role?: Exclude<PersonRole, 'owner'>
  readonly cidrs?: readonly string[]
  /** Milliseconds since the epoch. A person's key lives for 1 to 365 days (default 90), an operator's for ever (null) unless told. */
  readonly expires_at?: number | null
  /** 1 to 1,000,000; null (default): no limit of its own. */
  readonly requests_per_hour?: number | null
}

/** `key` is shown once and stored nowhere. */
export interface NewKey {
  readonly key: string
  readonly record: KeyRecord
}

interface Rotation {
  /** Milliseconds for which the old key works on; 0: it stops at once. */
  readonly overlap: number
  /** As for a new key; absent: that of the old one. */
  readonly expires_at?: number | null
}

/** Every member manages their own keys; those of others need `tenant:admin` (D12). What is not theirs is `unknown` to them. */
export interface Keys {
  /** conflict, limited: the member has or made too many (key-allowance.ts), also for `rotate`. */
  create(tenant: Tenant, actor: Actor, input: KeyInput): Promise<NewKey>
  list(tenant: Tenant, actor: Actor, page?: PageOptions): Promise<Page<KeyRecord>>
  show(tenant: Tenant, actor: Actor, id: string): Promise<KeyRecord>
  update(
    tenant: Tenant,
    actor: Actor,
    id: string,
    changes: Partial<Omit<KeyInput, 'role'>>,
    precondition?: Precondition<KeyRecord>,
  ): Promise<KeyRecord>
  /**
   * A new key with the same rights; who rotates another's holds its secret, so it is theirs from then on (D23). conflict: revoked,
   * expired or rotated already; its maker is gone.
   */
  rotate(tenant: Tenant, actor: Actor, id: string, rotation: Rotation): Promise<NewKey>
  revoke(tenant: Tenant, actor: Actor, id: string, precondition?: Precondition<KeyRecord>): Promise<void>
  /** D23: an owner takes over a key whose creator is gone; it is cut by the owner's role from then on. Its expiry stays. */
  adopt(tenant: Tenant, actor: Actor, id: string): Promise<KeyRecord>
  /** What became of a key that somebody holds. Throws Refusal `rate_limited` where attempts are counted. */
  validate(tenant: Tenant, actor: Actor, key: string): Promise<KeyVerdict>
  /** What was called with it, as `usage.report` tells it. */
  usage(tenant: Tenant, actor: Actor, id: string, range?: Partial<UsageRange>): Promise<UsageReport>
}

interface Made extends KeyTerms {
  readonly expires_at: number | null
}

export function createKeys(options: RegistryOptions): Keys {
  const { database, clock, scopes } = options
  const ledger = createLedger(options)

  const record = (tenant: Tenant, row: KeyRow): KeyRecord => toKeyRecord(tenant, row, clock.now())

  /** Changes one key: found and locked, judged and changed, noted, and the row in question read again. */
  async function change<T>(
    tenant: Tenant,
    actor: Actor,
    id: string,
    run: (db: ControlDb, row: KeyRow) => Promise<readonly [T, Omit<Note, 'target' | 'changes'> | null]>,
  ): Promise<T> {
    return await ledger.write(roleFor(actor, tenant), tenant.id, authorOf(actor), async (db) => {
      if (isKeyId(id))
        await db.query(sql`SELECT id FROM api_keys WHERE id = ${id} AND tenant_id = ${tenant.id} FOR UPDATE`)
      const row = await findKey(db, tenant, actor, id)
      const [result, note] = await run(db, row)
      const changes = [{ table: 'api_keys' as const, tenant: tenant.id, id }]
      return [result, note === null ? null : { ...note, target: id, changes }]
    })
  }

  async function insert(
    db: ControlDb,
    tenant: Tenant,
    limits: KeyLimits,
    made: Made,
  ): Promise<{ readonly id: string; readonly key: string }> {
    const { id, key, digest } = makeApiKey()
    await db.query(sql`
      INSERT INTO api_keys (id, tenant_id, name, digest, scopes, creator_member_id, role, cidrs, requests_per_hour, created_at, expires_at)
      VALUES (${id}, ${tenant.id}, ${made.name}, ${digest}, ${made.scopes}, ${limits.creator_member_id}, ${limits.role}, ${made.cidrs},
        ${made.requests_per_hour}, ${new Date(clock.now())}, ${dateOf(made.expires_at)})`)
    return { id, key }
  }

  return {
    async create(tenant, actor, input) {
      const terms = checkedTerms({ cidrs: [], requests_per_hour: null, ...input }, actor, scopes)
      const made: Made = { ...terms, expires_at: checkedExpiry(input.expires_at, actor, clock.now()) }
      return await ledger.write(roleFor(actor, tenant), tenant.id, authorOf(actor), async (db) => {
        const limits = await keyLimitsOf(db, tenant, actor, input.role ?? 'member')
        await needKeyAllowance(db, tenant, limits.creator_member_id, tenant.limits.keys ?? MOST_KEYS, clock.now())
        const { id, key } = await insert(db, tenant, limits, made)
        const note: Note = {
          action: 'key.created',
          target: id,
          detail: { ...made, role: limits.role },
          changes: [{ table: 'api_keys', tenant: tenant.id, id }],
        }
        return [{ key, record: record(tenant, await findKey(db, tenant, actor, id)) }, note]
      })
    },

    async list(tenant, actor, page = {}) {
      // Who is no admin sees their own.
      const own = actor.kind === 'operator' || hasScope(actor, 'tenant:admin') ? null : actor.principal.identity
      const rows = await database.control(roleFor(actor, tenant), async (db) => {
        return await listKeys(db, tenant, own, { after: page.after ?? null, limit: rowsToRead(page) })
      })
      return toPage(
        rows.map((row) => record(tenant, row)),
        page,
      )
    },

    async show(tenant, actor, id) {
      return await database.control(roleFor(actor, tenant), async (db) =>
        record(tenant, await findKey(db, tenant, actor, id)),
      )
    },

    async update(tenant, actor, id, changes, precondition) {
      needNoKey(actor)
      return await change(tenant, actor, id, async (db, row) => {
        precondition?.(record(tenant, row))
        needUsable(record(tenant, row))
        const present = presentTerms(row)
        const expires_at =
          changes.expires_at === undefined ? present.expires_at : checkedExpiry(changes.expires_at, actor, clock.now())
        const to: Made = { ...checkedTerms({ ...present, ...changes }, actor, scopes), expires_at }
        await db.query(sql`
          UPDATE api_keys SET name = ${to.name}, scopes = ${to.scopes}, cidrs = ${to.cidrs}, requests_per_hour = ${to.requests_per_hour},
            expires_at = ${dateOf(expires_at)} WHERE id = ${id}`)
        const after = record(tenant, await findKey(db, tenant, actor, id))
        return [after, { action: 'key.updated', detail: { from: present, to } }]
      })
    },

    async rotate(tenant, actor, id, { overlap, expires_at: asked }) {
      needNoKey(actor)
      if (!(overlap >= 0)) throw new RegistryError('invalid', 'the overlap must not be negative', 'overlap')
      return await change(tenant, actor, id, async (db, row) => {
        needUsable(record(tenant, row))
        if (row.rotated_to !== null)
          throw new RegistryError('conflict', `the key ${id} was rotated already, to ${row.rotated_to}`)
        needWithin(row.scopes, actor, scopes)
        const now = clock.now()
        const present = presentTerms(row)
        // One that a person made without an expiry, when that was possible, gets one.
        const kept = asked === undefined && (present.expires_at !== null || actor.kind === 'operator')
        const expires_at = kept ? present.expires_at : checkedExpiry(asked, actor, now)
        const limits = await rotatedLimitsOf(db, tenant, actor, row)
        // It takes the place of another, so that how many work is no matter.
        await needKeyAllowance(db, tenant, actor.kind === 'operator' ? null : limits.creator_member_id, null, now)
        const made = await insert(db, tenant, limits, { ...present, expires_at })
        const end = new Date(Math.min(present.expires_at ?? Number.POSITIVE_INFINITY, now + overlap))
        const revoked = overlap === 0 ? end : null
        await db.query(
          sql`UPDATE api_keys SET rotated_to = ${made.id}, expires_at = ${end}, revoked_at = ${revoked} WHERE id = ${id}`,
        )
        const fresh = record(tenant, await findKey(db, tenant, actor, made.id))
        return [
          { key: made.key, record: fresh },
          { action: 'key.rotated', detail: { to: made.id, overlap_ms: overlap } },
        ]
      })
    },

    async revoke(tenant, actor, id, precondition) {
      await change(tenant, actor, id, async (db, row) => {
        precondition?.(record(tenant, row))
        if (row.revoked_at !== null) return [undefined, null]
        await db.query(sql`UPDATE api_keys SET revoked_at = ${new Date(clock.now())} WHERE id = ${id}`)
        return [undefined, { action: 'key.revoked', detail: { name: row.name } }]
      })
    },

    async adopt(tenant, actor, id) {
      needScope(actor, 'tenant:owner')
      return await change(tenant, actor, id, async (db, row) => {
        needUsable(record(tenant, row))
        const { creator_member_id: member } = await keyLimitsOf(db, tenant, actor, row.role)
        await db.query(sql`UPDATE api_keys SET creator_member_id = ${member} WHERE id = ${id}`)
        return [
          record(tenant, await findKey(db, tenant, actor, id)),
          { action: 'key.adopted', detail: { name: row.name } },
        ]
      })
    },

    async validate(tenant, actor, key) {
      const who =
        actor.kind === 'operator' ? actor.name : `${actor.principal.identity.iss} ${actor.principal.identity.sub}`
      await options.validations?.(`${tenant.id} ${who}`)
      return await checkKey(options, tenant, actor, key)
    },

    async usage(tenant, actor, id, asked = {}) {
      const range = checkedRange(asked, clock.now())
      return await database.control(roleFor(actor, tenant), async (db) => {
        await findKey(db, tenant, actor, id)
        return await readUsage(db, tenant, { whose: 'key', person: null, key: id }, range)
      })
    },
  }
}

const dateOf = (at: number | null): Date | null => (at === null ? null : new Date(at))

const presentTerms = ({ name, scopes, cidrs, requests_per_hour, expires_at }: KeyRow): Made => ({
  name,
  scopes,
  cidrs,
  requests_per_hour,
  expires_at: expires_at?.getTime() ?? null,
})
