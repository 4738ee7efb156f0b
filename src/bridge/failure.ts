/**
 * Why the bridge gave up, for programs:
 * - `login_needed`: nobody is signed in, or the sign-in no longer holds: a person has to act
 * - `unavailable`: nothing was decided (network, 5xx, another process holds the lock): later it may work
 * - `refused`: the server or the issuer broke a rule that keeps the token safe, or said no for good
 * - `usage`: what was asked for cannot be
 */
export type BridgeCode = 'login_needed' | 'unavailable' | 'refused' | 'usage'

/** Everything the bridge fails with. The message is for people and never holds a token, a code, a secret or a query. */
export class BridgeFailure extends Error {
  override readonly name = 'BridgeFailure'
  readonly code: BridgeCode

  constructor(code: BridgeCode, message: string) {
    super(message)
    this.code = code
  }
}
