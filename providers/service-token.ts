import type { Clock } from '#base/clock.ts'
import { Refusal } from '#base/refusal.ts'
import type { ApiKeyLookup } from '#identity/api-key.ts'
import type { KeySet } from '#identity/jwks.ts'
import { createJwtVerifier } from '#identity/jwt.ts'
import type { Provider } from '#identity/provider.ts'
import { assertUsable } from './api-key.ts'
import { commonClaims, identityOf } from './claims.ts'

export interface ServiceTokenIssuer {
  /** PUBLIC_URL. */
  readonly issuer: string
  /** Our own public keys: nothing is fetched. */
  readonly keys: KeySet
}

/**
 * The 15-minute tokens that Gatehouse itself gives for an API key (RFC 9068): the only ones it signs, and for keys only, never for people.
 *
 * How do we know this token was meant for us? `iss` is our PUBLIC_URL, the signature is by our own key, `aud` is our MCP URL, and the header
 * says at+jwt. The key it stands for is looked up as if it had come itself, so that revocation, expiry and address hold at each use (D23);
 * what the creator's role still allows is the tenancy's question. The token's scopes only narrow those of the key.
 */
export function createServiceToken(
  { issuer, keys }: ServiceTokenIssuer,
  { mcpUrl, lookup, clock }: { readonly mcpUrl: string; readonly lookup: ApiKeyLookup; readonly clock: Clock },
): Provider {
  const jwts = createJwtVerifier({
    issuer,
    keys,
    algorithms: ['EdDSA'],
    audience: [mcpUrl],
    types: 'access_token',
    clock,
  })
  return {
    id: 'service-token',
    tokens: [{ iss: [issuer] }],
    authorization_server: null,
    challenge_scopes: [],
    grants_scopes: false,
    async verify(token, { ip, trace }) {
      const claims = await jwts.verify(token, trace)
      const { client_id: id, tenant } = claims
      if (typeof id !== 'string' || typeof tenant !== 'string' || claims.sub !== `key:${id}`)
        throw new Refusal('claims_invalid', { detail: 'it names no key' })
      const record = await lookup(id)
      if (record === null || record.tenant !== tenant)
        throw new Refusal('key_revoked', { detail: `there is no key ${id} of ${tenant}` })
      assertUsable(record, ip, clock)
      return identityOf({
        provider: 'service-token',
        iss: claims.iss,
        sub: claims.sub,
        ...commonClaims(claims, true),
        name: record.name,
        key: { id, tenant },
      })
    },
  }
}
