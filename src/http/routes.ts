import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Refusal } from '#base/refusal.ts'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']

/** Answers every method but `allowed` with 405 and Allow (RFC 9110 section 15.5.6), before anything of the body is read. */
export function onlyMethods(app: FastifyInstance, url: string, allowed: readonly string[]): void {
  app.route({
    method: METHODS.filter((method) => !allowed.includes(method)),
    url,
    onRequest: async (_request, reply) => {
      reply.header('allow', allowed.join(', '))
      throw new Refusal('method_refused')
    },
    handler: async () => undefined,
  })
}

/** A GET route with its 405s. */
export function page(
  app: FastifyInstance,
  url: string,
  onRequest: (request: FastifyRequest) => Promise<void>,
  handler: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>,
): void {
  app.get(url, { onRequest: async (request) => await onRequest(request) }, handler)
  onlyMethods(app, url, ['GET', 'HEAD'])
}
