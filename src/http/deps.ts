import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Clock } from '#base/clock.ts'
import type { Config } from '#base/config.ts'
import type { Log } from '#base/log.ts'
import type { Metrics } from '#base/metrics.ts'
import type { Tracing } from '#base/tracing.ts'
import type { Desk } from '#desk/operation.ts'
import type { Identity } from '#identity/identity.ts'
import type { ServiceTokens } from '#login/service-tokens.ts'
import type { Provider, VerifyContext } from '#identity/provider.ts'
import type { Login } from '#login/login.ts'
import type { Answers } from '#tenancy/answers.ts'
import type { Operators } from '#tenancy/operators.ts'
import type { Principal } from '#tenancy/tenant.ts'
import type { UsageMeter } from '#tenancy/usage-meter.ts'
import type { Auditor } from '#toolkit/audit.ts'
import type { Caller } from '#toolkit/call.ts'
import type { Catalogue } from '#toolkit/catalogue.ts'
import type { Changes } from '#toolkit/changes.ts'
import type { Library } from '#toolkit/library.ts'
import type { CallLimits } from '#toolkit/limits.ts'
import type { IpLimit } from './ip-limit.ts'
import type { PressureWatch } from './pressure.ts'
import type { Visits } from './visit.ts'

/** All that http is built from. Values only: the composition root makes them, a test hands in simple ones. */
export interface AppDeps {
  readonly config: Config
  readonly log: Log
  readonly clock: Clock
  /** What /metrics tells. */
  readonly metrics: Metrics
  readonly tracing: Tracing
  /** Token to identity, or a Refusal. */
  authenticate(token: string, context: VerifyContext): Promise<Identity>
  /** Identity to principal, or a Refusal. Asked again every second while a stream is open (D22), so its answer should come from a cache. */
  principal(identity: Identity, at: PrincipalRequest): Promise<Principal>
  /** As the registry door says it. */
  readonly generation: () => number | null
  readonly caller: Caller
  readonly catalogue: Catalogue
  /** Resources and prompts. */
  readonly library: Library
  readonly changes: Changes
  readonly limits: CallLimits
  /** Failed and anonymous requests of one address. */
  readonly ipLimit: IpLimit
  /** How hard it is for the process; default: it is watched. For tests. */
  readonly pressure?: PressureWatch
  /** Who may ask under /api/v1/operator (D3). */
  readonly operators: Operators
  readonly auditor: Pick<Auditor, 'refused'>
  readonly usage: Pick<UsageMeter, 'refused'>
  /** In the order in which `authorization_servers` names them. */
  readonly providers: readonly ProviderFacts[]
  readonly database: DatabaseState
  readonly login: Login
  /** Tokens for API keys. */
  readonly serviceTokens: ServiceTokens
  readonly console: Mounted
  /** What the API for admins works with. */
  readonly desk: Desk
  /** Kept for callers of the API that repeat a request. */
  readonly answers: Answers
  /** Of the program that has Gatehouse as its library; its hooks stay inside it. */
  readonly routes?: (app: FastifyInstance) => Promise<void>
  /** Only outside production and without a real provider (D1). */
  readonly developmentIssuer: DevelopmentIssuer | null
}

interface PrincipalRequest {
  /** Of /t/{slug}/mcp; null for the home tenant. */
  readonly slug: string | null
  readonly ip: string | null
  /** Hex SHA-256 of the token: revocations are looked up by it (D22). */
  readonly tokenDigest: string
}

/** Of a Provider only what metadata, challenge and readiness say. */
export type ProviderFacts = Pick<
  Provider,
  'id' | 'authorization_server' | 'challenge_scopes' | 'grants_scopes' | 'state'
>

interface DatabaseState {
  /** One round trip; rejects when the database cannot be reached. */
  ping(): Promise<void>
  /** True when the registry has the version this program needs. */
  migrated(): Promise<boolean>
}

/** Pages of another room on this floor; what they need of ours is lent to them. */
interface Mounted {
  mount(app: FastifyInstance, host: Host): Promise<void>
}

interface Host {
  readonly visits: Visits
  /** Counts an anonymous request; throws Refusal `rate_limited`. */
  readonly anonymous: (request: FastifyRequest) => Promise<void>
  readonly onlyMethods: (app: FastifyInstance, url: string, allowed: readonly string[]) => void
}

export interface DevelopmentIssuer {
  /** PUBLIC_URL + '/dev'. */
  readonly issuer: string
  /** Routes under /dev/ and its two RFC 8414 well-known forms. */
  mount(app: FastifyInstance): Promise<void>
}
