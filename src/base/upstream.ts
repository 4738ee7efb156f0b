import { isIP } from 'node:net'
import { bareHost, urlOf } from './address.ts'

/** An API that tools may call, as the operator configured it. Without credentials of tenants: those are in the registry. */
export interface UpstreamConfig {
  /** `default` for UPSTREAM_URL, else the lower-cased NAME of UPSTREAM_<NAME>_URL. */
  readonly name: string
  /** No trailing slash, query or user. */
  readonly url: string
  readonly auth: UpstreamAuth
  /** What is used for tenants that have nothing of their own; null: such tenants cannot use it. {} with `none`. */
  readonly shared: UpstreamFields | null
  readonly tenantMay: 'nothing' | 'credentials' | 'url'
  /** Milliseconds for one request of a tool, whatever it takes. */
  readonly timeout: number
  /** Requests of one tenant at a time. */
  readonly concurrency: number
  readonly maxBytes: number
}

/** How Gatehouse proves itself at an API. Field names are those of the credentials. */
export type UpstreamAuth =
  | { readonly kind: 'none' }
  /** `names`: as they are written; the credential fields are these. */
  | { readonly kind: 'header'; readonly names: readonly string[] }
  | {
      readonly kind: 'client_credentials'
      readonly tokenUrl: string
      readonly method: 'basic' | 'post'
      readonly scope: string | null
      readonly audience: string | null
      readonly resource: string | null
      readonly scheme: string
    }
  | {
      readonly kind: 'login'
      readonly loginPath: string
      /** null: there is no refreshing. */
      readonly refreshPath: string | null
      readonly names: Readonly<Record<(typeof LOGIN_FIELDS)[number], string>>
      readonly scheme: string
    }

/** What a login says and answers, in the order of UPSTREAM_LOGIN_FIELDS. */
export const LOGIN_FIELDS = ['username', 'password', 'access_token', 'refresh_token', 'expires_in'] as const

/** Credentials by field name (`fieldsOf`); every value is secret. */
export type UpstreamFields = Readonly<Record<string, string>>

/** Most characters of one field. */
export const LONGEST_FIELD = 8192

/** The fields that credentials for this must have, no more and no fewer. */
export function fieldsOf(auth: UpstreamAuth): readonly string[] {
  if (auth.kind === 'header') return auth.names
  if (auth.kind === 'client_credentials') return ['client_id', 'client_secret']
  return auth.kind === 'login' ? ['username', 'password'] : []
}

/** What is wrong with a field, or null. A header's value must not be able to begin another header (RFC 9110 section 5.5). */
export function fieldProblem(auth: UpstreamAuth, value: string): string | null {
  if (value === '' || value.length > LONGEST_FIELD) return `must have 1 to ${LONGEST_FIELD} characters`
  if (auth.kind === 'header' && !HEADER_VALUE.test(value)) return 'must be printable ASCII, as headers are'
  return /\p{Cc}/u.test(value) ? 'must not hold control characters' : null
}

/** Visible ASCII with spaces and tabs inside. */
export const HEADER_VALUE = /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/
/** RFC 9110 section 5.1: a token. */
export const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/

/** Headers that say how the message travels or for whom it is: nobody sets them but the connection itself. */
export const TRANSPORT_HEADERS: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** The path of a login under a base URL: begins with a slash, goes nowhere else. */
export const isPlainPath = (path: string): boolean =>
  /^(?:\/[A-Za-z0-9._~!$&'()*+,;=:@-]+)+\/?$/.test(path) && !/\/\.{1,2}(?:\/|$)/.test(path)

/** What a tenant has of its own for one upstream. */
export interface TenantUpstream {
  /** null: the configured one. Else chosen by the tenant, so it is asked as any URL that a stranger chose (D30). */
  readonly url: string | null
  readonly fields: UpstreamFields
  /** Another one each time it is set. */
  readonly version: string
}

/** A base URL that a tenant may choose: https, port 443, a DNS name; user, query, fragment and odd paths are not taken (D30). */
export function tenantUrl(text: string): string | null {
  const url = urlOf(text)
  if (url === null || url.protocol !== 'https:' || url.port !== '' || url.username !== '' || url.password !== '')
    return null
  if (/[?#%\\\s]/.test(text) || isIP(bareHost(url)) !== 0 || !url.hostname.includes('.')) return null
  const path = url.pathname.replace(/\/+$/, '')
  return path === '' || isPlainPath(path) ? `${url.origin}${path}` : null
}
