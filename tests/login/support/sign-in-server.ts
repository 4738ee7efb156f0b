import { request } from 'node:http'
import fastify from 'fastify'
import { afterEach } from 'vitest'
import type { Config } from '#base/config.ts'
import type { LoginConfig } from '#base/config-login.ts'
import { createGuardedFetch, type GuardedFetch } from '#base/fetch.ts'
import { createLog } from '#base/log.ts'
import { createChallenge } from '#http/challenge.ts'
import { createDoor } from '#http/door.ts'
import { createFailureHandler } from '#http/failure.ts'
import { createIpLimit } from '#http/ip-limit.ts'
import { oauthAuthorizeRoutes } from '#http/oauth-authorize.ts'
import { oauthRegisterRoutes } from '#http/oauth-register.ts'
import { createVisits } from '#http/visit.ts'
import { createAuthorization } from '#login/authorization.ts'
import { createClients, type ClientsOptions } from '#login/clients.ts'
import { createRegistrar } from '#login/registration.ts'
import type { Upstream } from '#login/upstream.ts'
import { freePort } from '../../support/free-port.ts'

export const SECRET = 'a session secret that only tests know 0123456789'
export const LOGIN: LoginConfig = {
  mode: 'broker',
  redirectSchemes: ['cursor'],
  allowedClients: [],
  blockedHosts: [],
  requireResource: true,
}
export const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'

/** A provider that only has an address: what sign-in needs of it before the browser leaves. */
export const upstream = (id: string, label: string): Upstream => ({
  id,
  label,
  issuer: `https://${id}.test`,
  assertIssuer: async () => undefined,
  authorizationUrl: async ({ redirect_uri, state, nonce, code_verifier }) =>
    `https://${id}.test/authorize?${new URLSearchParams({ redirect_uri, state, nonce, code_verifier }).toString()}`,
  redeem: async () => await Promise.reject(new Error('not in this test')),
  refresh: async () => await Promise.reject(new Error('not in this test')),
  revoke: async () => false,
})

export interface SignInServer {
  readonly url: string
  /** What the program believes is its address. */
  readonly publicUrl: string
  readonly codes: string[]
  readonly lines: string[]
  /** Milliseconds the clock is moved forward by. */
  later(ms: number): void
  register(body: unknown, headers?: Record<string, string>): Promise<Response>
  /** The client_id of a client with this one redirect. */
  client(redirect_uri: string, client_name?: string): Promise<string>
  /** The URL of a request that is right in every part but those given; null leaves one out. */
  authorizeUrl(over: Readonly<Record<string, string | readonly string[] | null>>): URL
}

const running: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const stop of running.splice(0)) await stop()
})

/** The two routes behind the door they stand behind, with everything real but the providers. */
export async function signInServer({
  login = {},
  publicUrl,
  fetch: guarded = createGuardedFetch({ allowPrivate: false }),
  limit = async () => undefined,
  upstreams = [upstream('google', 'Google'), upstream('github', 'GitHub')],
  config: over = {},
  secrets = [SECRET],
}: {
  readonly login?: Partial<LoginConfig>
  readonly publicUrl?: string
  readonly fetch?: GuardedFetch
  readonly limit?: ClientsOptions['limit']
  readonly upstreams?: readonly Upstream[]
  readonly config?: Partial<Config>
  readonly secrets?: readonly string[]
} = {}): Promise<SignInServer> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const at = publicUrl ?? url
  let ahead = 0
  const clock = { now: () => Date.now() + ahead }
  const common = { publicUrl: at, secrets, clock, login: { ...LOGIN, ...login } }
  const config = {
    publicUrl: at,
    production: false,
    allowedHosts: [],
    corsOrigins: 'loopback',
    rateLimit: { on: true, perIp: 100_000, perTenant: 1, perPrincipal: 1 },
    ...over,
  } as unknown as Config
  const lines: string[] = []
  const codes: string[] = []
  const log = createLog('info', { write: (line: string) => void lines.push(line) })
  const visits = createVisits((request) => request.ip)
  const ipLimit = createIpLimit(config.rateLimit)
  const anonymous = async (request: { ip: string }): Promise<void> => await ipLimit(request.ip)
  const app = fastify({ bodyLimit: 1024 * 1024 })
  app.setErrorHandler(
    createFailureHandler({
      log,
      visits,
      ipLimit,
      hold: async () => false,
      challenge: createChallenge({ publicUrl: at, scopes: [] }),
    }),
  )
  const door = createDoor(config)
  app.addHook('onRequest', async (request, reply) => (door(request, reply) ? await reply : undefined))
  app.addHook('onResponse', async (request) => {
    const { refusal } = visits(request)
    if (refusal !== null) codes.push(refusal.code)
  })
  const clients = createClients({ ...common, fetch: guarded, limit })
  const authorization = createAuthorization({ ...common, clients, upstreams })
  await oauthAuthorizeRoutes(app, { publicUrl: at, authorization, visits, anonymous })
  oauthRegisterRoutes(app, { registrar: createRegistrar(common), anonymous })
  await app.listen({ host: '127.0.0.1', port })
  running.push(
    async () => await app.close(),
    async () => await guarded.close(),
  )

  const register: SignInServer['register'] = async (body, headers = {}) =>
    await fetch(`${url}/oauth/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
  return {
    url,
    publicUrl: at,
    codes,
    lines,
    later: (ms) => void (ahead += ms),
    register,
    async client(redirect_uri, client_name = 'a client') {
      const answer = await register({ redirect_uris: [redirect_uri], client_name })
      const { client_id } = (await answer.json()) as { client_id?: string }
      if (client_id === undefined) throw new Error(`${redirect_uri} was refused: ${answer.status}`)
      return client_id
    },
    authorizeUrl(over) {
      const asked = {
        response_type: 'code',
        code_challenge: CHALLENGE,
        code_challenge_method: 'S256',
        resource: `${at}/mcp`,
        state: 'the-client-state',
        scope: 'openid email',
        ...over,
      }
      const target = new URL('/oauth/authorize', url)
      for (const [name, value] of Object.entries(asked))
        for (const one of [value ?? []].flat()) target.searchParams.append(name, one)
      return target
    },
  }
}

interface SentRequest {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export const FORM = 'application/x-www-form-urlencoded'

/** Node's fetch writes Sec-Fetch-Mode itself, so headers of a browser are sent without it. */
async function send(url: URL | string, { method = 'GET', headers = {}, body }: SentRequest): Promise<Response> {
  return await new Promise((resolve, reject) => {
    const sent = request(url, { method, headers }, (answer) => {
      const pieces: Buffer[] = []
      answer.on('data', (piece: Buffer) => void pieces.push(piece))
      answer.on('end', () => {
        const { rawHeaders } = answer
        const pairs = rawHeaders.flatMap((name, at): [string, string][] =>
          at % 2 === 0 ? [[name, rawHeaders[at + 1] ?? '']] : [],
        )
        resolve(new Response(Buffer.concat(pieces).toString(), { status: answer.statusCode ?? 0, headers: pairs }))
      })
    })
    sent.once('error', reject)
    sent.end(body)
  })
}

/** A browser as far as a form needs one: cookies, and the headers that say where a request comes from. */
export function formBrowser(server: SignInServer) {
  const jar = new Map<string, string>()
  const visit = async (url: URL | string, init: SentRequest = {}): Promise<Response> => {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const answer = await send(url, { ...init, headers: { ...init.headers, ...(cookie === '' ? {} : { cookie }) } })
    for (const cookie of answer.headers.getSetCookie()) {
      const [pair = ''] = cookie.split(';')
      const name = pair.slice(0, pair.indexOf('='))
      if (/max-age=0/i.test(cookie)) jar.delete(name)
      else jar.set(name, pair.slice(pair.indexOf('=') + 1))
    }
    return answer
  }
  return {
    jar,
    visit,
    /** The form's token on the page at this address; '' when it holds none. */
    async form(url: URL): Promise<string> {
      return /name="form" value="([^"]+)"/.exec(await (await visit(url)).text())?.[1] ?? ''
    },
    async answer(fields: Readonly<Record<string, string>>, headers: Record<string, string> = {}): Promise<Response> {
      return await visit(`${server.url}/oauth/authorize`, {
        method: 'POST',
        headers: { 'content-type': FORM, origin: server.publicUrl, 'sec-fetch-site': 'same-origin', ...headers },
        body: new URLSearchParams(fields).toString(),
      })
    },
  }
}
