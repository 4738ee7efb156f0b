import formbody from '@fastify/formbody'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Revoker } from '#login/revocation.ts'
import type { Tokens } from '#login/tokens.ts'
import { Refusal } from '#base/refusal.ts'
import { basicOf, formOf } from './parameters.ts'
import { onlyMethods } from './routes.ts'
import type { Visits } from './visit.ts'

export interface TokenRoutesOptions {
  readonly tokens: Tokens
  readonly revoke: Revoker
  readonly visits: Visits
  /** Counts an anonymous request. */
  readonly anonymous: (request: FastifyRequest) => Promise<void>
}

/** Bytes: our longest code or refresh token, a registration as client_id, an assertion. */
const BODY_LIMIT = 64 * 1024

/**
 * POST /oauth/token (RFC 6749 section 3.2) and POST /oauth/revoke (RFC 7009). Forms only, no cookie is looked at, and errors are JSON.
 * What fails counts against its address (D33); what a client may do is said by what it holds.
 */
export async function oauthTokenRoutes(
  app: FastifyInstance,
  { tokens, revoke, visits, anonymous }: TokenRoutesOptions,
): Promise<void> {
  await app.register(async (oauth) => {
    oauth.removeAllContentTypeParsers()
    await oauth.register(formbody, { bodyLimit: BODY_LIMIT })

    oauth.setErrorHandler(challengeBasic)

    oauth.post('/oauth/token', { bodyLimit: BODY_LIMIT }, async (request, reply) => {
      const visit = visits(request)
      const parameters = formOf(request)
      visit.presented = true
      const { ip, requestId } = visit
      const { answer, identity } = await tokens.grant({ parameters, basic: basicOf(request) }, { ip, requestId })
      visit.identity = identity
      // RFC 6749 section 5.1 asks for it beside no-store.
      reply.header('pragma', 'no-cache')
      return answer
    })

    // It answers 200 to anything, so each one counts: none is seen to fail.
    const onRequest = async (request: FastifyRequest): Promise<void> => await anonymous(request)
    oauth.post('/oauth/revoke', { onRequest, bodyLimit: BODY_LIMIT }, async (request) => {
      const { ip, requestId } = visits(request)
      await revoke(formOf(request), { ip, requestId })
      return {}
    })
  })
  for (const path of ['/oauth/token', '/oauth/revoke']) onlyMethods(app, path, ['POST'])
}

/** A client that is not known is told so by the scheme it tried (RFC 6749 section 5.2); the rest is the common handler's. */
async function challengeBasic(error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<never> {
  const tried = request.headers.authorization !== undefined
  if (tried && error instanceof Refusal && error.code === 'client_invalid')
    reply.header('www-authenticate', 'Basic realm="oauth"')
  throw error
}
