import type { Page, PageOptions } from './paging.ts'
import type { Actor, RegistryOptions } from './registry.ts'
import type { PersonRole } from './roles.ts'
import type { Tenant } from './tenant.ts'

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

export interface MemberInput {
  readonly provider: string
  readonly iss: string
  readonly sub: string
  readonly email?: string | null
  readonly name?: string | null
  readonly role: PersonRole
}

/** A member by row id, `provider:sub`, or email when that is unique within the tenant. */
export type MemberReference = string

export interface Members {
  /** Operators only (D9). exists: an active member. Who asked to join or was removed becomes active. */
  add(tenant: Tenant, actor: Actor, input: MemberInput): Promise<MemberRecord>
  list(tenant: Tenant, actor: Actor, page?: PageOptions): Promise<Page<MemberRecord>>
  show(tenant: Tenant, actor: Actor, reference: MemberReference): Promise<MemberRecord>
  /** Lets in who asked to (join mode `request`). conflict: did not ask. */
  approve(tenant: Tenant, actor: Actor, reference: MemberReference, role: PersonRole): Promise<MemberRecord>
  /** last_owner: the only owner cannot be demoted. Changes from or to owner need `tenant:owner`. */
  setRole(tenant: Tenant, actor: Actor, reference: MemberReference, role: PersonRole): Promise<MemberRecord>
  /** last_owner: the only owner cannot leave. A member may remove themself. */
  remove(tenant: Tenant, actor: Actor, reference: MemberReference): Promise<void>
  /** Tokens issued before now are refused (D22); those whose issue time is unknown too. */
  revokeTokens(tenant: Tenant, actor: Actor, reference: MemberReference): Promise<void>
}

export function createMembers(_options: RegistryOptions): Members {
  throw new Error('unfinished')
}
