import type { ConcurrencyConfig, PressureConfig } from './config-fairness.ts'
import type { EmbeddingsConfig } from './config-search.ts'
import type { SizesConfig } from './config-sizes.ts'
import type { LoginConfig } from './config-login.ts'
import type { TracingConfig } from './config-tracing.ts'
import type { UpstreamConfig } from './upstream.ts'

/**
 * The whole configuration, checked. Made once by `loadConfig` from the environment; deep-frozen; nothing else reads the environment.
 * All times in milliseconds unless the name says otherwise.
 */
export interface Config {
  /** As DECISIONS defines it: NODE_ENV=production, or a PUBLIC_URL or HOST that is not loopback, or a platform variable. */
  readonly production: boolean
  /** D1: no real provider, everything loopback, not production. */
  readonly developmentSignIn: boolean
  /** Processes that serve on one port. All that is said of a process, its connections for example, is said of each. */
  readonly workers: number
  readonly host: string
  readonly port: number
  /** No trailing slash. */
  readonly publicUrl: string
  readonly allowedHosts: readonly string[]
  /** '*', 'loopback', or the exact origins. */
  readonly corsOrigins: '*' | 'loopback' | readonly string[]
  /** Absolute path of DATA_DIR. */
  readonly dataDir: string
  readonly database: DatabaseConfig
  /** First seals, all open. At least one; made in DATA_DIR outside production when missing (by serve, not by loadConfig: see `secretFile`). */
  readonly sessionSecrets: readonly string[]
  /** SIGNING_KEY as it was given, and checked: Ed25519 private keys for service tokens. null: derived from `sessionSecrets` (D29). */
  readonly signingKey: string | null
  readonly operators: readonly string[]
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'
  /** A line per request, beside those of refusals and failures. */
  readonly requestLog: boolean
  /** Are regular requests answered without the SDK? */
  readonly directLane: boolean
  readonly rateLimit: {
    readonly on: boolean
    readonly perIp: number
    readonly perTenant: number
    readonly perPrincipal: number
  }
  /** Where requests are counted. */
  readonly rateLimitStore: RateLimitStore
  readonly sizes: SizesConfig
  readonly concurrency: ConcurrencyConfig
  readonly pressure: PressureConfig
  /** Days for which the hourly counts of calls are kept. */
  readonly usageRetentionDays: number
  /** Days for which the audit is kept (D35). */
  readonly auditRetentionDays: number
  readonly trustProxy: readonly string[]
  readonly clientIpHeader: string | null
  readonly metricsToken: string | null
  /** null: spans are sent nowhere. */
  readonly tracing: TracingConfig | null
  readonly shutdownTimeout: number
  readonly toolsDir: string | null
  readonly tenancy: {
    readonly unmappedDomains: 'reject' | 'provision'
    readonly personalTenants: 'per-user' | 'shared' | 'off'
    /** New tenants per hour. */
    readonly provisionLimit: number
  }
  /** Between asking for the deletion of a tenant and the deletion. */
  readonly tenantDeleteDays: number
  readonly egressAllowPrivate: boolean
  /** Addresses, perhaps with a port, that are asked for the records of claimed domains; []: those of this machine. */
  readonly dnsServers: readonly string[]
  readonly requiredScopes: readonly string[]
  readonly providers: ProvidersConfig
  readonly login: LoginConfig
  /** APIs that tools may call. */
  readonly upstreams: readonly UpstreamConfig[]
  /** null: search looks for words only. */
  readonly embeddings: EmbeddingsConfig | null
  /** What is worth a line at boot: which variable and what it leads to. Never a secret. */
  readonly warnings: readonly string[]
}

/** `memory`: each process for itself. The URL of `redis` may hold a password. */
type RateLimitStore = { readonly kind: 'memory' | 'postgres' } | { readonly kind: 'redis'; readonly url: string }

export interface DatabaseConfig {
  /** null: embedded PGlite in DATA_DIR. */
  readonly url: string | null
  /** Migrates and provisions; default `url`. */
  readonly adminUrl: string | null
  /** For LISTEN; default `url`. */
  readonly directUrl: string | null
  /** DATABASE_URL_<NAME>, by lower-cased name: where tenants with that placement live. */
  readonly placements: Readonly<Record<string, string>>
  /** DATABASE_REPLICA_URL by placement; `default` is the one of DATABASE_URL. */
  readonly replicas: Readonly<Record<string, string>>
  readonly appPassword: string | null
  /** false: the pool logs in as the URL's own user (D17). */
  readonly appRole: boolean
  /** Connections to each server, for calls. */
  readonly poolMax: number
  /** Connections to all servers together, for calls: the share of one process. */
  readonly poolTotal: number
  /** The server that new tenants live on. */
  readonly defaultPlacement: string
  readonly poolMaxLifetime: number
  /** Uses after which a connection is replaced; 0: never. */
  readonly poolMaxUses: number
  readonly pipeline: boolean
  /** DATABASE_URL is the coordinator of a Citus cluster. */
  readonly citus: boolean
  readonly tenantLogin: boolean
  /** Connections of all tenants' own logins in this process (D16). */
  readonly tenantConnections: number
  readonly migrateOnStart: boolean
  /** Put before every tenant role's and schema's slug part; for databases that share one Postgres server. Usually ''. */
  readonly slugPrefix: string
}

/** What sign-in needs at a provider; null when only tokens are verified. */
export interface LoginCredentials {
  readonly clientId: string
  readonly clientSecret: string | null
}

export interface GoogleConfig {
  /** Accepted `aud`/`azp`. */
  readonly clientIds: readonly string[]
  readonly clientSecret: string | null
  readonly carriesScopes: boolean
}
export interface Auth0Config {
  /** Host name, for example acme.eu.auth0.com. */
  readonly domain: string
  readonly audience: readonly string[]
  readonly login: LoginCredentials | null
  /** Domains whose Auth0-verified email counts as live evidence (D6). */
  readonly emailDomains: readonly string[]
  /** Claims that may hold the email, for example https://acme.com/email. */
  readonly emailClaim: string | null
  readonly carriesScopes: boolean
}
export interface GithubConfig {
  readonly clientId: string
  readonly clientSecret: string
  readonly allowPersonalTokens: boolean
}
export interface OidcConfig {
  /** `oidc`, or the lower-cased NAME of OIDC_<NAME>_*. */
  readonly id: string
  readonly issuer: string
  /** Accepted audiences of access tokens. */
  readonly audience: readonly string[]
  readonly login: LoginCredentials | null
  readonly tokenUse: 'any' | 'id_token' | 'access_token'
  readonly carriesScopes: boolean
  /** Domains it is authoritative for; '*' = every address it asserts; [] = none (D6). */
  readonly domains: '*' | readonly string[]
  /** Slug of the tenant that everyone of this issuer belongs to. */
  readonly tenant: string | null
  readonly organizationClaim: string | null
  /** Entra: allow-list of `tid`; [] = not Entra. */
  readonly tenantIds: readonly string[]
  /** RFC 7662: credentials when opaque tokens are accepted. Endpoint null: from discovery. */
  readonly introspection: {
    readonly endpoint: string | null
    readonly clientId: string
    readonly clientSecret: string
  } | null
  readonly algorithms: readonly string[]
}
export interface SharedSecretConfig {
  /** First is current; all verify. */
  readonly secrets: readonly string[]
  readonly issuer: string
  readonly audience: readonly string[]
  readonly subjectClaim: string
  readonly domains: readonly string[]
  readonly trustTenantClaim: boolean
  readonly carriesScopes: boolean
}
export interface StaticKeyConfig {
  readonly key: string
  readonly tenant: string
  readonly role: 'viewer' | 'member' | 'admin'
}
export interface ProvidersConfig {
  readonly google: GoogleConfig | null
  readonly auth0: Auth0Config | null
  readonly github: GithubConfig | null
  readonly oidc: readonly OidcConfig[]
  readonly sharedSecret: SharedSecretConfig | null
  readonly staticKey: StaticKeyConfig | null
}

/** The configuration cannot be used: every problem at once, no value of a secret. Exit code 78 (EX_CONFIG). */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(`${problems.length === 1 ? 'one problem' : `${problems.length} problems`} in the configuration`)
    this.problems = problems
  }
}
