import { Refusal } from '#base/refusal.ts'
import type { JwtClaims } from '#identity/jwt.ts'
import type { Claims } from './claims.ts'

export interface Audience {
  /** Values of `aud` that name this server as a resource: proof enough by themselves (RFC 9068 section 4). */
  readonly audience: readonly string[]
  /** Client ids whose ID tokens are meant for us: `aud` and, when present, `azp` must be among them (OIDC Core section 3.1.3.7). */
  readonly clientIds: readonly string[]
}

/** `aud` as a list (RFC 7519 section 4.1.3); empty when it has any other shape. */
export function audienceOf(claims: Claims): readonly string[] {
  const aud = claims['aud']
  const list: unknown[] = Array.isArray(aud) ? aud : [aud]
  return list.every((item): item is string => typeof item === 'string') ? list : []
}

/**
 * The rule "was this JWT meant for us?" for the JWT verifier.
 * @throws Refusal `audience_mismatch`: no `aud` of ours. `client_mismatch`: an ID token made for us but obtained by another
 * client. `type_refused`: a logout or other security event token (RFC 8417), which has our client id in `aud` but proves no sign-in.
 */
export function audienceRule({ audience, clientIds }: Audience): (claims: JwtClaims, typ: string | null) => void {
  return (claims, typ) => {
    if ('events' in claims) throw new Refusal('type_refused', { detail: 'a security event token proves no sign-in' })
    const named = audienceOf(claims)
    if (named.some((item) => audience.includes(item))) return
    if (typ === 'at+jwt' || !named.some((item) => clientIds.includes(item))) {
      throw new Refusal('audience_mismatch', { detail: 'aud names no audience configured here' })
    }
    assertPresenter(claims, clientIds)
  }
}

/** `azp`, when present, must be one of our clients (D11). @throws Refusal `client_mismatch`. */
export function assertPresenter(claims: Claims, clientIds: readonly string[]): void {
  const azp = claims['azp']
  if (azp === undefined || (typeof azp === 'string' && clientIds.includes(azp))) return
  throw new Refusal('client_mismatch', { detail: 'azp is not one of the configured clients' })
}
