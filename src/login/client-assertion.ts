import { compactVerify, createLocalJWKSet } from 'jose'
import { seconds, type Clock } from '#base/clock.ts'
import { Refusal } from '#base/refusal.ts'
import { parseJwt } from '#identity/jwt-parse.ts'
import { usableKeys } from '#identity/usable-keys.ts'
import type { Client } from './client.ts'

/** What `token_endpoint_auth_signing_alg_values_supported` says (RFC 8414 section 2). */
export const ASSERTION_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519']
/** RFC 7523 sets none; draft-ietf-oauth-rfc7523bis asks for the second. */
const TYPES: readonly (string | null)[] = [null, 'jwt', 'client-authentication+jwt']
/** Seconds an assertion may still live. */
const MOST_LIFE = 300
/** Seconds that two clocks may differ. */
const SKEW = 30

export interface ClientAssertionOptions {
  /** PUBLIC_URL. */
  readonly publicUrl: string
  readonly clock: Clock
}

/**
 * Proves that a client holds a key of its document (RFC 7523 section 3): iss and sub are its client_id, aud is our issuer or our token
 * endpoint and nothing else, it ends within 5 minutes. Its `jti` is NOT remembered, because nothing here is: who steals an assertion
 * from our own TLS can use it until it ends, and still needs the code with its verifier, or the refresh token.
 * @throws Refusal `client_invalid`, for every cause.
 */
export type ClientAssertion = (assertion: string, client: Client) => Promise<void>

export function createClientAssertion({ publicUrl, clock }: ClientAssertionOptions): ClientAssertion {
  const audiences = [publicUrl, `${publicUrl}/oauth/token`]

  async function check(assertion: string, { client_id, jwks }: Client): Promise<void> {
    const { header, claims } = parseJwt(assertion)
    if (!ASSERTION_ALGORITHMS.includes(header.alg)) throw invalid('its alg')
    if (!TYPES.includes(header.typ)) throw invalid('its typ')
    const keys = await usableKeys(jwks, ASSERTION_ALGORITHMS)
    await compactVerify(assertion, createLocalJWKSet({ keys }), { algorithms: ASSERTION_ALGORITHMS })
    if (claims['iss'] !== client_id || claims['sub'] !== client_id) throw invalid('iss or sub is not the client_id')
    const { aud, exp, nbf, iat } = claims
    const [audience, ...more] = Array.isArray(aud) ? aud : [aud]
    if (more.length > 0 || !audiences.includes(audience)) throw invalid('its aud')
    const now = seconds(clock)
    if (typeof exp !== 'number' || exp <= now - SKEW || exp > now + MOST_LIFE + SKEW) throw invalid('its exp')
    for (const from of [nbf, iat])
      if (from !== undefined && (typeof from !== 'number' || from > now + SKEW))
        throw invalid('it begins in the future')
  }

  return async (assertion, client) => {
    try {
      await check(assertion, client)
    } catch (error) {
      if (error instanceof Refusal && error.code === 'client_invalid') throw error
      // What jose and our own parser say of it is for the log; the caller learns that it was no good.
      throw new Refusal('client_invalid', { cause: error, detail: 'the client assertion cannot be verified' })
    }
  }
}

const invalid = (what: string): Refusal => new Refusal('client_invalid', { detail: `the client assertion: ${what}` })
