import type { FastifyInstance, FastifyRequest } from 'fastify'
import { SLUG, endpointPath, routedSlug } from './endpoints.ts'
import { page } from './routes.ts'

export interface MetadataOptions {
  readonly publicUrl: string
  /** Byte for byte as they name themselves, the one that clients should use first. */
  readonly authorizationServers: readonly string[]
  /** What a client should ask for at sign-in. */
  readonly scopes: readonly string[]
  /** Counts an anonymous request. */
  readonly anonymous: (request: FastifyRequest) => Promise<void>
}

const WELL_KNOWN = '/.well-known/oauth-protected-resource'

/**
 * Protected resource metadata (RFC 9728), for the plain endpoint and for each /t/{slug}/mcp: of any well-formed slug, so that it does not
 * tell which tenants exist (D13). Built from PUBLIC_URL alone, never from Host; issuers byte for byte as they name themselves.
 */
export function metadataRoutes(
  app: FastifyInstance,
  { publicUrl, authorizationServers, scopes, anonymous }: MetadataOptions,
): void {
  const describe = (slug: string | null): object => ({
    resource: `${publicUrl}${endpointPath(slug)}`,
    ...(authorizationServers.length > 0 ? { authorization_servers: authorizationServers } : {}),
    ...(scopes.length > 0 ? { scopes_supported: scopes } : {}),
    bearer_methods_supported: ['header'],
    resource_name: slug === null ? 'Gatehouse' : `Gatehouse (${slug})`,
  })
  for (const url of [WELL_KNOWN, `${WELL_KNOWN}/mcp`, `${WELL_KNOWN}/t/:slug(^${SLUG}$)/mcp`]) {
    page(app, url, anonymous, async (request, reply) => {
      reply.header('cache-control', 'public, max-age=300')
      return describe(routedSlug(request))
    })
  }
}
