import type { FastifyInstance, FastifyRequest } from 'fastify'
import { page } from './routes.ts'

export interface AuthorizationServerOptions {
  readonly metadata: object
  /** Counts an anonymous request. */
  readonly anonymous: (request: FastifyRequest) => Promise<void>
}

/**
 * Authorization server metadata (RFC 8414) at its one address: our issuer has no path. /.well-known/openid-configuration stays 404, since
 * we issue no ID tokens and clients that ask both (MCP: RFC 8414 first) find what is true.
 */
export function authorizationServerRoutes(
  app: FastifyInstance,
  { metadata, anonymous }: AuthorizationServerOptions,
): void {
  page(app, '/.well-known/oauth-authorization-server', anonymous, async (_request, reply) => {
    reply.header('cache-control', 'public, max-age=300')
    return metadata
  })
}
