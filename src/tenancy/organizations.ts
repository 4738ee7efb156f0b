import type { JoinMode } from './domains.ts'
import type { Actor, RegistryOptions } from './registry.ts'
import type { Tenant } from './tenant.ts'

export interface OrganizationRecord {
  readonly id: string
  readonly slug: string
  readonly iss: string
  readonly kind: 'org_id' | 'tid'
  readonly value: string
  readonly join_mode: JoinMode
  readonly default_role: 'viewer' | 'member' | 'admin'
  readonly created_at: string
}

export interface OrganizationInput {
  readonly iss: string
  readonly kind: 'org_id' | 'tid'
  readonly value: string
  readonly join_mode?: JoinMode
  readonly default_role?: 'viewer' | 'member' | 'admin'
}

/** Organisations of identity providers; operators only (D8). */
export interface Organizations {
  add(tenant: Tenant, actor: Actor, input: OrganizationInput): Promise<OrganizationRecord>
  list(tenant: Tenant, actor: Actor): Promise<readonly OrganizationRecord[]>
  /** @param reference the row's id, or its value when that is unique within the tenant. */
  remove(tenant: Tenant, actor: Actor, reference: string): Promise<void>
}

export function createOrganizations(_options: RegistryOptions): Organizations {
  throw new Error('unfinished')
}
