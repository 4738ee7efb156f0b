import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { brokerFacts, expectedFacts, type IssuerFacts } from '#base/client-outlook.ts'
import { Refusal } from '#base/refusal.ts'
import { prefersHtml } from './accept.ts'
import { connectPage } from './connect-page.ts'
import type { ProviderFacts } from './deps.ts'
import { SLUG, endpointPath, metadataUrl, routedSlug } from './endpoints.ts'
import { sendDocument } from './send-document.ts'
import { providerName } from './provider-name.ts'
import { page } from './routes.ts'

export interface HomeOptions {
  readonly publicUrl: string
  readonly providers: readonly Pick<ProviderFacts, 'id' | 'authorization_server'>[]
  /** Is this server the authorization server in front of its providers? */
  readonly brokered: boolean
  /** Is there a console at /console? */
  readonly console: boolean
  /** Counts an anonymous request. */
  readonly anonymous: (request: FastifyRequest) => Promise<void>
}

/**
 * What stands at the front, `/` and `/t/{slug}` of any well-formed slug (D13): for a browser the Connect page, for everything else the
 * same as JSON; and a word for clients of the retired transport.
 */
export function homeRoutes(app: FastifyInstance, options: HomeOptions): void {
  const { publicUrl, providers, anonymous } = options
  const issuers = providers.filter(({ authorization_server }) => authorization_server !== null)
  const signIn = [...new Set(issuers.map(providerName))]
  const issuer = issuerOf(options)
  const certain = options.brokered || issuers[0]?.id === 'development'
  const home = async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    const slug = routedSlug(request)
    const mcp = `${publicUrl}${endpointPath(slug)}`
    reply.header('vary', [reply.getHeader('vary'), 'Accept'].filter((name) => name !== undefined).join(', '))
    if (prefersHtml(request.headers.accept))
      return await sendDocument(
        reply,
        connectPage({ publicUrl, mcp, slug, signIn, issuer, certain, console: options.console }),
      )
    return {
      name: 'Gatehouse',
      description: 'An MCP server. Paste the address below into your MCP client and sign in.',
      mcp,
      resource_metadata: metadataUrl(publicUrl, slug),
    }
  }
  page(app, '/', anonymous, home)
  page(app, `/t/:slug(^${SLUG}$)`, anonymous, home)
  for (const url of ['/sse', '/messages']) {
    app.all(
      url,
      {
        onRequest: async () => {
          throw new Refusal('transport_retired')
        },
      },
      async () => undefined,
    )
  }
}

/** The one clients use is the first; what it can do is known here only by its name. */
function issuerOf({ publicUrl, providers, brokered }: HomeOptions): IssuerFacts | null {
  const first = providers.find(({ authorization_server }) => authorization_server !== null)?.authorization_server
  if (first === undefined || first === null) return null
  return brokered ? brokerFacts(publicUrl) : expectedFacts(first)
}
