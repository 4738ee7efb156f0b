import { bareHost, urlOf } from '#base/address.ts'
import type { LoginConfig } from '#base/config-login.ts'

/** Where a redirect URI leads, for the rules and for people. */
export interface Redirect {
  /** `loopback`: a program on the person's own computer; `scheme`: an application that the system opens. */
  readonly kind: 'https' | 'loopback' | 'scheme'
  /** What the person is shown: `claude.ai`, `127.0.0.1:33418`, `cursor://anysphere.cursor-mcp`. Names in punycode, never decoded. */
  readonly host: string
  /** What the operator's lists call it: the bare host name, `localhost` for every loopback, `cursor:` for a scheme. */
  readonly listed: string
}

/** Characters of RFC 3986 without `#`; every `%` encodes something, and no control character. */
const URI = /^(?:[\w.~:/?[\]@!$&'()*+,;=-]|%(?![01]|7f)[0-9a-f]{2})+$/i
/** The three names of this computer that RFC 8252 section 7.3 and MCP clients use, with any port. */
const LOOPBACK = /^(https?:\/\/(?:127\.0\.0\.1|\[::1\]|localhost))(?::\d{1,5})?(?=[/?]|$)/
/** What our answer adds (RFC 6749 section 4.1.2, RFC 9207): sent twice, a client might read the wrong one. */
const ANSWERS = ['code', 'state', 'iss', 'error', 'error_description']
const MOST = 2048

/**
 * Reads a redirect URI, or null when nobody may be sent there (D27): https, loopback, or a scheme of LOGIN_REDIRECT_SCHEMES.
 * It must be spelled as the URL standard writes it: then no user, dot segment, default port or odd address (`https:\\a`, `127.1`)
 * can be in it that a browser would read in another way than we do. Does NOT look at the operator's lists: see `createRedirectRules`.
 */
export function redirectOf(text: string, { redirectSchemes }: Pick<LoginConfig, 'redirectSchemes'>): Redirect | null {
  const url = text.length <= MOST && URI.test(text) ? urlOf(text) : null
  if (url === null || (url.href !== text && url.href !== `${text}/`)) return null
  if (url.username !== '' || url.password !== '' || url.hostname.endsWith('.')) return null
  // What a server behind it might decode into a dot segment (RFC 3986 section 6.2.2.3).
  if (/%(?:2e|2f|5c)/i.test(url.pathname)) return null
  if (ANSWERS.some((name) => url.searchParams.has(name))) return null
  if (LOOPBACK.test(text)) return { kind: 'loopback', host: url.host, listed: 'localhost' }
  if (url.protocol === 'https:') return { kind: 'https', host: url.host, listed: bareHost(url) }
  const [head = '', scheme = ''] = /^([a-z][a-z0-9+.-]*):\/(?:\/[^/?]*)?/.exec(text) ?? []
  return redirectSchemes.includes(scheme) ? { kind: 'scheme', host: head, listed: `${scheme}:` } : null
}

/** A loopback redirect without its port, and with `/` for an empty path (RFC 3986 section 6.2.3); any other as it is. */
export function portless(redirect_uri: string): string {
  const bare = redirect_uri.replace(LOOPBACK, '$1')
  return LOOPBACK.test(redirect_uri) ? (urlOf(bare)?.href ?? bare) : redirect_uri
}

/**
 * Is the asked one among those the client gave: the same text, or on loopback the same but for the port, which a native application
 * learns only when it listens (RFC 8252 section 7.3)?
 */
export const isOneOf = (asked: string, given: readonly string[]): boolean =>
  given.some((one) => one === asked || portless(one) === portless(asked))

/** Our answer to the client, in the browser's address bar (RFC 6749 section 4.1.2); the redirect URI itself stays as the client wrote it. */
export const answerUrl = (redirect_uri: string, answer: Readonly<Record<string, string>>): string =>
  `${redirect_uri}${redirect_uri.includes('?') ? '&' : '?'}${new URLSearchParams(answer).toString()}`

/** LOGIN_ALLOWED_CLIENTS, LOGIN_BLOCKED_HOSTS and LOGIN_REDIRECT_SCHEMES: asked at every use, because registrations cannot be deleted. */
export interface RedirectRules {
  /** Those to which people may be sent for this client. @param client_id null: it has none yet. */
  allowed(redirect_uris: readonly string[], client_id: string | null): readonly string[]
  /** May the document at this client_id be fetched at all? */
  mayAsk(document: URL): boolean
  redirect(redirect_uri: string): Redirect | null
}

export function createRedirectRules(config: LoginConfig): RedirectRules {
  const { allowedClients, blockedHosts } = config
  const isBlocked = (name: string): boolean => blockedHosts.some((host) => name === host || name.endsWith(`.${host}`))
  return {
    allowed: (redirect_uris, client_id) =>
      redirect_uris.filter((text) => {
        const redirect = redirectOf(text, config)
        if (redirect === null || isBlocked(redirect.listed)) return false
        if (allowedClients.length === 0 || (client_id !== null && allowedClients.includes(client_id))) return true
        return allowedClients.includes(redirect.listed)
      }),
    mayAsk: ({ hostname }) => !isBlocked(hostname),
    redirect: (redirect_uri) => redirectOf(redirect_uri, config),
  }
}
