import type { EventEmitter } from 'node:events'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { IncomingMessage } from 'node:http'
import type { Provider } from 'oidc-provider'
import type { Log } from '#base/log.ts'
import { Refusal } from '#base/refusal.ts'
import { directLoopback } from './client-address.ts'
import type { DevelopmentIssuer } from './deps.ts'
import { createDevAdapter } from './dev-adapter.ts'
import { accountPage, devErrorPage } from './dev-page.ts'
import { people } from './dev-people.ts'
import { createDevProvider } from './dev-provider.ts'
import { openDevState } from './dev-state.ts'
import { DEV_PREFIX } from './dev-token.ts'
import { sendDocument } from './send-document.ts'

export interface DevIssuerOptions {
  /** Absolute path of DATA_DIR. */
  readonly dataDir: string
  /** No trailing slash; loopback. */
  readonly publicUrl: string
  /** Of our own client there. */
  readonly clientSecret: string
  readonly log: Log
}

/**
 * The development sign-in: the certified oidc-provider under /dev/, so that the first minute has a real issuer, real tokens and a real
 * browser flow. Answers direct loopback peers only (D1); the composition root makes it only where D1 allows it at all.
 */
export async function createDevIssuer({
  dataDir,
  publicUrl,
  clientSecret,
  log,
}: DevIssuerOptions): Promise<DevelopmentIssuer> {
  const issuer = `${publicUrl}${DEV_PREFIX}`
  const state = await openDevState(dataDir)
  const provider = await createDevProvider({
    issuer,
    publicUrl,
    clientSecret,
    state,
    adapter: createDevAdapter(dataDir, state, log),
  })
  // Koa, underneath, prints what nobody listens for: callers that hang up.
  const koa: EventEmitter = provider
  koa.on('error', (error: unknown) => log.debug({ err: error }, 'a request to the development issuer broke off'))
  provider.on('server_error', (_ctx, error) => log.error({ err: error }, 'the development issuer failed'))
  return { issuer, mount: async (app) => await mount(app, provider, issuer, log) }
}

async function mount(app: FastifyInstance, provider: Provider, issuer: string, log: Log): Promise<void> {
  const handle = provider.callback()
  // Without the cookie of the last sign-in the page is shown again, so that one browser can be Alice in one client and Bob in another.
  const forgetful = ({ headers }: IncomingMessage): void => {
    if (headers.cookie === undefined) return
    headers.cookie = headers.cookie
      .split('; ')
      .filter((cookie) => !cookie.startsWith('_session'))
      .join('; ')
  }

  // It finds its own mount path by comparing originalUrl with url.
  const pass = async (request: FastifyRequest, reply: FastifyReply, path: string): Promise<void> => {
    reply.hijack()
    for (const [name, value] of Object.entries(reply.getHeaders()))
      if (value !== undefined) reply.raw.setHeader(name, value)
    forgetful(request.raw)
    Object.assign(request.raw, { originalUrl: `${DEV_PREFIX}${path}`, url: path })
    await handle(request.raw, reply.raw)
  }

  const here = async (request: FastifyRequest): Promise<void> => {
    if (!directLoopback(request.raw))
      throw new Refusal('not_found', { detail: 'the development sign-in answers direct loopback peers only' })
  }

  await app.register(
    async (idp) => {
      idp.addHook('onRequest', here)
      idp.removeAllContentTypeParsers()
      // The stream is left alone: the provider reads it.
      idp.addContentTypeParser('*', (_request, _payload, done) => done(null))

      idp.setErrorHandler(async (error, _request, reply) => {
        if (error instanceof Refusal) throw error
        log.debug({ err: error }, 'the development sign-in refused')
        return await sendDocument(reply.code(400), devErrorPage('This sign-in was already finished or took too long.'))
      })

      idp.get<{ Params: { uid: string } }>('/interaction/:uid', async (request, reply) => {
        const { prompt, params } = await provider.interactionDetails(request.raw, reply.raw)
        if (prompt.name === 'consent') {
          const to = await provider.interactionResult(
            request.raw,
            reply.raw,
            { consent: {} },
            { mergeWithLastSubmission: true },
          )
          return await reply.redirect(to, 303)
        }
        const redirectUri = typeof params['redirect_uri'] === 'string' ? params['redirect_uri'] : issuer
        return await sendDocument(reply, accountPage(`${DEV_PREFIX}/interaction/${request.params.uid}`, redirectUri))
      })

      await idp.register(async (form) => {
        form.addContentTypeParser(
          'application/x-www-form-urlencoded',
          { parseAs: 'string', bodyLimit: 4096 },
          (_request, body, done) => done(null, new URLSearchParams(String(body))),
        )
        form.post<{ Body: unknown }>('/interaction/:uid', async (request, reply) => {
          const account = request.body instanceof URLSearchParams ? request.body.get('account') : null
          if (account === null || !people.has(account))
            return await sendDocument(reply.code(400), devErrorPage('Nobody here has that name.'))
          return await reply.redirect(
            await provider.interactionResult(request.raw, reply.raw, { login: { accountId: account } }),
            303,
          )
        })
      })

      idp.all(
        '/*',
        async (request, reply) => await pass(request, reply, (request.raw.url ?? '/').slice(DEV_PREFIX.length) || '/'),
      )
    },
    { prefix: DEV_PREFIX },
  )
  // RFC 8414 section 3.1 puts the well-known segment between host and path; its appended form and OpenID's are the provider's own.
  app.get(`/.well-known/oauth-authorization-server${DEV_PREFIX}`, { onRequest: here }, async (request, reply) => {
    await pass(request, reply, '/.well-known/oauth-authorization-server')
  })
}
