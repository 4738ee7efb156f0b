import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Clock } from '#base/clock.ts'
import type { Config } from '#base/config.ts'
import type { Refusal } from '#base/refusal.ts'
import type { Desk } from '#desk/operation.ts'
import type { Identity } from '#identity/identity.ts'
import type { SessionCutoffs } from '#login/session-cutoffs.ts'
import type { SessionFlows } from '#login/session-flow.ts'
import type { Sessions } from '#login/session.ts'
import type { Upstream } from '#login/upstream.ts'
import type { Asked } from '#tenancy/directory.ts'
import type { Operators } from '#tenancy/operators.ts'
import type { PersonTenant } from '#tenancy/person-tenants.ts'
import type { Registry } from '#tenancy/registry.ts'
import type { Principal } from '#tenancy/tenant.ts'

/** All that the console is built from; the composition root makes it. */
export interface ConsoleDeps {
  /** No trailing slash. */
  readonly publicUrl: string
  readonly secrets: readonly string[]
  readonly clock: Clock
  /** Whom people can sign in with, in the order in which they are offered. */
  readonly providers: readonly Pick<Upstream, 'id' | 'label' | 'issuer'>[]
  /** All who may assert an address of a person, also those whom nobody signs in with here; by the ids that domains list (D6). */
  readonly vouchers: readonly { readonly id: string; readonly label: string }[]
  readonly sessions: Sessions
  readonly flows: SessionFlows
  readonly cutoffs: SessionCutoffs
  /** Identity to principal, or a Refusal: the same question as for a token (DESIGN section 7). */
  readonly principal: (identity: Identity, asked: Asked) => Promise<Principal>
  /** All that admins change. */
  readonly registry: Registry
  /** Who is an operator (D3). */
  readonly operators: Operators
  /** What operations asked for in a chat are done with (D32). */
  readonly desk: Desk
  /** AUDIT_RETENTION_DAYS, for the page to say. */
  readonly auditDays: number
  readonly tenants: (identity: Identity) => Promise<readonly PersonTenant[]>
  /** Counts one request; throws Refusal `rate_limited`. */
  readonly limit: (principal: Principal) => Promise<unknown>
  /** For the Usage page, which shows it. */
  readonly rateLimit: Config['rateLimit']
}

/** What becomes known of a request, for its log line and the audit; `Visit` of http is one. */
interface ConsoleVisit {
  readonly requestId: string
  readonly ip: string | null
  presented: boolean
  identity: Identity | null
  principal: Principal | null
  refusal: Refusal | null
}

/** What the HTTP side lends to the rooms that are mounted on it. */
export interface ConsoleHost {
  readonly visits: (request: FastifyRequest) => ConsoleVisit
  /** Counts a failed or anonymous request of its address; throws Refusal `rate_limited`. */
  readonly anonymous: (request: FastifyRequest) => Promise<void>
  /** Answers every other method at this path with 405. */
  readonly onlyMethods: (app: FastifyInstance, url: string, allowed: readonly string[]) => void
}
