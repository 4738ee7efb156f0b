import type { FastifyInstance } from 'fastify'
import { userId } from '#identity/identity.ts'
import type { Principal } from '#tenancy/tenant.ts'
import type { Gate } from './gate.ts'
import { onlyMethods } from './routes.ts'

/** Who the token says is calling, and what they may do here: the way to test a token without an MCP client. */
function whoami({ identity, tenant, role, scopes }: Principal): object {
  return {
    user_id: userId(identity),
    email: identity.email,
    name: identity.name,
    provider: identity.provider,
    tenant: { slug: tenant.slug, name: tenant.name },
    role,
    scopes: [...scopes].sort(),
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
  app.get('/api/v1/whoami', { onRequest: gate.admit }, async (request) => whoami(gate.admitted(request).principal))
  onlyMethods(app, '/api/v1/whoami', ['GET', 'HEAD'])
}
