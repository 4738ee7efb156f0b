import { headerValues } from '#base/raw-headers.ts'
import { Refusal } from '#base/refusal.ts'

/** What is read of a request. Never its body: that stays unread until the caller is known (D33). */
export interface BearerRequest {
  /** As node:http gives them: name, value, name, value... It is the only place where a second header of one name still shows. */
  readonly rawHeaders: readonly string[]
  /** Path and query, as in the request line. */
  readonly url: string
}

/** RFC 6750 section 2.1: b64token. */
const B64TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/

/**
 * The bearer token of a request (RFC 6750 section 2.1). Says nothing about whether it is any good, nor about its length.
 * @throws Refusal `token_missing`: no Authorization header, an empty one, or one of another scheme (also when the query holds a token).
 * @throws Refusal `header_malformed`: more than one Authorization header, a token not of RFC 6750's syntax, or a second token in the query.
 */
export function bearerToken(request: BearerRequest): string {
  const values = headerValues(request.rawHeaders, 'authorization')
  const [value = ''] = values
  if (values.length > 1) throw new Refusal('header_malformed', { detail: 'more than one Authorization header' })

  const [scheme = ''] = value.split(' ', 1)
  if (scheme.toLowerCase() !== 'bearer') throw new Refusal('token_missing')
  const token = value.slice(scheme.length + 1)
  if (!B64TOKEN.test(token))
    throw new Refusal('header_malformed', { detail: 'not a bearer token of RFC 6750 section 2.1' })
  if (hasQueryToken(request.url))
    throw new Refusal('header_malformed', { detail: 'a token in the header and one in the query' })
  return token
}

function hasQueryToken(url: string): boolean {
  const start = url.indexOf('?')
  return start >= 0 && new URLSearchParams(url.slice(start + 1)).has('access_token')
}
