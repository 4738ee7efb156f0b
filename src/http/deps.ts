import type { CallToolResult, Tool as WireTool } from '@modelcontextprotocol/server'
import type { FastifyInstance } from 'fastify'
import type { Clock } from '#base/clock.ts'
import type { Config } from '#base/config.ts'
import type { Log } from '#base/log.ts'
import type { Refusal } from '#base/refusal.ts'
import type { Identity } from '#identity/identity.ts'
import type { Provider, VerifyContext } from '#identity/provider.ts'
import type { Principal } from '#tenancy/tenant.ts'

/** All that http is built from. Values only: the composition root makes them, a test hands in simple ones. */
export interface AppDeps {
  readonly config: Config
  readonly log: Log
  readonly clock: Clock
  /** Token to identity, or a Refusal. */
  authenticate(token: string, context: VerifyContext): Promise<Identity>
  /** Identity to principal, or a Refusal. Asked again every second while a stream is open (D22), so its answer should come from a cache. */
  principal(identity: Identity, at: PrincipalRequest): Promise<Principal>
  readonly caller: ToolCaller
  readonly catalogue: ToolCatalogue
  readonly limits: CallLimits
  readonly auditor: RefusalAuditor
  /** In the order in which `authorization_servers` names them. */
  readonly providers: readonly ProviderFacts[]
  readonly database: DatabaseState
  /** Only outside production and without a real provider (D1). */
  readonly developmentIssuer: DevelopmentIssuer | null
}

export interface PrincipalRequest {
  /** Of /t/{slug}/mcp; null for the home tenant. */
  readonly slug: string | null
  readonly ip: string | null
  /** Hex SHA-256 of the token: revocations are looked up by it (D22). */
  readonly tokenDigest: string
}

/** Of a Provider only what metadata, challenge and readiness say. */
export type ProviderFacts = Pick<Provider, 'id' | 'authorization_server' | 'challenge_scopes' | 'grants_scopes' | 'state'>

export interface CallRequest {
  readonly signal: AbortSignal
  readonly requestId: string
  readonly ip: string | null
  /** Sends a progress notification; does nothing when the caller did not ask for any. */
  progress(done: number, total?: number, message?: string): Promise<void>
}

export interface ToolCaller {
  /** Throws InvalidArguments (by its `name`) for arguments that do not fit; everything else is in the result. */
  call(principal: Principal, name: string, args: unknown, request: CallRequest): Promise<CallToolResult>
}

export interface ToolCatalogue {
  /** What this principal may see (D12), sorted by name, in the form of the wire; made once, not per request. */
  visible(principal: Principal): readonly WireTool[]
  /** All scopes a call of this tool needs; null when there is no such tool for this principal (D12: missing by role or key). */
  requiredScopes(principal: Principal, name: string): readonly string[] | null
}

/** Where a principal stands against the limit that is nearest to being reached. */
export interface LimitState {
  /** Requests per window. */
  readonly limit: number
  readonly remaining: number
  /** Seconds until the window starts anew. */
  readonly reset: number
  /** Seconds. */
  readonly window: number
}

export interface CallLimits {
  /** Counts one request; throws Refusal rate_limited. null: limits are off. */
  consume(principal: Principal): Promise<LimitState | null>
}

/** A request turned away, for the audit: with its tenant when that is known (D35). */
export interface RefusedRequest {
  readonly refusal: Refusal
  readonly requestId: string
  readonly ip: string | null
  readonly identity: Identity | null
  readonly principal: Principal | null
  /** Name of the tool of a tools/call, else null. */
  readonly tool: string | null
}

export interface RefusalAuditor {
  /** Must not throw and must not wait. */
  refused(request: RefusedRequest): void
}

export interface DatabaseState {
  /** One round trip; rejects when the database cannot be reached. */
  ping(): Promise<void>
  /** True when the registry has the version this program needs. */
  migrated(): Promise<boolean>
}

export interface DevelopmentIssuer {
  /** PUBLIC_URL + '/dev'. */
  readonly issuer: string
  /** Routes under /dev/ and its two RFC 8414 well-known forms. */
  mount(app: FastifyInstance): Promise<void>
}
