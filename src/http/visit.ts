import type { FastifyRequest } from 'fastify'
import type { Refusal } from '#base/refusal.ts'
import { NO_SCOPE, type Scope } from '#base/tracing.ts'
import type { Identity } from '#identity/identity.ts'
import type { Principal } from '#tenancy/tenant.ts'
import { beside } from './beside.ts'

/** What becomes known of one request on its way; the log line, the audit and the metrics are written from it. */
export interface Visit {
  readonly requestId: string
  readonly ip: string | null
  /** Milliseconds of performance.now(). */
  readonly started: number
  /** True once a token was read from the request, good or bad. */
  presented: boolean
  identity: Identity | null
  principal: Principal | null
  /** JSON-RPC method; null when it is no MCP message. */
  method: string | null
  /** Name of the tool of a tools/call, as the caller wrote it. */
  tool: string | null
  refusal: Refusal | null
  /** The span of this request. */
  trace: Scope
}

/** Gives each request its Visit: beside the request, not on it, so that nothing else can reach for it. */
export type Visits = (request: FastifyRequest) => Visit

export function createVisits(addressOf: (request: FastifyRequest) => string | null): Visits {
  const visits = beside<Visit>()
  return (request) => {
    const known = visits.get(request)
    if (known !== undefined) return known
    const visit: Visit = {
      requestId: request.id,
      ip: addressOf(request),
      started: performance.now(),
      presented: false,
      identity: null,
      principal: null,
      method: null,
      tool: null,
      refusal: null,
      trace: NO_SCOPE,
    }
    visits.set(request, visit)
    return visit
  }
}
