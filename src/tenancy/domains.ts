import type { Actor, RegistryOptions } from './registry.ts'
import type { Tenant } from './tenant.ts'

export type JoinMode = 'auto' | 'invite' | 'request'

export interface DomainRecord {
  readonly id: string
  readonly slug: string
  readonly domain: string
  readonly state: 'pending' | 'verified' | 'lapsed' | 'expired'
  readonly verified_by: 'dns' | 'operator' | 'provision' | null
  readonly include_subdomains: boolean
  readonly asserted_by: readonly string[]
  readonly join_mode: JoinMode
  readonly default_role: 'viewer' | 'member' | 'admin'
  readonly allow_once: boolean
  readonly created_at: string
  readonly verified_at: string | null
}

export interface DomainInput {
  readonly domain: string
  /** Provider ids that may assert an address of it (D6); at least one. */
  readonly asserted_by: readonly string[]
  readonly include_subdomains?: boolean
  readonly join_mode?: JoinMode
  readonly default_role?: 'viewer' | 'member' | 'admin'
  /** May a once-verified address join by itself (D7)? */
  readonly allow_once?: boolean
}

export interface Domains {
  /** Operators only: verified by their word, recorded as such. invalid: no domain, a public suffix, a public mail domain; exists: verified for a tenant already. */
  add(tenant: Tenant, actor: Actor, input: DomainInput): Promise<DomainRecord>
  list(tenant: Tenant, actor: Actor): Promise<readonly DomainRecord[]>
  /** Stops joining by it; members stay. */
  remove(tenant: Tenant, actor: Actor, domain: string): Promise<void>
}

export function createDomains(_options: RegistryOptions): Domains {
  throw new Error('unfinished')
}
