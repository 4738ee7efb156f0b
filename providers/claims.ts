import type { Clock } from '#base/clock.ts'
import type { ProvidersConfig } from '#base/config.ts'
import type { GuardedFetch } from '#base/fetch.ts'
import type { Log } from '#base/log.ts'
import { Refusal } from '#base/refusal.ts'
import { emailDomain } from '#identity/email.ts'
import type { Identity } from '#identity/identity.ts'
import type { OpaqueMeter, OpaqueOptions, StrangerLimit } from '#identity/opaque.ts'
import { readScopes } from '#identity/scopes.ts'

/** What every provider that asks somebody is given. */
export interface ProviderParts {
  readonly fetch: GuardedFetch
  readonly clock: Clock
  readonly log: Log
  /** For tokens that only the provider can judge. */
  readonly strangers?: StrangerLimit
  /** Counts what they remember. */
  readonly meter?: OpaqueMeter
}

/** Of these what a verifier of tokens needs that only the provider can judge. */
export const asked = ({
  clock,
  strangers,
  meter,
}: ProviderParts): Pick<OpaqueOptions<object>, 'clock' | 'strangers' | 'meter'> => ({
  clock,
  ...(strangers === undefined ? {} : { strangers }),
  ...(meter === undefined ? {} : { meter }),
})

export type Claims = Readonly<Record<string, unknown>>

/** An Identity whose every other field is silent: a provider states only what its token says. */
export function identityOf(said: Pick<Identity, 'provider' | 'iss' | 'sub'> & Partial<Identity>): Identity {
  return {
    client_id: null,
    scopes: null,
    exp: null,
    iat: null,
    email: null,
    email_verified: false,
    email_authority: 'none',
    name: null,
    picture: null,
    organization: null,
    key: null,
    tenant: null,
    claims: {},
    ...said,
  }
}

/** The part of an Identity that means the same at every issuer of JWTs (OIDC Core section 5.1, RFC 9068 section 2.2). */
export function commonClaims(
  claims: Claims,
  carriesScopes: boolean,
): Pick<Identity, 'client_id' | 'scopes' | 'exp' | 'iat' | 'name' | 'picture' | 'claims'> {
  return {
    client_id: text(claims['client_id']) ?? text(claims['azp']),
    scopes: carriesScopes ? readScopes(claims) : null,
    exp: numericDate(claims['exp']),
    iat: numericDate(claims['iat']),
    name: text(claims['name']),
    picture: text(claims['picture']),
    claims,
  }
}

/** What of an Identity can map to a tenant, beside a pinned one. */
export type TenantEvidence = Pick<Identity, 'email' | 'email_verified' | 'email_authority' | 'organization'>

/**
 * An email and what it is worth. It is worth nothing unless `verified` is the boolean true: a string, a number or silence
 * prove nothing (D6, security.md E1), nor does an address we cannot take a domain from.
 * @param authority asked only about a verified address: is its issuer the domain's own (D6, D7)?
 */
export function emailEvidence(
  email: unknown,
  verified: unknown,
  authority: (domain: string) => Identity['email_authority'],
): Omit<TenantEvidence, 'organization'> {
  const address = text(email)
  const domain = address === null ? null : emailDomain(address)
  if (domain === null || verified !== true) return { email: address, email_verified: false, email_authority: 'none' }
  return { email: address, email_verified: true, email_authority: authority(domain) }
}

/** A string of 1 to 256 characters, else null: for what is shown, never for what decides. */
export const text = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' && value.length <= 256 ? value : null

/** NumericDate of RFC 7519 section 2 in whole seconds, else null. */
export const numericDate = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? Math.floor(value) : null

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A `sub` as the JWT verifier demands it of JWTs: 1 to 255 printable ASCII characters. @throws Refusal `claims_invalid`. */
export function subjectOf(value: unknown): string {
  if (typeof value === 'string' && /^[\x20-\x7e]{1,255}$/.test(value)) return value
  throw new Refusal('claims_invalid', { detail: 'sub is not a string of 1 to 255 printable characters' })
}

/** Is the domain in the list, label for label? '*' holds every domain. Lists are lower case (config). */
export const holdsDomain = (domains: ProvidersConfig['oidc'][number]['domains'], domain: string): boolean =>
  domains === '*' || domains.includes(domain)
