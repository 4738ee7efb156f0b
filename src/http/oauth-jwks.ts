import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ServiceTokens } from '#login/service-tokens.ts'
import { page } from './routes.ts'

export interface JwksOptions {
  readonly jwks: ServiceTokens['jwks']
  /** Counts an anonymous request. */
  readonly anonymous: (request: FastifyRequest) => Promise<void>
}

/** The public keys of service tokens (RFC 7517), for whoever else wants to check one. */
export function jwksRoutes(app: FastifyInstance, { jwks, anonymous }: JwksOptions): void {
  page(app, '/oauth/jwks.json', anonymous, async (_request, reply) => {
    reply.header('cache-control', 'public, max-age=300')
    return jwks
  })
}
