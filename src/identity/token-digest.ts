import { hash } from 'node:crypto'

/** Hex SHA-256 of a whole token: how a cache knows it without keeping it. Tokens hold enough randomness or a signature, so it needs no salt. */
export const tokenDigest = (token: string): string => hash('sha256', token)

/**
 * How a revoked token is known (D22): of a JWT the digest of what is signed, without the signature. An ECDSA signature has a twin that
 * verifies too, (r, n - s), so a digest over the whole token could be escaped by whoever holds it. Of any other token the whole.
 */
export function revocationDigest(token: string): string {
  const [header = '', payload = '', ...rest] = token.split('.')
  const jwt = rest.length === 1 && Buffer.from(header, 'base64url').toString('latin1').trimStart().startsWith('{')
  return tokenDigest(jwt ? `${header}.${payload}` : token)
}
