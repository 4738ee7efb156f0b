import { seconds } from '#base/clock.ts'
import type { OidcConfig } from '#base/config.ts'
import { Refusal } from '#base/refusal.ts'
import { audienceOf } from './audience.ts'
import { numericDate, subjectOf, type Claims, type ProviderParts } from './claims.ts'
import { ask, basic, objectOf } from './upstream.ts'

export interface IntrospectionOptions {
  readonly issuer: string
  /** RFC 7662 section 2; may ask discovery. Throws Refusal `provider_unavailable`. */
  readonly endpoint: () => Promise<string>
  readonly credentials: NonNullable<OidcConfig['introspection']>
  readonly audience: readonly string[]
  readonly clientIds: readonly string[]
}

/** An active token of ours, as its issuer describes it. */
export interface Introspected {
  readonly sub: string
  readonly exp: number | null
  readonly claims: Claims
}

/**
 * Asks the issuer about an opaque token (RFC 7662).
 *
 * How do we know this token was meant for us? The answer's `aud` names us; or it has no `aud` (it is optional there) and its
 * `client_id` is our own sign-in client. Neither: refused.
 * @throws Refusal `token_inactive` also when `active` is anything but the boolean true (security.md N9), `audience_mismatch`,
 * `issuer_unknown`, `type_refused`, `token_bound`, `token_expired`, `token_not_yet_valid`, `claims_invalid`; `provider_unavailable`
 * when there was no judgement.
 */
export async function introspect(
  token: string,
  { issuer, endpoint, credentials, audience, clientIds }: IntrospectionOptions,
  parts: ProviderParts,
): Promise<Introspected> {
  const { clientId, clientSecret } = credentials
  const answer = await ask(parts, await endpoint(), {
    method: 'POST',
    // RFC 6749 section 2.3.1: both are form-encoded first.
    headers: basic(encodeURIComponent(clientId), encodeURIComponent(clientSecret)),
    body: new URLSearchParams({ token, token_type_hint: 'access_token' }),
    judged: [],
  })
  const claims = objectOf(answer, 'introspection')
  if (claims['active'] !== true) throw new Refusal('token_inactive')

  const client = claims['client_id']
  const ours =
    claims['aud'] === undefined
      ? typeof client === 'string' && clientIds.includes(client)
      : audienceOf(claims).some((item) => audience.includes(item) || clientIds.includes(item))
  if (!ours) throw new Refusal('audience_mismatch', { detail: 'introspection names another audience' })
  if (claims['iss'] !== undefined && claims['iss'] !== issuer)
    throw new Refusal('issuer_unknown', { detail: 'introspection' })
  const type = claims['token_type']
  if (type !== undefined && !(typeof type === 'string' && /^(?:bearer|access_token)$/i.test(type))) {
    throw new Refusal('type_refused', { detail: 'introspection says it is no bearer access token' })
  }
  // Hydra calls a refresh token `Bearer` too, and says here what it is.
  const use = claims['token_use']
  if (use !== undefined && use !== 'access_token' && use !== 'access') {
    throw new Refusal('type_refused', { detail: 'introspection says it is for another use' })
  }
  if (claims['cnf'] !== undefined) throw new Refusal('token_bound')

  const now = seconds(parts.clock)
  const exp = timeOf(claims, 'exp')
  const nbf = timeOf(claims, 'nbf')
  if (exp !== null && exp <= now) throw new Refusal('token_expired')
  if (nbf !== null && nbf > now + 30) throw new Refusal('token_not_yet_valid')
  return { sub: subjectOf(claims['sub']), exp, claims }
}

function timeOf(claims: Claims, name: 'exp' | 'nbf'): number | null {
  const value = numericDate(claims[name])
  if (value === null && claims[name] !== undefined)
    throw new Refusal('claims_invalid', { detail: `${name} is no NumericDate` })
  return value
}
