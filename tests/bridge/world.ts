import { createHash, randomUUID } from 'node:crypto'
import http from 'node:http'
import { text } from 'node:stream/consumers'
import type { AddressInfo } from 'node:net'

/** What the server and the issuer do wrong, or differently. Changed while they run. */
export interface Switches {
  /** `issuer` in the issuer's own metadata. */
  metadataIssuer: string | null
  pkce: readonly string[] | null
  /** `iss` of the authorization answer; null: none is sent. */
  iss: string | null
  issAdvertised: boolean
  /** `resource` of the protected metadata. */
  resource: string | null
  /** Every MCP request is redirected there. */
  redirect: string | null
  authorizationEndpoint: string | null
  tokenEndpoint: string | null
  /** The token endpoint answers with this instead. */
  tokenAnswer: { readonly status: number; readonly body: string; readonly location?: string } | null
  /** Seconds a token says it lives. */
  expiresIn: number | null
  /** Scopes every call needs, and those of `tools/call`. */
  scopes: readonly string[]
  callScopes: readonly string[]
  /** Calls are refused for want of `callScopes` even to who has them. */
  stubborn: boolean
  /** No token is asked for. */
  open: boolean
  device: boolean
}

/** A server and its issuer on one port, small enough to be read: what they saw and what they issued. */
export interface World {
  readonly mcp: string
  readonly issuer: string
  readonly is: Switches
  /** What happened, by name. */
  readonly count: Record<'authorize' | 'register' | 'refresh' | 'code' | 'device' | 'revoke' | 'initialize', number>
  /** Where an Authorization header was seen: method and path. */
  readonly authorized: { readonly at: string; readonly value: string }[]
  /** Every token and secret that was ever issued. */
  readonly secrets: string[]
  /** Every JSON-RPC message the server was sent. */
  readonly heard: Record<string, unknown>[]
  /** From now on no access token issued so far is good. */
  expire(): void
  /** From now on no session is known. */
  forget(): void
  /** What the issuer's last authorization request asked for. */
  asked(): URLSearchParams
  close(): Promise<void>
}

export async function startWorld(): Promise<World> {
  const server = http.createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const issuer = `${origin}/as`
  const is: Switches = {
    metadataIssuer: null,
    pkce: ['S256'],
    iss: issuer,
    issAdvertised: true,
    resource: null,
    redirect: null,
    authorizationEndpoint: null,
    tokenEndpoint: null,
    tokenAnswer: null,
    expiresIn: 3600,
    scopes: ['read'],
    callScopes: [],
    stubborn: false,
    open: false,
    device: false,
  }
  const count = { authorize: 0, register: 0, refresh: 0, code: 0, device: 0, revoke: 0, initialize: 0 }
  const authorized: World['authorized'] = []
  const secrets: string[] = []
  const heard: Record<string, unknown>[] = []
  const codes = new Map<string, { readonly challenge: string; readonly scope: string }>()
  const access = new Map<string, readonly string[]>()
  const refresh = new Map<string, string>()
  let sessions = new Set<string>()
  let asked = new URLSearchParams()

  const json = (response: http.ServerResponse, status: number, body: unknown, headers = {}): void => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(JSON.stringify(body))
  }
  const issue = (scope: string): Record<string, unknown> => {
    const tokens = { access_token: `at-${randomUUID()}`, refresh_token: `rt-${randomUUID()}` }
    secrets.push(tokens.access_token, tokens.refresh_token)
    access.set(tokens.access_token, scope.split(' '))
    refresh.set(tokens.refresh_token, scope)
    // An ID token that nobody could check.
    const id_token = 'eyJhbGciOiJIUzI1NiJ9.e30.x'
    return {
      ...tokens,
      id_token,
      token_type: 'Bearer',
      scope,
      ...(is.expiresIn === null ? {} : { expires_in: is.expiresIn }),
    }
  }

  async function token(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const body = new URLSearchParams(await text(request))
    const grant = body.get('grant_type')
    const refused = (error: string): void => json(response, 400, { error })
    if (is.tokenAnswer !== null) {
      count[grant === 'refresh_token' ? 'refresh' : 'code'] += 1
      const { status, body: said, location } = is.tokenAnswer
      response.writeHead(status, {
        'content-type': 'application/json',
        ...(location === undefined ? {} : { location }),
      })
      response.end(said)
    } else if (grant === 'refresh_token') {
      count.refresh += 1
      const scope = refresh.get(body.get('refresh_token') ?? '')
      // Rotation: each is good once.
      refresh.delete(body.get('refresh_token') ?? '')
      if (scope === undefined) refused('invalid_grant')
      else json(response, 200, issue(scope))
    } else if (grant === 'authorization_code') {
      count.code += 1
      const held = codes.get(body.get('code') ?? '')
      codes.delete(body.get('code') ?? '')
      const proof = createHash('sha256')
        .update(body.get('code_verifier') ?? '')
        .digest('base64url')
      if (held === undefined || held.challenge !== proof) refused('invalid_grant')
      else json(response, 200, issue(held.scope))
    } else if (grant === 'urn:ietf:params:oauth:grant-type:device_code') {
      count.device += 1
      if (count.device < 2) refused('authorization_pending')
      else json(response, 200, issue('read'))
    } else refused('unsupported_grant_type')
  }

  function authorize(url: URL, response: http.ServerResponse): void {
    count.authorize += 1
    asked = url.searchParams
    const code = `code-${randomUUID()}`
    secrets.push(code)
    codes.set(code, { challenge: asked.get('code_challenge') ?? '', scope: asked.get('scope') ?? '' })
    const back = new URL(asked.get('redirect_uri') ?? '')
    back.searchParams.set('code', code)
    back.searchParams.set('state', asked.get('state') ?? '')
    if (is.iss !== null) back.searchParams.set('iss', is.iss)
    response.writeHead(302, { location: back.href })
    response.end()
  }

  const metadata = (): Record<string, unknown> => ({
    issuer: is.metadataIssuer ?? issuer,
    authorization_endpoint: is.authorizationEndpoint ?? `${issuer}/authorize`,
    token_endpoint: is.tokenEndpoint ?? `${issuer}/token`,
    registration_endpoint: `${issuer}/register`,
    revocation_endpoint: `${issuer}/revoke`,
    ...(is.device ? { device_authorization_endpoint: `${issuer}/device` } : {}),
    response_types_supported: ['code'],
    ...(is.pkce === null ? {} : { code_challenge_methods_supported: is.pkce }),
    authorization_response_iss_parameter_supported: is.issAdvertised,
    token_endpoint_auth_methods_supported: ['none'],
  })

  const known: Record<string, (url: URL, request: http.IncomingMessage, response: http.ServerResponse) => unknown> = {
    '/.well-known/oauth-protected-resource/mcp': (_url, _request, response) =>
      json(response, 200, { resource: is.resource ?? `${origin}/mcp`, authorization_servers: [issuer] }),
    '/.well-known/oauth-authorization-server/as': (_url, _request, response) => json(response, 200, metadata()),
    '/as/authorize': (url, _request, response) => authorize(url, response),
    '/as/token': async (_url, request, response) => await token(request, response),
    '/as/register': (_url, _request, response) => {
      count.register += 1
      json(response, 201, { client_id: `client-${count.register}` })
    },
    '/as/revoke': (_url, _request, response) => {
      count.revoke += 1
      json(response, 200, {})
    },
    '/as/device': (_url, _request, response) =>
      json(response, 200, {
        device_code: 'device-code-secret',
        user_code: 'WDJB-MJHT',
        verification_uri: `${issuer}/activate`,
        expires_in: 60,
        interval: 0.01,
      }),
    '/mcp': async (_url, request, response) => await mcp(request, response),
  }

  async function mcp(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const body = await text(request)
    if (is.redirect !== null) {
      response.writeHead(307, { location: is.redirect })
      response.end()
      return
    }
    const challenge = (status: number, error: string | null, scopes: readonly string[]): void => {
      const parts = [
        `resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"`,
        `scope="${scopes.join(' ')}"`,
        ...(error === null ? [] : [`error="${error}"`]),
      ]
      json(response, status, { error: error ?? '' }, { 'www-authenticate': `Bearer ${parts.join(', ')}` })
    }
    const held = access.get((request.headers.authorization ?? '').replace(/^Bearer /, ''))
    if (!is.open && held === undefined) {
      challenge(401, request.headers.authorization === undefined ? null : 'invalid_token', is.scopes)
      return
    }
    if (request.method !== 'POST') {
      response.writeHead(request.method === 'DELETE' ? 200 : 405)
      response.end()
      return
    }
    const message = JSON.parse(body) as Record<string, unknown> & {
      id?: unknown
      method?: string
      params?: { name?: string }
    }
    heard.push(message)
    const { id, method } = message
    if (
      method === 'tools/call' &&
      !is.open &&
      (is.stubborn || is.callScopes.some((scope) => held?.includes(scope) !== true))
    ) {
      challenge(403, 'insufficient_scope', is.callScopes)
      return
    }
    const answer = (result: unknown, headers = {}): void => json(response, 200, { jsonrpc: '2.0', id, result }, headers)
    if (method === 'initialize') {
      count.initialize += 1
      const session = randomUUID()
      sessions.add(session)
      const serverInfo = { name: 'world', version: '1' }
      answer({ protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo }, { 'mcp-session-id': session })
      return
    }
    if (!sessions.has(String(request.headers['mcp-session-id']))) {
      // As SDK servers say it: no session, no service.
      const status = request.headers['mcp-session-id'] === undefined ? 400 : 404
      json(response, status, { jsonrpc: '2.0', id: null, error: { code: -32000, message: 'no session' } })
    } else if (id === undefined) {
      response.writeHead(202)
      response.end()
    } else if (method === 'tools/list') {
      answer({ tools: [{ name: 'echo', inputSchema: { type: 'object' }, unknown_field: { kept: true } }] })
    } else if (method === 'tools/call') {
      answer({ content: [{ type: 'text', text: `called ${message.params?.name ?? ''}` }] })
    } else {
      json(response, 200, { jsonrpc: '2.0', id, error: { code: -32601, message: 'Method not found' } })
    }
  }

  server.on('request', (request, response) => {
    const url = new URL(request.url ?? '/', origin)
    if (request.headers.authorization !== undefined)
      authorized.push({ at: `${request.method} ${url.pathname}`, value: request.headers.authorization })
    const handler = known[url.pathname]
    if (handler === undefined) {
      response.writeHead(404)
      response.end()
    } else void handler(url, request, response)
  })

  return {
    mcp: `${origin}/mcp`,
    issuer,
    is,
    count,
    authorized,
    secrets,
    heard,
    expire: () => access.clear(),
    forget: () => void (sessions = new Set()),
    asked: () => asked,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
