import type { FastifyInstance } from 'fastify'
import type { Principal } from '#tenancy/tenant.ts'
import { whoami } from '#tenancy/whoami.ts'
import type { Gate } from './gate.ts'
import { onlyMethods } from './routes.ts'

/** Who the token says is calling, and what they may do here: the way to test a token without an MCP client. */
function tokenReport(principal: Principal): object {
  const { identity } = principal
  return {
    ...whoami(principal),
    identity: {
      iss: identity.iss,
      sub: identity.sub,
      client_id: identity.client_id,
      scopes: identity.scopes,
      email_verified: identity.email_verified,
      organization: identity.organization,
      expires_at: identity.exp === null ? null : new Date(identity.exp * 1000).toISOString(),
    },
  }
}

/** Bearer only, as /mcp; cookies count for nothing here (D31). */
export function apiRoutes(app: FastifyInstance, gate: Gate): void {
  app.get('/api/v1/whoami', { onRequest: gate.admit }, async (request) => tokenReport(gate.admitted(request).principal))
  onlyMethods(app, '/api/v1/whoami', ['GET', 'HEAD'])
}
