import type { FastifyReply, FastifyRequest } from 'fastify'
import { urlOf } from '#base/address.ts'
import type { Config } from '#base/config.ts'
import { headerValues } from '#base/raw-headers.ts'
import { Refusal } from '#base/refusal.ts'

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

/** Set on every answer. Pages for people (base/page.ts) replace the content policy by their own. */
const SECURITY_HEADERS = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const

const EXPOSED =
  'WWW-Authenticate, MCP-Protocol-Version, x-request-id, Retry-After, RateLimit, RateLimit-Policy, ETag, Location, Idempotency-Replayed'
const METHODS = 'GET, POST, PATCH, DELETE, OPTIONS'
/** Header names a preflight may ask for; there are no credentials to protect (the token is the security), so any well-formed ones. */
const HEADER_NAMES = /^[A-Za-z0-9!#$%&'*+.^_`|~, -]{1,1000}$/

/** What people look at: no page of another origin may read it, whatever CORS_ORIGINS says (D31). */
const PAGES = /^\/(?:console|oauth\/(?:authorize|callback))(?:[/?]|$)/
/** What a client may open in a window of its own: cut off from that window, it would take the sign-in for given up. */
const OPENED = /^\/(?:dev|oauth\/(?:authorize|callback))(?:[/?]|$)/

/** Probes of a platform name us by an address; these answers hold nothing that a foreign name could steal. */
const PROBES = new Set(['/livez', '/readyz', '/healthz'])
/** Prometheus asks each replica at an address of its own, too. */
const FIGURES = '/metrics'

/**
 * The first look at a request, before anything of it is believed: is it addressed to us (RFC 9110 section 7.2; against DNS rebinding),
 * may a page of its Origin call us, and what does every answer carry. Answers a CORS preflight itself: true means it is answered.
 * @throws Refusal request_malformed (no Host, or two), host_refused, origin_refused.
 */
export type Door = (request: FastifyRequest, reply: FastifyReply) => boolean

export function createDoor(config: Config): Door {
  const { hostname: ours, host: usual } = new URL(config.publicUrl)
  const loopbackHosts = !config.production || LOOPBACK.test(ours)
  const allowed = new Set([ours, ...config.allowedHosts.map((host) => host.toLowerCase())])
  const servesHost = (host: string, hostname: string): boolean =>
    allowed.has(hostname) || allowed.has(host) || (loopbackHosts && LOOPBACK.test(hostname))
  // Whoever shows a token is judged by it alone (operator-access.ts), and a page that rebinds its name has none to show.
  const isScrape = ({ url, headers }: FastifyRequest): boolean =>
    config.metricsToken !== null && url === FIGURES && headers.authorization !== undefined
  const servesOrigin = (origin: string): boolean =>
    config.corsOrigins === '*' ||
    (config.corsOrigins === 'loopback' ? LOOPBACK.test(hostnameOf(origin) ?? '') : config.corsOrigins.includes(origin))
  const always = Object.entries({
    ...SECURITY_HEADERS,
    ...(config.production && config.publicUrl.startsWith('https:')
      ? { 'strict-transport-security': 'max-age=31536000; includeSubDomains' }
      : {}),
  })

  return (request, reply) => {
    for (const [name, value] of always) reply.header(name, value)

    const { origin } = request.headers
    // The router decodes what the raw path does not show; a preflight has no route.
    const path = request.routeOptions.url ?? decoded(request.url)
    const isPage = PAGES.test(path) || PAGES.test(request.url)
    if (OPENED.test(path)) reply.header('cross-origin-opener-policy', 'unsafe-none')
    if (config.corsOrigins !== '*') reply.header('vary', 'Origin')
    if (!isPage && (config.corsOrigins === '*' || (origin !== undefined && servesOrigin(origin)))) {
      reply.header('access-control-allow-origin', config.corsOrigins === '*' ? '*' : origin)
      reply.header('access-control-expose-headers', EXPOSED)
    }

    // A target in absolute form names a host of its own, which would count instead of the header's (RFC 9112 section 3.2.2).
    if (!request.url.startsWith('/'))
      throw new Refusal('request_malformed', { detail: 'the request target is not a path' })
    const hosts = headerValues(request.raw.rawHeaders, 'host')
    const [host] = hosts
    if (host === undefined || hosts.length > 1)
      throw new Refusal('request_malformed', { detail: `${hosts.length} Host headers` })
    // Ours as it is written in PUBLIC_URL, which is what nearly everybody sends, needs no parsing.
    if (host !== usual) {
      const hostname = hostnameOf(`http://${host}`)
      if (
        hostname === null ||
        !(servesHost(host.toLowerCase(), hostname) || PROBES.has(request.url) || isScrape(request))
      )
        throw new Refusal('host_refused')
    }
    if (origin !== undefined && origin !== config.publicUrl && !servesOrigin(origin))
      throw new Refusal('origin_refused')

    if (request.method !== 'OPTIONS' || isPage) return false
    const asked = request.headers['access-control-request-headers']
    void reply
      .code(204)
      .header('access-control-allow-methods', METHODS)
      .header(
        'access-control-allow-headers',
        asked !== undefined && HEADER_NAMES.test(asked) ? asked : 'Authorization, Content-Type',
      )
      .header('access-control-max-age', '600')
      .send()
    return true
  }
}

/** The path as the router reads it; as it is, when it cannot be decoded: then no route has it. */
function decoded(target: string): string {
  const [path = ''] = target.split('?', 1)
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

function hostnameOf(text: string): string | null {
  const url = urlOf(text)
  return url !== null && url.username === '' && url.pathname === '/' && !/[?#]/.test(text) ? url.hostname : null
}
