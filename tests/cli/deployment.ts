import { createServer as createHttp, type IncomingMessage, type RequestListener } from 'node:http'
import { createServer as createHttps } from 'node:https'
import type { AddressInfo } from 'node:net'
import { LOOPBACK_CERTIFICATE, LOOPBACK_KEY } from '../support/loopback-certificate.ts'

export interface Reply {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

/** What is answered instead of the right thing, by `METHOD path`; `host` answers requests for another host. */
export type Replies = Readonly<Record<string, (right: Reply, request: IncomingMessage) => Reply>>

export interface Deployment {
  readonly url: string
  readonly origin: string
  readonly asked: readonly string[]
  close(): Promise<void>
}

const PRM = '/.well-known/oauth-protected-resource'

/** Somebody's server, right in everything that can be seen from outside but for what `replies` changes. */
export async function deployment(replies: Replies = {}, { tls = false } = {}): Promise<Deployment> {
  const asked: string[] = []
  let origin = ''
  const cors = {
    'access-control-allow-origin': '*',
    'access-control-expose-headers': 'WWW-Authenticate, MCP-Protocol-Version',
    ...(tls ? { 'strict-transport-security': 'max-age=31536000' } : {}),
  }
  const right = (): Readonly<Record<string, Reply>> => ({
    [`GET ${PRM}`]: { body: { resource: `${origin}/mcp`, authorization_servers: [origin] } },
    [`GET ${PRM}/mcp`]: { body: { resource: `${origin}/mcp`, authorization_servers: [origin] } },
    'GET /readyz': { body: { status: 'ready' } },
    'POST /mcp': {
      status: 401,
      headers: { 'www-authenticate': `Bearer resource_metadata="${origin}${PRM}/mcp", scope="openid email"` },
    },
    'OPTIONS /mcp': {
      status: 204,
      headers: {
        'access-control-allow-methods': 'GET, POST, DELETE, OPTIONS',
        'access-control-allow-headers': 'Authorization, Content-Type, MCP-Protocol-Version, Mcp-Method, Mcp-Name',
      },
    },
    'GET /.well-known/oauth-authorization-server': {
      body: {
        issuer: origin,
        registration_endpoint: `${origin}/register`,
        code_challenge_methods_supported: ['S256'],
        token_endpoint_auth_methods_supported: ['none'],
        client_id_metadata_document_supported: true,
        authorization_response_iss_parameter_supported: true,
      },
    },
  })
  const listener: RequestListener = (request, response) => {
    const name = `${request.method} ${request.url}`
    asked.push(name)
    const foreign = request.headers.host !== new URL(origin).host
    const usual = foreign ? { status: 403 } : (right()[name] ?? { status: 404 })
    const {
      status = 200,
      headers = {},
      body,
    } = (replies[foreign ? 'host' : name] ?? ((reply) => reply))(usual, request)
    response.writeHead(status, { 'content-type': 'application/json', ...cors, ...headers })
    response.end(body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body))
  }
  const server = tls ? createHttps({ key: LOOPBACK_KEY, cert: LOOPBACK_CERTIFICATE }, listener) : createHttp(listener)
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const { port } = server.address() as AddressInfo
  origin = tls ? `https://localhost:${port}` : `http://127.0.0.1:${port}`
  return {
    url: `${origin}/mcp`,
    origin,
    asked,
    async close() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}
