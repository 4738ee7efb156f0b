import type { Identity } from '#identity/identity.ts'

/** A provider as sign-in talks to it, through openid-client. */
export interface Upstream {
  readonly id: string
  readonly label: string
  /** The `iss` of its identities and of its answers to the browser (RFC 9207). */
  readonly issuer: string
  /**
   * Is `iss` of an answer to the browser what it must be: the issuer byte for byte, and present when its discovery promises it
   * (RFC 9207 section 2.4, against mix-up)? @throws Refusal `sign_in_lost`, `provider_unavailable`.
   */
  assertIssuer(iss: string | null): Promise<void>
  /** Where the browser goes: our state, nonce, S256 challenge and redirect URI are in it. @throws Refusal `provider_unavailable`. */
  authorizationUrl(asked: {
    readonly redirect_uri: string
    readonly state: string
    readonly nonce: string
    readonly code_verifier: string
    /** Asks the person again even when the provider knows them (a fresh sign-in for the console). */
    readonly fresh?: boolean
  }): Promise<string>
  /**
   * The provider's code for its tokens: once. Checks nonce, iss, aud and at_hash of an ID token (OIDC Core section 3.1.3).
   * @throws Refusal `grant_invalid` (judged: the code is bad), `provider_unavailable` (could not be judged).
   */
  redeem(given: {
    readonly code: string
    readonly redirect_uri: string
    readonly nonce: string
    readonly code_verifier: string
  }): Promise<UpstreamTokens>
  /** @throws Refusal `grant_invalid` only when the provider said invalid_grant; all else is `provider_unavailable` (D28). */
  refresh(refresh_token: string): Promise<UpstreamTokens>
  /** RFC 7009, where the provider has an endpoint; answers whether it was asked. Failures are the caller's to log. */
  revoke(token: string, hint: 'access_token' | 'refresh_token'): Promise<boolean>
}

export interface UpstreamTokens {
  /** What the MCP client receives: already verified by the provider's own `verify`, so it will be accepted at /mcp. */
  readonly token: string
  readonly identity: Identity
  readonly refresh_token: string | null
  /** Seconds; null when the token says no end (GitHub). */
  readonly expires_in: number | null
}
