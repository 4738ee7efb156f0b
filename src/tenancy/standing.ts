import type { RefusalCode } from '#base/refusal.ts'
import type { PersonRole } from './roles.ts'
import type { Tenant } from './tenant.ts'

/** Someone stands in a tenant: what of it the registry knows, before the token's own scopes cut it. */
export interface Standing {
  readonly tenant: Tenant
  /** For a key: the lesser of its own and its creator's (D23). */
  readonly role: PersonRole
  /** The member's row; for a key its creator's, null when an operator made it. */
  readonly member: string | null
  readonly key: StandingKey | null
  /** Tokens issued earlier are refused (D22). Milliseconds. */
  readonly notBefore: number | null
}

interface StandingKey {
  /** Public id; null for the static key, which has no row. */
  readonly id: string | null
  /** null: does not cut (the static key). */
  readonly scopes: readonly string[] | null
  /** null: no limit of its own. */
  readonly requests_per_hour: number | null
  /** Milliseconds. */
  readonly expires_at: number | null
}

/** Someone stands nowhere. */
export interface Denied {
  readonly denied: RefusalCode
  /** For the operator's log. */
  readonly detail: string
}

export const deny = (denied: RefusalCode, detail: string): Denied => ({ denied, detail })

/** What is to be made before they can stand: a tenant of their own. */
export interface Vacancy {
  readonly vacancy: 'domain' | 'personal' | 'shared'
  /** Free when it was looked up. */
  readonly slug: string
  readonly name: string
  /** The domain that goes with it; null for personal ones. */
  readonly domain: string | null
  readonly role: PersonRole
  readonly origin: 'provision' | 'personal' | 'development'
}
