import type { Clock } from '#base/clock.ts'
import type { GuardedFetch } from '#base/fetch.ts'

export interface DiscoveryOptions {
  readonly issuer: string
  readonly fetch: GuardedFetch
  readonly clock: Clock
}

/** What an issuer says of itself (OIDC Discovery section 3, RFC 8414 section 2), as far as we use it; endpoints are checked. */
export interface IssuerMetadata {
  readonly issuer: string
  readonly jwks_uri: string | null
  readonly introspection_endpoint: string | null
  readonly userinfo_endpoint: string | null
  readonly authorization_endpoint: string | null
  readonly token_endpoint: string | null
}

export interface Discovery {
  /** @throws Refusal `provider_unavailable`. */
  metadata(): Promise<IssuerMetadata>
  /** One endpoint. @throws Refusal `provider_unavailable`, also when the issuer has none. */
  endpoint(name: Exclude<keyof IssuerMetadata, 'issuer'>): Promise<string>
}

export function createDiscovery(_options: DiscoveryOptions): Discovery {
  throw new Error('not built yet')
}
