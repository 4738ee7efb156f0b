import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { openApi } from './api-openapi.ts'
import { apiReference } from './api-reference.ts'
import { page } from './routes.ts'
import { sendDocument } from './send-document.ts'

export interface ApiDocumentOptions {
  readonly publicUrl: string
  /** Counts an anonymous request. */
  readonly anonymous: (request: FastifyRequest) => Promise<void>
}

/** What the API is, for everybody: /openapi.json for programs, /api/v1/reference for people. Made once; it names no tenant. */
export function apiDocumentRoutes(app: FastifyInstance, { publicUrl, anonymous }: ApiDocumentOptions): void {
  const api = openApi(publicUrl)
  const text = JSON.stringify(api)
  const reference = apiReference(publicUrl, api)
  const kept = (reply: FastifyReply): FastifyReply => reply.header('cache-control', 'public, max-age=300')
  page(app, '/openapi.json', anonymous, async (_request, reply) => {
    return await kept(reply).type('application/json; charset=utf-8').send(text)
  })
  page(app, '/api/v1/reference', anonymous, async (_request, reply) => await sendDocument(kept(reply), reference))
}
