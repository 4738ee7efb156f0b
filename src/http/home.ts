import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Refusal } from '#base/refusal.ts'
import { metadataUrl } from './endpoints.ts'
import { page } from './routes.ts'

export interface HomeOptions {
  readonly publicUrl: string
  /** Counts an anonymous request. */
  readonly anonymous: (request: FastifyRequest) => Promise<void>
}

/** What stands at the front: where to go, for somebody who opens the address in a browser, and for clients of the retired transport. */
export function homeRoutes(app: FastifyInstance, { publicUrl, anonymous }: HomeOptions): void {
  page(app, '/', anonymous, async () => ({
    name: 'Gatehouse',
    description: 'An MCP server. Paste the address below into your MCP client and sign in.',
    mcp: `${publicUrl}/mcp`,
    resource_metadata: metadataUrl(publicUrl, null),
  }))
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
