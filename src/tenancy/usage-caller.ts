import type { Identity } from '#identity/identity.ts'

/** Who a row of the roll-up is about. */
export type Caller = Pick<Identity, 'iss' | 'sub' | 'provider'>

/** The provider of keys that Gatehouse made; their `sub` is the key's public id. */
export const KEY_PROVIDER = 'api-key'

/**
 * A key is the same caller with its secret and with a token made for it. The static key has no row of its own in the registry: it stands
 * as it came.
 */
export function whoCalled({ iss, sub, provider, key }: Identity): Caller {
  if (key === null || provider === 'static-key') return { iss, sub, provider }
  return { iss: 'urn:gatehouse:api-key', sub: key.id, provider: KEY_PROVIDER }
}
