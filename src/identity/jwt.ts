import type { Clock } from '#base/clock.ts'
import type { KeySet } from './jwks.ts'
import type { VerifyContext } from './provider.ts'

export type Trace = NonNullable<VerifyContext['trace']>

/** The claims of a verified token: a record without prototype; what is named here was checked, the rest is as signed. */
export interface JwtClaims extends Readonly<Record<string, unknown>> {
  readonly iss: string
  readonly sub: string
  readonly exp: number
  readonly iat: number
}

export interface JwtVerifierOptions {
  readonly issuer: string | readonly string[]
  /** Instead of equality with `issuer`, for Entra's `{tenantid}`. Runs before the signature was checked: decide by equality only. */
  readonly issuerMatches?: (iss: string, claims: Readonly<Record<string, unknown>>) => boolean
  /** The issuer's key set, or the secrets of HS256 (each at least 32 bytes; all verify). */
  readonly keys: KeySet | { readonly secrets: readonly string[] }
  readonly algorithms: readonly string[]
  /** One of these must be in `aud`; or a rule of the provider's own that throws Refusal (`audience_mismatch`, `client_mismatch`). `typ` is the header's, lower case, without `application/`. */
  readonly audience: readonly string[] | ((claims: JwtClaims, typ: string | null) => void)
  /** 'any' (default): typ absent, JWT or at+jwt; 'id_token': absent or JWT; 'access_token': at+jwt (RFC 9068). */
  readonly types?: 'any' | 'id_token' | 'access_token'
  /** The claim that is read as `sub`; default `sub`. */
  readonly subjectClaim?: string
  readonly clock: Clock
  /** Seconds of clock difference to forgive; default 30, at most 120. */
  readonly skew?: number
}

export interface JwtVerifier {
  verify(token: string, trace?: Trace): Promise<JwtClaims>
  /** Drops every remembered result. */
  forget(): void
}

export function createJwtVerifier(_options: JwtVerifierOptions): JwtVerifier {
  throw new Error('not built yet')
}
