import type { Identity } from '#identity/identity.ts'

export const ROLES = ['viewer', 'member', 'admin', 'owner', 'service'] as const
export type Role = (typeof ROLES)[number]

/** What a plan says of its tenants; each null: what the server's configuration says. */
export interface TenantLimits {
  /** Calls of all its people and keys together; a tool's cost counts. */
  readonly calls_per_minute: number | null
  /** Of one person or key. */
  readonly calls_per_minute_principal: number | null
  /** Calls under way at the same time. */
  readonly concurrent_calls: number | null
  /** Octets of one result; never above the server's. */
  readonly result_bytes: number | null
  /** Seconds of one call; never above the server's. */
  readonly call_seconds: number | null
  /** Keys of one member that work at the same time. */
  readonly keys: number | null
}

/** Of a tenant without a plan. */
export const NO_LIMITS: TenantLimits = Object.freeze({
  calls_per_minute: null,
  calls_per_minute_principal: null,
  concurrent_calls: null,
  result_bytes: null,
  call_seconds: null,
  keys: null,
})

/** Of a tenant that has switched no tool off. */
export const ALL_ON: ReadonlySet<string> = new Set()

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
  /** The name of its plan; null: the server's own limits. */
  readonly plan: string | null
  /** What the plan says, as it stood when the tenant was read. */
  readonly limits: TenantLimits
  /** Names of the tools that are switched off here, of some that are no tool any more too; nearly always ALL_ON. */
  readonly toolsOff: ReadonlySet<string>
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
