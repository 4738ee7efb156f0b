import type { Identity } from './identity.ts'

/** How a token is recognised before anything in it is trusted: its `iss`, its prefix, an exact value, or "the rest". */
export type TokenShape =
  | { readonly iss: readonly string[] }
  | { readonly prefix: readonly string[] }
  /** Compared in constant time before any other rule (the static key). */
  | { readonly exact: (token: string) => boolean }
  /** Opaque tokens with no known prefix; at most one provider may say so (D14). Never JWT-shaped ones. */
  | { readonly opaque: true }

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
  verify(token: string, context: VerifyContext): Promise<Identity>
  /** Fetches discovery and keys at boot; resolves when done, rejects when the provider cannot answer. Absent: nothing to fetch. */
  warm?(): Promise<void>
  /** For /readyz and doctor: are the keys known, and what was the last failure? Absent: always ready. */
  state?(): ProviderState
}

export interface ProviderState {
  readonly ready: boolean
  readonly keys: number | null
  /** Milliseconds since the epoch. */
  readonly first_attempt: number | null
  readonly last_success: number | null
  readonly last_error: string | null
}

export interface VerifyContext {
  /** The client's address, for the CIDR list of an API key. null when unknown (CLI). */
  readonly ip: string | null
  /** Each check and its outcome, for `token explain`. Never token material. */
  readonly trace?: (check: string, ok: boolean, detail: string) => void
}
