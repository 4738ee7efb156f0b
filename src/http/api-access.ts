import type { FastifyReply, FastifyRequest } from 'fastify'
import { Refusal } from '#base/refusal.ts'
import type { Call, Desk, OperatorCall } from '#desk/operation.ts'
import type { Precondition } from '#tenancy/precondition.ts'
import { RegistryError } from '#tenancy/registry-error.ts'
import type { Principal } from '#tenancy/tenant.ts'
import type { Caller } from './api-repeat.ts'
import type { Gate } from './gate.ts'
import type { Visits } from './visit.ts'

/** How one kind of caller comes in. */
export interface Access<On> {
  /** For onRequest: nothing of a body is read of who may not ask (D33). Throws Refusal, and RegistryError `forbidden`. */
  admit(request: FastifyRequest, reply: FastifyReply, scopes: readonly string[]): Promise<void>
  /** Only after `admit`. */
  call(request: FastifyRequest, precondition: Precondition<object> | undefined): On & Caller
  /** Asks again whether they may still be here (D22). */
  recheck(request: FastifyRequest): Promise<void>
}

const given = (precondition: Precondition<object> | undefined): { precondition?: Precondition<object> } =>
  precondition === undefined ? {} : { precondition }

/** Members and keys, in the tenant of the path or their home. */
export const memberAccess = (gate: Gate, visits: Visits, desk: Desk): Access<Call> => ({
  async admit(request, reply, scopes) {
    await gate.admit(request, reply)
    needScopes(scopes, gate.admitted(request).principal)
  },
  call(request, precondition) {
    const { principal } = gate.admitted(request)
    const { requestId, ip } = visits(request)
    const actor = { kind: 'person', principal, request_id: requestId, ip } as const
    return { ...desk, tenant: principal.tenant, actor, ...given(precondition) }
  },
  recheck: async (request) => await gate.admitted(request).recheck(),
})

/** Operators, in no tenant (D3). */
export const operatorAccess = (gate: Gate, desk: Desk): Access<OperatorCall> => ({
  admit: async (request, reply) => await gate.admitOperator(request, reply),
  call: (request, precondition) => ({
    ...desk,
    tenant: null,
    actor: gate.operator(request).actor,
    ...given(precondition),
  }),
  recheck: async (request) => await gate.operator(request).recheck(),
})

/** A scope that the role never gives is a matter of who they are; one that only the token lacks can be asked for (RFC 6750 section 3.1). */
function needScopes(scopes: readonly string[], principal: Principal): void {
  const missing = scopes.find((scope) => !principal.scopes.has(scope))
  if (missing === undefined) return
  if (scopes.every((scope) => principal.role_scopes.has(scope)))
    throw new Refusal('scope_insufficient', { scope: [...scopes], detail: `the token lacks ${missing}` })
  throw new RegistryError('forbidden', `this needs the scope ${missing}`)
}
