import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Registrar } from '#login/registration.ts'
import { onlyMethods } from './routes.ts'

export interface RegisterRoutesOptions {
  readonly registrar: Registrar
  /** Counts an anonymous request: whoever registers is nobody yet. */
  readonly anonymous: (request: FastifyRequest) => Promise<void>
}

const PATH = '/oauth/register'
/** Bytes: a hundred redirects are read before five are kept. */
const BODY_LIMIT = 32 * 1024

/** Dynamic client registration (RFC 7591 section 3), open to all and stored nowhere: the client_id is the registration. */
export function oauthRegisterRoutes(app: FastifyInstance, { registrar, anonymous }: RegisterRoutesOptions): void {
  const onRequest = async (request: FastifyRequest): Promise<void> => await anonymous(request)
  app.post(PATH, { onRequest, bodyLimit: BODY_LIMIT }, async (request, reply) => {
    reply.code(201)
    return await registrar.register(request.body)
  })
  onlyMethods(app, PATH, ['POST'])
}
