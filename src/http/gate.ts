import type { FastifyReply, FastifyRequest } from 'fastify'
import { Refusal } from '#base/refusal.ts'
import { revocationDigest } from '#identity/token-digest.ts'
import { bearerToken } from '#identity/bearer.ts'
import type { Identity } from '#identity/identity.ts'
import type { OperatorActor } from '#tenancy/registry.ts'
import type { Principal } from '#tenancy/tenant.ts'
import type { Admission as Places } from './admission.ts'
import { limitHeaders } from './challenge.ts'
import type { AppDeps } from './deps.ts'
import { routedSlug } from './endpoints.ts'
import type { Visit, Visits } from './visit.ts'

/** Somebody known, in a tenant, within their limits. */
interface Admission {
  readonly principal: Principal
  /** Asks again whether they may still be here (D22): rejects with a Refusal when not. Cheap: from caches. */
  readonly recheck: () => Promise<void>
}

/** An operator, within their limit; in no tenant. */
interface OperatorAdmission {
  /** For the registry's functions. */
  readonly actor: OperatorActor
  readonly identity: Identity
  /** As that of an Admission, of the registry itself each time: for downloads that take long. */
  readonly recheck: () => Promise<void>
}

export interface Gate {
  /**
   * For onRequest, so that the body of somebody unknown is never read (D33). Throws the Refusal of whichever step says no.
   * The tenant comes from the path and the membership, never from a header or an argument.
   */
  readonly admit: (request: FastifyRequest, reply: FastifyReply) => Promise<void>
  /**
   * Counts what a call costs besides the one request that `admit` counted. Only after `admit`. Throws Refusal rate_limited when it does not fit.
   */
  readonly spend: (request: FastifyRequest, reply: FastifyReply, more: number) => Promise<void>
  /** Who was admitted; only after `admit`. */
  readonly admitted: (request: FastifyRequest) => Admission
  /**
   * The same for /api/v1/operator: one of OPERATORS (D3), whether they belong to a tenant or not; others get a 403 that tells nothing.
   * Never for /mcp.
   */
  readonly admitOperator: (request: FastifyRequest, reply: FastifyReply) => Promise<void>
  /** Who was admitted; only after `admitOperator`. */
  readonly operator: (request: FastifyRequest) => OperatorAdmission
}

/** Who is calling: bearer token, identity, principal, limits, and a place among the calls under way. */
export function createGate(
  deps: Pick<AppDeps, 'authenticate' | 'principal' | 'limits' | 'clock' | 'operators' | 'tracing'>,
  visits: Visits,
  places: Pick<Places, 'enter'>,
): Gate {
  const admissions = new WeakMap<FastifyRequest, Admission>()
  const operators = new WeakMap<FastifyRequest, OperatorAdmission>()

  /** What turns somebody away is named by its code. */
  const span = async <T>({ trace }: Visit, name: string, work: () => Promise<T>): Promise<T> =>
    await deps.tracing.span(name, { parent: trace, typeOf: codeOf }, work)

  async function identify(request: FastifyRequest): Promise<{ identity: Identity; tokenDigest: string; visit: Visit }> {
    const visit = visits(request)
    const token = bearerToken({ rawHeaders: request.raw.rawHeaders, url: request.url })
    visit.presented = true
    const identity = await span(visit, 'authenticate', async () => await deps.authenticate(token, { ip: visit.ip }))
    visit.identity = identity
    return { identity, tokenDigest: revocationDigest(token), visit }
  }

  return {
    async admit(request, reply) {
      const { identity, tokenDigest, visit } = await identify(request)
      const at = { slug: routedSlug(request), ip: visit.ip, tokenDigest }
      const principal = await span(visit, 'resolve tenant', async () => await deps.principal(identity, at))
      visit.principal = principal
      const limit = await deps.limits.consume(principal)
      if (limit !== null) reply.headers(limitHeaders(limit))
      await places.enter(request, reply, principal)
      admissions.set(request, {
        principal,
        recheck: async () => {
          if (identity.exp !== null && identity.exp * 1000 <= deps.clock.now()) throw new Refusal('token_expired')
          await deps.principal(identity, at)
        },
      })
    },
    async spend(request, reply, more) {
      const limit = await deps.limits.consume(known(admissions, request).principal, more)
      if (limit !== null) reply.headers(limitHeaders(limit))
    },
    admitted: (request) => known(admissions, request),
    async admitOperator(request, reply) {
      const { identity, tokenDigest, visit } = await identify(request)
      const ask = async (): Promise<OperatorActor> =>
        await deps.operators.admit(identity, { tokenDigest, requestId: visit.requestId, ip: visit.ip })
      const actor = await ask()
      needWhole(identity)
      const limit = await deps.limits.consumePerson(identity)
      if (limit !== null) reply.headers(limitHeaders(limit))
      operators.set(request, { actor, identity, recheck: async () => void (await ask()) })
    },
    operator: (request) => known(operators, request),
  }
}

/** The scope without which a token that carries scopes of ours has no power over tenants. */
const WHOLE = 'tenant:owner'

/** Whoever let a client read their projects did not let it delete tenants: where tokens carry our scopes, this one needs the highest. */
function needWhole({ scopes }: Identity): void {
  if (scopes !== null && !scopes.includes(WHOLE))
    throw new Refusal('scope_insufficient', { scope: [WHOLE], detail: `an operator's token lacks ${WHOLE}` })
}

const codeOf = (error: unknown): string => (error instanceof Refusal ? error.code : 'error')

function known<T>(admissions: WeakMap<FastifyRequest, T>, request: FastifyRequest): T {
  const admission = admissions.get(request)
  if (admission === undefined) throw new Error('the gate was not asked')
  return admission
}
