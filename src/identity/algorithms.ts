interface Fit {
  readonly kty: 'RSA' | 'EC' | 'OKP'
  readonly crv: string | null
}
const RSA: Fit = { kty: 'RSA', crv: null }
const ED25519: Fit = { kty: 'OKP', crv: 'Ed25519' }

/** Signature algorithms that may be allowed for an issuer's key set (RFC 7518 section 3.1, RFC 8037, RFC 9864) and the keys they need. */
const ASYMMETRIC: ReadonlyMap<string, Fit> = new Map([
  ['RS256', RSA],
  ['RS384', RSA],
  ['RS512', RSA],
  ['PS256', RSA],
  ['PS384', RSA],
  ['PS512', RSA],
  ['ES256', { kty: 'EC', crv: 'P-256' }],
  ['ES384', { kty: 'EC', crv: 'P-384' }],
  ['ES512', { kty: 'EC', crv: 'P-521' }],
  ['EdDSA', ED25519],
  ['Ed25519', ED25519],
])

export const isAsymmetric = (alg: string): boolean => ASYMMETRIC.has(alg)

/** May a key of this type, curve and (if it says) algorithm verify signatures of `alg`? */
export function fitsKey(alg: string, jwk: Readonly<Record<string, unknown>>): boolean {
  const fit = ASYMMETRIC.get(alg)
  if (fit === undefined || jwk['kty'] !== fit.kty) return false
  return (fit.crv === null || jwk['crv'] === fit.crv) && (jwk['alg'] === undefined || jwk['alg'] === alg)
}
