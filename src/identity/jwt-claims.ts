import { Refusal } from '#base/refusal.ts'

/** Seconds a token may still have to live. No provider we know gives more than a day. */
const LONGEST_LIFE = 24 * 3600
/** 1 to 255 characters, none of them a control, format, private or unassigned one (OIDC Core section 2 `sub`). */
const SUBJECT = /^[^\p{C}\p{Zl}\p{Zp}]{1,255}$/u

/** The claims of a verified token: a record without prototype; what is named here was checked, the rest is as signed. */
export interface JwtClaims extends Readonly<Record<string, unknown>> {
  readonly iss: string
  /** 1 to 255 printable characters. */
  readonly sub: string
  /** NumericDate; finite, at most 24 hours ahead. A fraction is allowed (RFC 7519 section 2). */
  readonly exp: number
  /** NumericDate; not negative, not after exp, not in the future. */
  readonly iat: number
}

type Claims = Readonly<Record<string, unknown>>

/**
 * Checks what every token of every issuer must have (RFC 7519 section 4.1, RFC 7800 for `cnf`); neither `aud` nor the issuer's identity.
 * @param now NumericDate.
 * @param skew seconds of clock difference to forgive.
 * @throws Refusal `claims_invalid`, `token_expired`, `token_not_yet_valid`, `token_bound`.
 */
export function checkClaims(claims: Claims, subjectClaim: string, now: number, skew: number): JwtClaims {
  const { iss, exp, iat, nbf } = claims
  const sub = claims[subjectClaim]
  if (typeof iss !== 'string') throw invalid('iss is not a string')
  if (typeof sub !== 'string' || !SUBJECT.test(sub))
    throw invalid(`${subjectClaim} is not a string of 1 to 255 printable characters`)
  if (!isDate(exp)) throw invalid('exp is not a number')
  if (!isDate(iat) || iat < 0) throw invalid('iat is not a number of 0 or more')
  if (nbf !== undefined && !isDate(nbf)) throw invalid('nbf is not a number')
  if (iat > exp) throw invalid('iat is after exp')
  if (exp > now + LONGEST_LIFE + skew) throw invalid('exp is more than 24 hours ahead')
  // A token bound to a key (DPoP, mutual TLS) was not meant to be shown without it.
  if (claims['cnf'] !== undefined) throw new Refusal('token_bound', { detail: 'the token is bound to a key (cnf)' })
  const checked: JwtClaims = Object.freeze(Object.assign(Object.create(null), claims, { iss, sub, exp, iat }))
  checkTimes(checked, now, skew)
  return checked
}

/**
 * The part that time alone can change.
 * @throws Refusal `token_expired`, `token_not_yet_valid`.
 */
export function checkTimes({ exp, iat, ...claims }: JwtClaims, now: number, skew: number): void {
  if (now >= exp + skew) throw new Refusal('token_expired', { detail: `expired ${Math.round(now - exp)} s ago` })
  if (iat > now + skew)
    throw new Refusal('token_not_yet_valid', { detail: `issued ${Math.round(iat - now)} s in the future` })
  if (typeof claims['nbf'] === 'number' && claims['nbf'] > now + skew)
    throw new Refusal('token_not_yet_valid', { detail: 'nbf is in the future' })
}

/**
 * Is one of `accepted` among the audiences (RFC 7519 section 4.1.3)? Compared byte for byte.
 * @throws Refusal `claims_invalid` when `aud` is neither a string nor a list of strings, `audience_mismatch`.
 */
export function checkAudience(claims: Claims, accepted: readonly string[]): void {
  const { aud } = claims
  const given: unknown = typeof aud === 'string' ? [aud] : (aud ?? [])
  if (!Array.isArray(given) || !given.every((item) => typeof item === 'string'))
    throw invalid('aud is neither a string nor a list of strings')
  if (!given.some((item) => accepted.includes(item)))
    throw new Refusal('audience_mismatch', { detail: `aud is not ${accepted.join(' or ')}` })
}

const invalid = (detail: string): Refusal => new Refusal('claims_invalid', { detail })
const isDate = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)
