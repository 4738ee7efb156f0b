import type { Identity } from './identity.ts'

/** How a token is recognised before anything in it is trusted: its `iss`, its prefix, an exact value, or "the rest". */
export type TokenShape =
  | { readonly iss: readonly string[] }
  | { readonly prefix: readonly string[] }
  /** Compared in constant time before any other rule (the static key). */
  | { readonly exact: (token: string) => boolean }
  /** Opaque tokens with no known prefix; at most one provider may say so (D14). Never JWT-shaped ones. */
  | { readonly opaque: true }

/**
 * Facts that sign-in needs about a provider; `login/` does the talking. A provider has one when the operator gave it a client of its own
 * (CLIENT_ID, and CLIENT_SECRET where the provider demands it).
 */
export interface LoginDelegate {
  /** On the button: "Continue with ...". */
  readonly label: string
  /** The `iss` of its identities, and of its discovery document unless `endpoints` stand in for that. */
  readonly issuer: string
  /** `oauth`: no ID token and no nonce (GitHub). */
  readonly protocol: 'oidc' | 'oauth'
  /** Where there is no discovery document (GitHub), and for tests; null: as discovery says. */
  readonly endpoints: {
    readonly authorization: string
    readonly token: string
    readonly revocation: string | null
    readonly jwks: string | null
  } | null
  readonly clientId: string
  readonly clientSecret: string | null
  readonly scopes: readonly string[]
  /** Beside the standard ones: Google `access_type` and `prompt`, Auth0 `audience`. */
  readonly authorizationParams: Readonly<Record<string, string>>
  /** Beside those while offline_access is asked for: OIDC Core section 11 gives it with `prompt=consent` only. Absent: it is given without. */
  readonly offlineParams?: Readonly<Record<string, string>>
  /** Beside those when the person is to be asked again; absent: `prompt=login` (OIDC Core section 3.1.2.1). */
  readonly freshParams?: Readonly<Record<string, string>>
  /** How the client proves itself at the token endpoint; absent: as discovery says, basic rather than post. */
  readonly clientAuth?: 'client_secret_basic' | 'client_secret_post'
  /** Where taking a token back is no RFC 7009 request (GitHub). Answers whether it was asked; rejects when it could not be. */
  readonly revoke?: (token: string, hint: 'access_token' | 'refresh_token') => Promise<boolean>
  /** Which of the provider's tokens the MCP client receives as its access token: the one `verify` accepts. */
  readonly token: 'id_token' | 'access_token'
}

/** One that may vouch for people. `verify` answers an Identity or throws a Refusal; never null, never anything else. */
export interface Provider {
  readonly id: string
  /** Shapes of token that are this provider's, and only this provider's. Two claiming one stop the boot. */
  readonly tokens: readonly TokenShape[]
  /** Issuer string for `authorization_servers` of RFC 9728, byte for byte as its discovery document says; null when it has none. */
  readonly authorization_server: string | null
  /** Scopes a client should ask this provider for at sign-in (in the 401 challenge); empty when there is nothing to say. */
  readonly challenge_scopes: readonly string[]
  /** True when the issuer can grant our scopes, so that a 403 scope challenge makes sense. */
  readonly grants_scopes: boolean
  /** Absent or null: it vouches for tokens, but nobody signs in through us with it. */
  readonly login?: LoginDelegate | null
  verify(token: string, context: VerifyContext): Promise<Identity>
  /** Fetches discovery and keys at boot; resolves when done, rejects when the provider cannot answer. Absent: nothing to fetch. */
  warm?(): Promise<void>
  /** For /readyz and doctor: are the keys known, and what was the last failure? Absent: always ready. */
  state?(): ProviderState
}

/** Does it vouch for people? The others know keys only, which no domain lets in. */
export const isOfPeople = ({ id }: Pick<Provider, 'id'>): boolean =>
  !['api-key', 'static-key', 'service-token'].includes(id)

export interface ProviderState {
  readonly ready: boolean
  readonly keys: number | null
  /** Milliseconds since the epoch. */
  readonly first_attempt: number | null
  readonly last_success: number | null
  readonly last_error: string | null
  /** Fetches of the keys that failed so far. */
  readonly failed?: number
  /** Milliseconds, as the next; absent or null: never. */
  readonly last_failure?: number | null
  /** When use causes the keys to be fetched again. */
  readonly next_attempt?: number | null
}

export interface VerifyContext {
  /** The client's address, for the CIDR list of an API key. null when unknown (CLI). */
  readonly ip: string | null
  /** The provider itself gave it to us a moment ago: a bad one counts against no address. */
  readonly redeemed?: boolean
  /** Each check and its outcome, for `token explain`. Never token material. */
  readonly trace?: (check: string, ok: boolean, detail: string) => void
}
