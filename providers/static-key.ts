import { createHash, timingSafeEqual } from 'node:crypto'
import { ConfigError, type StaticKeyConfig } from '#base/config.ts'
import { API_KEY_PREFIX } from '#identity/api-key.ts'
import { isJwtShaped } from '#identity/jwt-parse.ts'
import type { Provider } from '#identity/provider.ts'
import { identityOf } from './claims.ts'
import { hasKnownPrefix } from './prefixes.ts'

const STATIC_KEY_ISSUER = 'urn:gatehouse:static-key'

/** Digests are of one length, so a comparison tells nothing of the key's length either. */
const digest = (value: string): Buffer => createHash('sha256').update(value).digest()

/**
 * The one key of API_KEY, for one-tenant set-ups, scripts and first steps.
 *
 * How do we know this token was meant for us? It is the configured value, compared in constant time. Its tenant is
 * API_KEY_TENANT; its role (API_KEY_ROLE, D23) is the tenancy's to give.
 * @throws ConfigError when the key looks like another provider's token: it would be ambiguous whose it is.
 */
export function createStaticKey(config: StaticKeyConfig): Provider {
  if (hasKnownPrefix(config.key) || config.key.startsWith(API_KEY_PREFIX) || isJwtShaped(config.key)) {
    throw new ConfigError(["API_KEY: it looks like another provider's token; choose a random value"])
  }
  const expected = digest(config.key)
  const identity = identityOf({
    provider: 'static-key',
    iss: STATIC_KEY_ISSUER,
    sub: 'static',
    name: 'API_KEY',
    key: { id: 'static', tenant: config.tenant },
  })
  return {
    id: 'static-key',
    tokens: [{ exact: (token) => timingSafeEqual(digest(token), expected) }],
    authorization_server: null,
    challenge_scopes: [],
    grants_scopes: false,
    verify: async () => identity,
  }
}
