import cookie from '@fastify/cookie'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Callback } from '#login/callback.ts'
import { createCookies } from './cookies.ts'
import { queryOf } from './parameters.ts'
import { onlyMethods } from './routes.ts'
import { answerWithPage } from './sign-in-error-page.ts'
import type { Visits } from './visit.ts'

export interface CallbackRoutesOptions {
  readonly publicUrl: string
  readonly callback: Callback
  readonly visits: Visits
  /** Counts an anonymous request. */
  readonly anonymous: (request: FastifyRequest) => Promise<void>
}

const PATH = '/oauth/callback/:provider'

/** GET /oauth/callback/{provider}: back from the provider, on to the client (D24). Whatever comes of it, this sign-in's cookie is gone. */
export async function oauthCallbackRoutes(app: FastifyInstance, options: CallbackRoutesOptions): Promise<void> {
  const { publicUrl, callback, visits, anonymous } = options
  const cookies = createCookies(publicUrl)
  await app.register(async (oauth) => {
    await oauth.register(cookie)
    oauth.setErrorHandler(answerWithPage(visits))
    oauth.get<{ Params: { provider: string } }>(
      PATH,
      { onRequest: async (request) => await anonymous(request) },
      async (request, reply) => {
        const query = queryOf(request.query)
        const name = callback.cookieOf(query)
        if (name !== null) cookies.clear(reply, name)
        const { provider } = request.params
        const location = await callback.arrive({ provider, query, cookie: (asked) => cookies.get(request, asked) })
        return await reply.redirect(location, 303)
      },
    )
  })
  onlyMethods(app, PATH, ['GET', 'HEAD'])
}
