import type { Clock } from '#base/clock.ts'
import type { Identity } from './identity.ts'
import type { Provider, VerifyContext } from './provider.ts'

export interface AuthenticatorOptions {
  readonly providers: readonly Provider[]
  readonly clock: Clock
}

export interface Authenticator {
  /** Who is it? Shows the token to at most one provider. @throws Refusal. */
  authenticate(token: string, context: VerifyContext): Promise<Identity>
  /** The issuer strings of all providers that have one, for `authorization_servers`. */
  issuers(): readonly string[]
}

export function createAuthenticator(_options: AuthenticatorOptions): Authenticator {
  throw new Error('not built yet')
}

/** Hex SHA-256 of a token: how a token is named where it must not be kept (D22). */
export function tokenDigest(_token: string): string {
  throw new Error('not built yet')
}
