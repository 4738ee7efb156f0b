import type { Clock } from '#base/clock.ts'
import type { Config } from '#base/config.ts'
import type { Log } from '#base/log.ts'
import type { Refusal } from '#base/refusal.ts'
import type { Database } from '#db/database.ts'
import type { Identity } from '#identity/identity.ts'
import type { RegistryWatch } from './registry-cache.ts'
import type { PersonRole, Scopes } from './roles.ts'
import type { Principal, Tenant } from './tenant.ts'

/** A person of the development sign-in and what they are in their company's tenant. */
export interface Seed {
  readonly email: string
  readonly role: PersonRole
}

export const DEVELOPMENT_PEOPLE: readonly Seed[] = [
  { email: 'alice@acme.test', role: 'owner' },
  { email: 'carol@acme.test', role: 'viewer' },
  { email: 'bob@globex.test', role: 'owner' },
]

export interface DirectoryOptions {
  readonly database: Database
  /** `await watchRegistry(database)`, shared with the key lookup. */
  readonly watch: RegistryWatch
  readonly clock: Clock
  readonly log: Log
  readonly config: Config['tenancy'] & Pick<Config, 'production' | 'requiredScopes'>
  /** Role of the static key's principal; null: there is no static key. */
  readonly staticKeyRole: 'viewer' | 'member' | 'admin' | null
  readonly scopes: Scopes
  /** `auditKey(SESSION_SECRET, CONTROL_SCHEMA)`. */
  readonly auditKey: Buffer
  /** config.database.slugPrefix */
  readonly slugPrefix: string
  /** DEVELOPMENT_PEOPLE when config.developmentSignIn, else []. */
  readonly seeds: readonly Seed[]
}

export interface Asked {
  /** From the path /t/{slug}/mcp; null: the person's home tenant. */
  readonly slug: string | null
  /** For the key's last use and the audit of joining. */
  readonly ip: string | null
  /** `tokenDigest(token)` of the token presented (D22). */
  readonly tokenDigest: string
}

/** Who belongs where. */
export interface Directory {
  /**
   * The one way from an Identity to a tenant (DESIGN section 7). Throws Refusal: token_revoked, person_blocked, key_revoked, key_expired,
   * scope_insufficient, tenant_unknown, tenant_foreign, tenant_suspended, tenant_behind, member_removed, evidence_missing,
   * join_by_request, provision_limited, database_unavailable. Does not check the token itself, nor a key's address (its provider does).
   */
  principal(identity: Identity, asked: Asked): Promise<Principal>
  /** After TenantFenced (D18): reads the registry anew, forgets what was held of the tenant, and answers what to refuse with. */
  fenced(tenant: Tenant): Promise<Refusal>
  /** Waits for last-use stamps under way. */
  settle(): Promise<void>
}

export function createDirectory(_options: DirectoryOptions): Directory {
  throw new Error('unfinished')
}
