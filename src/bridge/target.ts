import { bareHost, isLoopbackHost, urlOf } from '#base/address.ts'
import { BridgeFailure } from './failure.ts'

/** May a token be sent to this URL at all: https, or http to this machine? (D39; OAuth 2.1 section 1.5) */
export const isSafe = (url: URL): boolean =>
  url.username === '' &&
  url.password === '' &&
  (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackHost(bareHost(url))))

/**
 * The MCP server as a person typed it, without a fragment.
 * @throws BridgeFailure `usage` when it is no URL, not https (http is for this machine only), or holds credentials.
 */
export function targetOf(text: string): URL {
  const url = urlOf(text)
  if (url === null) throw new BridgeFailure('usage', 'that is not a URL: give the whole address, https://...')
  if (url.username !== '' || url.password !== '')
    throw new BridgeFailure('usage', 'the URL must not hold a user or password')
  if (!isSafe(url)) throw new BridgeFailure('usage', 'the server must be https; http is for this machine only')
  url.hash = ''
  return url
}

/** For messages: never the query, which can hold anything. */
export const shown = (url: URL): string => `${url.origin}${url.pathname}`

/**
 * Is the URL within the resource a token was issued for? The same origin, and the same path (one trailing slash forgiven) or one
 * beneath it: RFC 9728 section 3.3 asks for equality with what the metadata was asked for, which for the root document is the origin.
 */
export function covers(resource: string, url: URL): boolean {
  const owner = urlOf(resource)
  if (owner === null || owner.hash !== '' || owner.username !== '' || owner.password !== '') return false
  if (owner.origin !== url.origin) return false
  const path = owner.pathname.replace(/\/$/, '')
  if (owner.search !== '') return owner.search === url.search && path === url.pathname.replace(/\/$/, '')
  return url.pathname === path || url.pathname.startsWith(`${path}/`)
}
