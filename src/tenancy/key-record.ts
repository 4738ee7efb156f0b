import { isKeyId } from '#identity/api-key.ts'
import type { ControlDb } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { mayManageKey } from './key-rights.ts'
import { RegistryError } from './registry-error.ts'
import type { Actor } from './registry.ts'
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
  /** null: no limit of its own. */
  readonly requests_per_hour: number | null
  /** `provider:sub` of who made it; null: an operator. */
  readonly creator: string | null
  /** Their name or address, for people to read. */
  readonly creator_name: string | null
  /** false: its creator is no member any more, so that it works for nobody until an owner adopts it (D23). */
  readonly creator_active: boolean
  readonly status: 'active' | 'expired' | 'revoked'
  readonly created_at: string
  readonly expires_at: string | null
  readonly revoked_at: string | null
  readonly last_used_at: string | null
  readonly last_used_ip: string | null
  readonly rotated_to: string | null
}

/** A key with its creator, as every query here reads it. */
export interface KeyRow {
  readonly id: string
  readonly name: string
  readonly digest: Buffer
  readonly scopes: string[]
  readonly role: KeyRecord['role']
  readonly cidrs: string[]
  readonly requests_per_hour: number | null
  readonly creator_member_id: string | null
  readonly creator_iss: string | null
  readonly creator_sub: string | null
  readonly creator_provider: string | null
  readonly creator_name: string | null
  readonly creator_status: 'active' | 'requested' | 'removed' | null
  readonly creator_role: PersonRole | null
  readonly created_at: Date
  readonly expires_at: Date | null
  readonly revoked_at: Date | null
  readonly last_used_at: Date | null
  readonly last_used_ip: string | null
  readonly rotated_to: string | null
}

/** unknown: no such key here, and also someone else's for who is no admin. */
export async function findKey(db: ControlDb, tenant: Tenant, actor: Actor, id: string): Promise<KeyRow> {
  const [row] = !isKeyId(id)
    ? []
    : await db.query<KeyRow>(sql`
    SELECT k.id, k.name, k.digest, k.scopes, k.role, k.cidrs, k.requests_per_hour, k.creator_member_id, k.created_at, k.expires_at,
      k.revoked_at, k.last_used_at, k.last_used_ip, k.rotated_to,
      m.iss AS creator_iss, m.sub AS creator_sub, m.provider AS creator_provider, m.status AS creator_status, m.role AS creator_role,
      coalesce(m.name, m.email) AS creator_name
    FROM api_keys k LEFT JOIN members m ON m.id = k.creator_member_id
    WHERE k.tenant_id = ${tenant.id} AND k.id = ${id}`)
  if (row === undefined || !mayManageKey(actor, row))
    throw new RegistryError('unknown', `${tenant.slug} has no key ${id}`)
  return row
}

/** By id, after one of them. @param own the person whose keys these are; null: everybody's. */
export async function listKeys(
  db: ControlDb,
  tenant: Tenant,
  own: { readonly iss: string; readonly sub: string } | null,
  { after, limit }: { readonly after: string | null; readonly limit: number | null },
): Promise<readonly KeyRow[]> {
  if (after !== null && !isKeyId(after)) throw new RegistryError('invalid', 'the cursor is none of ours')
  return await db.query<KeyRow>(sql`
    SELECT k.id, k.name, k.digest, k.scopes, k.role, k.cidrs, k.requests_per_hour, k.creator_member_id, k.created_at, k.expires_at,
      k.revoked_at, k.last_used_at, k.last_used_ip, k.rotated_to,
      m.iss AS creator_iss, m.sub AS creator_sub, m.provider AS creator_provider, m.status AS creator_status, m.role AS creator_role,
      coalesce(m.name, m.email) AS creator_name
    FROM api_keys k LEFT JOIN members m ON m.id = k.creator_member_id
    WHERE k.tenant_id = ${tenant.id} AND (${after}::text IS NULL OR k.id > ${after})
      AND (${own === null} OR (m.iss = ${own?.iss ?? null} AND m.sub = ${own?.sub ?? null}))
    ORDER BY k.id LIMIT ${limit}`)
}

/** @param now milliseconds since the epoch; an expiry that was reached shows. */
export function toKeyRecord(tenant: Tenant, row: KeyRow, now: number): KeyRecord {
  const expired = row.expires_at !== null && row.expires_at.getTime() <= now
  return {
    id: row.id,
    slug: tenant.slug,
    name: row.name,
    scopes: row.scopes,
    role: row.role,
    cidrs: row.cidrs,
    requests_per_hour: row.requests_per_hour,
    creator: row.creator_sub === null ? null : `${row.creator_provider}:${row.creator_sub}`,
    creator_name: row.creator_name,
    creator_active: row.creator_member_id === null || row.creator_status === 'active',
    status: row.revoked_at !== null ? 'revoked' : expired ? 'expired' : 'active',
    created_at: rfc3339(row.created_at),
    expires_at: rfc3339OrNull(row.expires_at),
    revoked_at: rfc3339OrNull(row.revoked_at),
    last_used_at: rfc3339OrNull(row.last_used_at),
    last_used_ip: row.last_used_ip,
    rotated_to: row.rotated_to,
  }
}

/** conflict: it is revoked or has expired. */
export function needUsable({ id, status }: KeyRecord): void {
  if (status !== 'active') throw new RegistryError('conflict', `the key ${id} is ${status}`)
}
