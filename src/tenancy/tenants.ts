import type { Actor, RegistryOptions } from './registry.ts'
import type { Tenant } from './tenant.ts'

/** A tenant as lists show it: deleted ones too, since slug and schema name are never reused. */
export interface TenantRecord extends Omit<Tenant, 'status'> {
  readonly status: Tenant['status'] | 'deleted'
  readonly origin: 'operator' | 'provision' | 'personal' | 'development'
  readonly created_at: string
  readonly suspended_at: string | null
  readonly deleted_at: string | null
}

export interface Tenants {
  /** Operators only. exists: the slug was ever taken; invalid: it is no slug or the name is empty or too long. */
  create(
    actor: Actor,
    input: { readonly slug: string; readonly name?: string; readonly placement?: string },
  ): Promise<Tenant>
  /** Operators only; complete. */
  list(actor: Actor): Promise<readonly TenantRecord[]>
  /** By slug. unknown: no such slug, also for a person who asks for another tenant. */
  show(actor: Actor, slug: string): Promise<TenantRecord>
  /** The tenant that the functions of the other tables take. unknown: no such slug, or deleted. */
  get(actor: Actor, slug: string): Promise<Tenant>
  rename(tenant: Tenant, actor: Actor, name: string): Promise<void>
  /** D18: when it resolves, no transaction of the tenant is open and none can begin. Done already: nothing happens. */
  suspend(tenant: Tenant, actor: Actor): Promise<void>
  resume(tenant: Tenant, actor: Actor): Promise<void>
  /** Drops schema, role and data; the registry row stays. */
  delete(tenant: Tenant, actor: Actor): Promise<void>
}

export function createTenants(_options: RegistryOptions): Tenants {
  throw new Error('unfinished')
}
