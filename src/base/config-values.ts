import { createRequire } from 'node:module'
import { isIP } from 'node:net'
import { bareHost, isLoopbackHost } from './address.ts'

/** RFC 6749 section 3.3: one scope. */
export const isScope = (text: string): boolean => /^[\u0021\u0023-\u005b\u005d-\u007e]+$/.test(text)

/** The form of a tenant's slug (D10). */
export const isSlug = (text: string): boolean => /^[a-z][a-z0-9_]{0,40}$/.test(text)

const LABELS = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/
const NETWORK = /^([^/]+)(?:\/(\d{1,3}))?$/

/** A host name or address as it stands in a URL, without a port. */
export const isHostName = (text: string): boolean => LABELS.test(text.toLowerCase()) || isIP(text) !== 0

/** A Host header: a name, perhaps with a port. */
export const isHostHeader = (text: string): boolean =>
  /^[a-z0-9.-]+(?::\d{1,5})?$|^\[[0-9a-f:.]+\](?::\d{1,5})?$/i.test(text) && URL.canParse(`http://${text}`)

/** A domain that can stand after the @ of an address: lower case, at least two labels. */
export const isEmailDomain = (text: string): boolean => LABELS.test(text) && text.includes('.') && isIP(text) === 0

/** Where anyone can get an address, so that nobody can be its domain's own issuer. */
export function publicMailboxes(): ReadonlySet<string> {
  const list: readonly string[] = createRequire(import.meta.url)('email-providers/common.json')
  return new Set(list)
}

/** CIDR, or one address. */
export function isNetwork(text: string): boolean {
  const [, address = '', bits] = NETWORK.exec(text) ?? []
  const family = isIP(address)
  return family !== 0 && (bits === undefined || Number(bits) <= (family === 6 ? 128 : 32))
}

/** An IP address, perhaps with a port: `192.0.2.53`, `192.0.2.53:5353`, `2001:db8::53`, `[2001:db8::53]:5353`. */
export function isDnsServer(text: string): boolean {
  if (isIP(text) !== 0) return true
  const [, four, six, port = ''] = /^(?:([\d.]+)|\[([\da-f:.]+)\]):(\d{1,5})$/i.exec(text) ?? []
  return (isIP(four ?? '') === 4 || isIP(six ?? '') === 6) && Number(port) >= 1 && Number(port) <= 65_535
}

/** Is it a bare origin, for example https://mcp.example.com? */
export function isOrigin(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : null
  return url !== null && /^https?:$/.test(url.protocol) && text.replace(/\/$/, '').toLowerCase() === url.origin
}

export const isLoopbackUrl = (url: string): boolean => URL.canParse(url) && isLoopbackHost(bareHost(new URL(url)))

/** May an issuer or endpoint stand here: https anywhere, http only outside production; no user, query or fragment. */
export function isIssuerUrl(text: string, production: boolean): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, username, search, hash } = new URL(text)
  return (
    (protocol === 'https:' || (protocol === 'http:' && !production)) && username === '' && search === '' && hash === ''
  )
}
