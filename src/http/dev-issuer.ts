import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { IncomingMessage } from 'node:http'
import type { Configuration, Provider, errors as Errors } from 'oidc-provider'
import type { Log } from '#base/log.ts'
import { Refusal } from '#base/refusal.ts'
import { directLoopback } from './client-address.ts'
import type { DevelopmentIssuer } from './deps.ts'
import { createDevAdapter } from './dev-adapter.ts'
import { DEV_PAGE_CSP, accountPage, devErrorPage } from './dev-page.ts'
import { people, personClaims } from './dev-people.ts'
import { openDevState, type DevState } from './dev-state.ts'
import { DEV_PREFIX, DEV_TOKEN_TTL } from './dev-token.ts'

export interface DevIssuerOptions {
  /** Absolute path of DATA_DIR. */
  readonly dataDir: string
  /** No trailing slash; loopback. */
  readonly publicUrl: string
  readonly log: Log
}

const DAY = 86_400
const SCOPES = 'openid offline_access email profile'

/**
 * The development sign-in: the certified oidc-provider under /dev/, so that the first minute has a real issuer, real tokens and a real
 * browser flow. Answers direct loopback peers only (D1); the composition root makes it only where D1 allows it at all.
 * The package is loaded here and nowhere else, so production never loads it.
 */
export async function createDevIssuer({ dataDir, publicUrl, log }: DevIssuerOptions): Promise<DevelopmentIssuer> {
  const issuer = `${publicUrl}${DEV_PREFIX}`
  const state = await openDevState(dataDir)
  const oidc = await loadQuietly()
  const policy = oidc.interactionPolicy.base()
  // One page only. The prompt itself must stay known: MCP clients send prompt=consent.
  policy.get('consent')?.checks.clear()
  const adapter = createDevAdapter(dataDir, state, log)
  const provider = new oidc.Provider(issuer, {
    ...configuration(publicUrl, state, oidc.errors),
    adapter,
    interactions: { policy, url: interactionUrl },
  })
  provider.on('server_error', (_ctx, error) => log.error({ err: error }, 'the development issuer failed'))
  return { issuer, mount: async (app) => await mount(app, provider, issuer, log) }
}

const interactionUrl = (_ctx: unknown, { uid }: { readonly uid: string }): string => `${DEV_PREFIX}/interaction/${uid}`

/** On Node 20 it warns on the console that it would like a newer one; it is tested here on 20 and 24, so that line helps nobody. */
async function loadQuietly(): Promise<typeof import('oidc-provider')> {
  const { warn } = console
  console.warn = () => undefined
  try {
    return await import('oidc-provider')
  } finally {
    console.warn = warn
  }
}

function configuration(
  publicUrl: string,
  { key, cookieKeys }: DevState,
  { InvalidTarget }: Pick<typeof Errors, 'InvalidTarget'>,
): Configuration {
  const home = `${publicUrl}/mcp`
  const served = (resource: string): boolean =>
    resource === home || (resource.startsWith(`${publicUrl}/t/`) && /\/t\/[a-z][a-z0-9_]{0,40}\/mcp$/.test(resource))
  const cookie = { path: DEV_PREFIX, sameSite: 'lax', httpOnly: true } as const
  return {
    jwks: { keys: [{ ...key, use: 'sig', alg: 'ES256' }] },
    cookies: { keys: cookieKeys, long: cookie, short: cookie },
    // What a client that registers does not say: native, so that any loopback port and an editor's own scheme may be redirected to.
    clientDefaults: {
      application_type: 'native',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      id_token_signed_response_alg: 'ES256',
    },
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post'],
    responseTypes: ['code'],
    scopes: SCOPES.split(' '),
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    conformIdTokenClaims: false,
    enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      registration: { enabled: true },
      revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => home,
        useGrantedResource: () => true,
        // Every endpoint of this server is one resource server: the tenant is chosen by membership, not by the token.
        getResourceServerInfo: async (_ctx, resource) => {
          if (!served(resource)) throw new InvalidTarget('only the MCP endpoints of this server are served')
          return {
            scope: SCOPES,
            audience: home,
            accessTokenFormat: 'jwt',
            accessTokenTTL: DEV_TOKEN_TTL,
            jwt: { sign: { alg: 'ES256' } },
          }
        },
      },
    },
    ttl: {
      Session: DAY,
      Interaction: 600,
      Grant: 30 * DAY,
      IdToken: DEV_TOKEN_TTL,
      AccessToken: DEV_TOKEN_TTL,
      RefreshToken: 30 * DAY,
    },
    // There is no session to end with: who signs in is asked each time.
    expiresWithSession: () => false,
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    // A browser client (the MCP inspector) may be served from any port of this machine; other origins were refused before.
    clientBasedCORS: () => true,
    pkce: { required: () => true },
    findAccount: async (_ctx, sub) => {
      const person = people.get(sub)
      return person && { accountId: sub, claims: async () => ({ sub, ...personClaims(person) }) }
    },
    extraTokenClaims: async (_ctx, token) => {
      const person = 'accountId' in token && token.accountId !== undefined ? people.get(token.accountId) : undefined
      return person && personClaims(person)
    },
    // Everything asked for is granted: there is no consent page to give it on.
    loadExistingGrant: async (ctx) => {
      const { client, session, provider, params } = ctx.oidc
      if (client === undefined || session?.accountId === undefined) return undefined
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
      grant.addOIDCScope(SCOPES)
      for (const resource of [params?.['resource'] ?? home].flat())
        if (typeof resource === 'string') grant.addResourceScope(resource, SCOPES)
      await grant.save()
      return grant
    },
    renderError: async (ctx, out) => {
      ctx.type = 'html'
      ctx.set('content-security-policy', DEV_PAGE_CSP)
      ctx.body = devErrorPage(out.error_description ?? out.error)
    },
  }
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
        return await html(reply).code(400).send(devErrorPage('This sign-in was already finished or took too long.'))
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
        return await html(reply).send(accountPage(`${DEV_PREFIX}/interaction/${request.params.uid}`, redirectUri))
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
            return await html(reply).code(400).send(devErrorPage('Nobody here has that name.'))
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

const html = (reply: FastifyReply): FastifyReply =>
  reply.type('text/html; charset=utf-8').header('content-security-policy', DEV_PAGE_CSP)
