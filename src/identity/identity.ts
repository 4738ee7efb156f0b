/** What a provider vouches for. The key of a person is (iss, sub), never the email (OIDC Core section 5.7). */
export interface Identity {
  /** The provider's id: google, auth0, github, oidc, the lower-cased NAME of OIDC_<NAME>_*, shared-secret, api-key, static-key, development. */
  readonly provider: string
  /** RFC 7519 section 4.1.1; for opaque tokens the issuer the provider stands for. */
  readonly iss: string
  readonly sub: string
  /** RFC 9068 section 2.2 and RFC 7662 section 2.2; Google and Auth0 say azp. */
  readonly client_id: string | null
  /** The token's own scopes (RFC 6749 section 3.3) when its issuer is configured to carry ours, else null: they do not narrow then. */
  readonly scopes: readonly string[] | null
  /** NumericDate in seconds; null when the token does not say. */
  readonly exp: number | null
  /** NumericDate in seconds; null when the token does not say. Read by `member revoke-tokens` (D22). */
  readonly iat: number | null
  /** OIDC Core section 5.1; for display and tenant rules, never a key. */
  readonly email: string | null
  /** True only when the provider vouches for it as its own rules demand (notes in each provider). */
  readonly email_verified: boolean
  /**
   * How good the email is as proof of belonging to its domain (D6, D7):
   * 'live' = the issuer is the domain's own and says so now (hd, OIDC_DOMAINS, AUTH0_EMAIL_DOMAINS, JWT_DOMAINS);
   * 'once' = the address was verified at some time (GitHub, database sign-ups); 'none' = maps nothing.
   */
  readonly email_authority: 'live' | 'once' | 'none'
  readonly name: string | null
  readonly picture: string | null
  readonly organization: { readonly kind: 'hd' | 'org_id' | 'tid'; readonly value: string } | null
  /** Set by api-key and static-key only: the key's id and its tenant's slug. */
  readonly key: { readonly id: string; readonly tenant: string } | null
  /** The tenant slug that configuration or a trusted claim names (OIDC_<NAME>_TENANT, JWT_TRUST_TENANT_CLAIM); null otherwise. */
  readonly tenant: string | null
  readonly claims: Readonly<Record<string, unknown>>
}

/** What people and logs see: `google:109876543210`. */
export const userId = (identity: Pick<Identity, 'provider' | 'sub'>): string => `${identity.provider}:${identity.sub}`
