import type { FastifyRequest } from 'fastify'
import { createOverMcp } from '#tenancy/over-mcp.ts'
import type { Principal } from '#tenancy/tenant.ts'
import { beside } from './beside.ts'
import type { Gate } from './gate.ts'

/** Who calls over MCP (over-mcp.ts), once for each request. Only after `admit`. */
export function createMcpPrincipals(gate: Pick<Gate, 'admitted'>): (request: FastifyRequest) => Principal {
  const overMcp = createOverMcp()
  const principals = beside<Principal>()
  return (request) => {
    const known = principals.get(request)
    if (known !== undefined) return known
    const principal = overMcp(gate.admitted(request).principal)
    principals.set(request, principal)
    return principal
  }
}
