import type { OidcConfig } from '#base/config.ts'
import { Refusal } from '#base/refusal.ts'
import { createDiscovery, type Discovery } from '#identity/discovery.ts'
import { createKeySet, type KeySet } from '#identity/jwks.ts'
import { createJwtVerifier, type JwtVerifier } from '#identity/jwt.ts'
import { audienceRule, type Audience } from './audience.ts'
import type { ProviderParts } from './claims.ts'

/** Keycloak writes what a token is into the payload; these are no access or ID tokens. */
const FOREIGN_USES = ['Refresh', 'Offline', 'Logout']

/** One exact `iss`: its discovery document, its keys, and the rule for its JWTs. */
export interface Issuer {
  readonly discovery: Discovery
  readonly keys: KeySet
  readonly jwts: JwtVerifier
}

/** @throws ConfigError for an algorithm that does not go with published keys. Asks nobody yet. */
export function createIssuer(
  issuer: string,
  { algorithms, tokenUse }: Pick<OidcConfig, 'algorithms' | 'tokenUse'>,
  accepted: Audience,
  parts: ProviderParts,
): Issuer {
  const discovery = createDiscovery({ issuer, ...parts })
  const keys = createKeySet({ issuer, jwksUri: async () => await discovery.endpoint('jwks_uri'), algorithms, ...parts })
  const assertMeantForUs = audienceRule(accepted)
  const jwts = createJwtVerifier({
    issuer,
    keys,
    algorithms,
    types: tokenUse,
    clock: parts.clock,
    audience: (claims, typ) => {
      const use = claims['typ']
      if (typeof use === 'string' && FOREIGN_USES.includes(use))
        throw new Refusal('type_refused', { detail: `typ ${use}` })
      assertMeantForUs(claims, typ)
    },
  })
  return { discovery, keys, jwts }
}
