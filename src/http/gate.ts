import type { FastifyReply, FastifyRequest } from 'fastify'
import { Refusal } from '#base/refusal.ts'
import { soon } from '#base/soon.ts'
import { revocationDigest, tokenDigest } from '#identity/token-digest.ts'
import { bearerToken } from '#identity/bearer.ts'
import type { Identity } from '#identity/identity.ts'
import type { OperatorActor } from '#tenancy/registry.ts'
import type { Principal } from '#tenancy/tenant.ts'
import type { Admission as Places } from './admission.ts'
import { beside, type Beside } from './beside.ts'
import { limitHeaders } from './challenge.ts'
import type { AppDeps } from './deps.ts'
import { routedSlug } from './endpoints.ts'
import { createRecentCallers } from './recent.ts'
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
   * The tenant comes from the path and the membership, never from a header or an argument. Answers no promise when nobody had to be asked.
   */
  readonly admit: (request: FastifyRequest, reply: FastifyReply) => Promise<void> | undefined
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
  deps: Pick<AppDeps, 'authenticate' | 'principal' | 'generation' | 'limits' | 'clock' | 'operators' | 'tracing'>,
  visits: Visits,
  places: Pick<Places, 'enter'>,
): Gate {
  const admissions = beside<Admission>()
  const operators = beside<OperatorAdmission>()
  const recent = createRecentCallers(deps.clock, deps.generation)

  /** What turns somebody away is named by its code. */
  const span = async <T>({ trace }: Visit, name: string, work: () => Promise<T>): Promise<T> =>
    await deps.tracing.span(name, { parent: trace, typeOf: codeOf }, work)

  function presented(request: FastifyRequest): { readonly token: string; readonly visit: Visit } {
    const visit = visits(request)
    const token = bearerToken({ rawHeaders: request.raw.rawHeaders, url: request.url })
    visit.presented = true
    return { token, visit }
  }

  async function identify(token: string, visit: Visit): Promise<Identity> {
    const identity = await span(visit, 'authenticate', async () => await deps.authenticate(token, { ip: visit.ip }))
    visit.identity = identity
    return identity
  }

  /** Everything is asked: the provider, the registry. */
  async function judge(
    request: FastifyRequest,
    reply: FastifyReply,
    token: string,
    visit: Visit,
    key: string,
  ): Promise<void> {
    const before = deps.generation()
    const identity = await identify(token, visit)
    const at = { slug: routedSlug(request), ip: visit.ip, tokenDigest: revocationDigest(token) }
    const principal = await span(visit, 'resolve tenant', async () => await deps.principal(identity, at))
    recent.add(key, { identity, principal }, before)
    await letIn(request, reply, token, visit, identity, principal)
  }

  function letIn(
    request: FastifyRequest,
    reply: FastifyReply,
    token: string,
    visit: Visit,
    identity: Identity,
    principal: Principal,
  ): Promise<void> | undefined {
    visit.principal = principal
    admissions.set(request, {
      principal,
      recheck: async () => {
        if (identity.exp !== null && identity.exp * 1000 <= deps.clock.now()) throw new Refusal('token_expired')
        const at = { slug: routedSlug(request), ip: visit.ip, tokenDigest: revocationDigest(token) }
        await deps.principal(identity, at)
      },
    })
    const counted = soon(deps.limits.consume(principal), (limit) => {
      if (limit !== null) reply.headers(limitHeaders(limit))
      return places.enter(request, reply, principal)
    })
    return counted instanceof Promise ? counted : undefined
  }

  return {
    admit(request, reply) {
      const { token, visit } = presented(request)
      const key = `${tokenDigest(token)} ${visit.ip ?? ''} ${routedSlug(request) ?? ''}`
      // Whoever traces wants to see who is asked.
      const known = deps.tracing.on ? undefined : recent.get(key)
      if (known === undefined) return judge(request, reply, token, visit, key)
      visit.identity = known.identity
      return letIn(request, reply, token, visit, known.identity, known.principal)
    },
    async spend(request, reply, more) {
      const limit = await deps.limits.consume(admittedOf(admissions, request).principal, more)
      if (limit !== null) reply.headers(limitHeaders(limit))
    },
    admitted: (request) => admittedOf(admissions, request),
    async admitOperator(request, reply) {
      const { token, visit } = presented(request)
      const identity = await identify(token, visit)
      const asked = { tokenDigest: revocationDigest(token), requestId: visit.requestId, ip: visit.ip }
      const ask = async (): Promise<OperatorActor> => await deps.operators.admit(identity, asked)
      const actor = await ask()
      needWhole(identity)
      const limit = await deps.limits.consumePerson(identity)
      if (limit !== null) reply.headers(limitHeaders(limit))
      operators.set(request, { actor, identity, recheck: async () => void (await ask()) })
    },
    operator: (request) => admittedOf(operators, request),
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

function admittedOf<T>(admissions: Beside<T>, request: FastifyRequest): T {
  const admission = admissions.get(request)
  if (admission === undefined) throw new Error('the gate was not asked')
  return admission
}
