import { Refusal } from '#base/refusal.ts'
import { isRecord, text } from './json.ts'
import { hasUniqueMembers, nestingOf } from './unique-members.ts'
import { LONGEST_KID } from './usable-keys.ts'

/** Characters. Nothing longer is decoded. */
const LONGEST_JWT = 8_192
/** Levels of nesting, as of any message (D33). A reader that recurses would otherwise let the size of a stack decide. */
const DEEPEST = 64

/** Where a key would come from the token itself, or what changes how it must be read: never needed, often attacked (RFC 8725 section 3.10). */
const REFUSED_HEADERS = ['jku', 'x5u', 'x5c', 'jwk', 'crit', 'b64'] as const

/** The protected header as far as we use it (RFC 7515 section 4.1). Nothing in it is trusted yet. */
export interface JwsHeader {
  readonly alg: string
  readonly kid?: string
  /** Lower case, without `application/` (RFC 7515 section 4.1.9); null when absent. */
  readonly typ: string | null
}

/**
 * Takes a compact JWS apart (RFC 7515 section 7.1), before any key is looked for. Checks no signature. One token has one spelling:
 * each part must equal its own base64url encoding, else a digest of the token could be dodged.
 * @throws Refusal `token_too_long`, `token_malformed`, `header_refused`.
 */
export function parseJws(token: string): { readonly header: JwsHeader; readonly payload: Uint8Array } {
  if (token.length > LONGEST_JWT)
    throw new Refusal('token_too_long', { detail: `a JWT of more than ${LONGEST_JWT} characters` })
  const parts = token.split('.')
  if (parts.length === 5)
    throw malformed('an encrypted token (JWE, five parts): ask the issuer for a signed one, at Auth0 by an audience')
  const [head, body, signature] = parts.map(decode)
  if (parts.length !== 3 || parts.includes('') || !head || !body || !signature)
    throw malformed('not three parts of canonical base64url')
  return { header: readHeader(readObject(head, 'header')), payload: body }
}

/**
 * A compact JWS whose payload is a claims set (RFC 7519 section 7.2, steps 1 to 10 without the signature): a record without prototype.
 * @throws Refusal as parseJws.
 */
export function parseJwt(token: string): { readonly header: JwsHeader; readonly claims: Record<string, unknown> } {
  const { header, payload } = parseJws(token)
  return { header, claims: readObject(payload, 'payload') }
}

/** The `iss` that a JWT claims, to find who may judge it; null when none can be read. Proves nothing. */
export function peekIssuer(token: string): string | null {
  const [, body, , ...more] = token.split('.', 4)
  if (token.length > LONGEST_JWT || body === undefined || more.length > 0) return null
  try {
    const claims: unknown = JSON.parse(Buffer.from(body, 'base64url').toString('utf8'))
    return isRecord(claims) ? text(claims, 'iss') : null
  } catch {
    return null
  }
}

/**
 * Would anybody take this for a JWT (D14)? Three or five parts of base64url, or several parts of which one that stands where a header could is a
 * JSON object, however badly spelt: the first, and with more than two parts any, since a JWT with something put before it is one still.
 * An opaque token of exactly such a form is not accepted then.
 */
export function isJwtShaped(token: string): boolean {
  if (/^[\w-]*(?:\.[\w-]*){2}(?:(?:\.[\w-]*){2})?$/.test(token)) return true
  const parts = token.split('.')
  // Of two parts only the first counts: the second of a random opaque token (Ory Hydra's) may well begin like an object.
  return parts.length > 1 && (parts.length > 2 ? parts : parts.slice(0, 1)).some(looksLikeObject)
}

const looksLikeObject = (part: string): boolean =>
  Buffer.from(part.slice(0, 64), 'base64url').toString('latin1').trimStart().startsWith('{')

const malformed = (detail: string): Refusal => new Refusal('token_malformed', { detail })

function decode(part: string): Buffer | null {
  const bytes = Buffer.from(part, 'base64url')
  return bytes.toString('base64url') === part ? bytes : null
}

/** `ignoreBOM` keeps a byte order mark in the text, where JSON refuses it. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function attempt<Value>(name: string, read: () => Value): Value {
  try {
    return read()
  } catch {
    throw malformed(`the ${name} is not JSON in UTF-8`)
  }
}

function readObject(bytes: Uint8Array, name: string): Record<string, unknown> {
  const json = attempt(name, () => utf8.decode(bytes))
  if (nestingOf(json) > DEEPEST) throw malformed(`the ${name} is nested deeper than ${DEEPEST} levels`)
  // A member `__proto__` means nothing here and is dangerous wherever the record is copied.
  const value = attempt<unknown>(name, () =>
    JSON.parse(json, (member, inner: unknown) => (member === '__proto__' ? undefined : inner)),
  )
  if (!isRecord(value)) throw malformed(`the ${name} is not an object`)
  if (!hasUniqueMembers(json)) throw malformed(`the ${name} has a member twice`)
  const bare: Record<string, unknown> = Object.create(null)
  return Object.assign(bare, value)
}

function readHeader(header: Readonly<Record<string, unknown>>): JwsHeader {
  const refused = REFUSED_HEADERS.find((name) => name in header)
  if (refused !== undefined) throw new Refusal('header_refused', { detail: `${refused} in the header` })
  const { alg, kid, typ } = header
  if (typeof alg !== 'string') throw malformed('alg is not a string')
  if (typ !== undefined && typeof typ !== 'string') throw malformed('typ is not a string')
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > LONGEST_KID))
    throw new Refusal('header_refused', { detail: `kid is not a string of at most ${LONGEST_KID} characters` })
  return { alg, ...(kid === undefined ? {} : { kid }), typ: typ?.toLowerCase().replace(/^application\//, '') ?? null }
}
