import type { Page, PageOptions } from './paging.ts'
import type { Actor, RegistryOptions } from './registry.ts'
import type { PersonRole } from './roles.ts'
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

export function createKeys(_options: RegistryOptions): Keys {
  throw new Error('unfinished')
}
