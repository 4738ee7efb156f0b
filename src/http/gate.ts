import type { FastifyReply, FastifyRequest } from 'fastify'
import { Refusal } from '#base/refusal.ts'
import { revocationDigest } from '#identity/token-digest.ts'
import { bearerToken } from '#identity/bearer.ts'
import type { Principal } from '#tenancy/tenant.ts'
import { limitHeaders } from './challenge.ts'
import type { AppDeps } from './deps.ts'
import { routedSlug } from './endpoints.ts'
import type { Visits } from './visit.ts'

/** Somebody known, in a tenant, within their limits. */
interface Admission {
  readonly principal: Principal
  /** Asks again whether they may still be here (D22): rejects with a Refusal when not. Cheap: from caches. */
  readonly recheck: () => Promise<void>
}

export interface Gate {
  /**
   * For onRequest, so that the body of somebody unknown is never read (D33). Throws the Refusal of whichever step says no.
   * The tenant comes from the path and the membership, never from a header or an argument.
   */
  readonly admit: (request: FastifyRequest, reply: FastifyReply) => Promise<void>
  /** Who was admitted; only after `admit`. */
  readonly admitted: (request: FastifyRequest) => Admission
}

/** Who is calling: bearer token, identity, principal, limits. */
export function createGate(
  deps: Pick<AppDeps, 'authenticate' | 'principal' | 'limits' | 'clock'>,
  visits: Visits,
): Gate {
  const admissions = new WeakMap<FastifyRequest, Admission>()
  const admit: Gate['admit'] = async (request, reply) => {
    const visit = visits(request)
    const token = bearerToken({ rawHeaders: request.raw.rawHeaders, url: request.url })
    visit.presented = true
    const identity = await deps.authenticate(token, { ip: visit.ip })
    visit.identity = identity
    const at = { slug: routedSlug(request), ip: visit.ip, tokenDigest: revocationDigest(token) }
    const principal = await deps.principal(identity, at)
    visit.principal = principal
    const limit = await deps.limits.consume(principal)
    if (limit !== null) reply.headers(limitHeaders(limit))
    admissions.set(request, {
      principal,
      recheck: async () => {
        if (identity.exp !== null && identity.exp * 1000 <= deps.clock.now()) throw new Refusal('token_expired')
        await deps.principal(identity, at)
      },
    })
  }
  const admitted: Gate['admitted'] = (request) => {
    const admission = admissions.get(request)
    if (admission === undefined) throw new Error('the gate was not asked')
    return admission
  }
  return { admit, admitted }
}
