import type { Identity } from '#identity/identity.ts'

export const ROLES = ['viewer', 'member', 'admin', 'owner', 'service'] as const
export type Role = (typeof ROLES)[number]

export interface Tenant {
  /** UUIDv7. */
  readonly id: string
  /** `^[a-z][a-z0-9_]{0,40}$`; never reused, never renamed (D10). */
  readonly slug: string
  /** Display name; can change. */
  readonly name: string
  /** Name of the Postgres schema and of the tenant's role. */
  readonly schema: `tenant_${string}`
  readonly status: 'active' | 'suspended'
  /** Which DATABASE_URL_<NAME> holds it; 'default' is DATABASE_URL. */
  readonly placement: string
  /** Version of sql/tenant that its schema has. */
  readonly schemaVersion: number
  /** Do `tenant:admin` and `tenant:owner` count over MCP (D32)? */
  readonly mcpAdmin: boolean
  /** RFC 3339: it is deleted after this; null: it stays. */
  readonly deleteAfter: string | null
}

/** Who is calling, in which tenant, with which rights. Nobody touches a tenant's data without one. */
export interface Principal {
  readonly identity: Identity
  readonly tenant: Tenant
  readonly role: Role
  /** Effective: role scopes, cut by the token's or the key's. `write` implies `read` and both are listed. */
  readonly scopes: ReadonlySet<string>
  /** What the role (or key) alone gives: a tool whose scope is missing here is not listed (D12); missing only in `scopes`: 403 challenge. */
  readonly role_scopes: ReadonlySet<string>
  /** An operator who sees the tenant as its admin does (D37): reads, and changes nothing, whatever the scopes say (tenancy/ledger.ts). */
  readonly onlooker?: true
  /** An API key's own limit; absent: none. */
  readonly requests_per_hour?: number
}
