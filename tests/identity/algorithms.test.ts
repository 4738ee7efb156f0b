import { expect, test } from 'vitest'
import { fitsKey, isAsymmetric } from '#identity/algorithms.ts'

const RSA = { kty: 'RSA' }
const KEYS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  RS256: RSA,
  RS384: RSA,
  RS512: RSA,
  PS256: RSA,
  PS384: RSA,
  PS512: RSA,
  ES256: { kty: 'EC', crv: 'P-256' },
  ES384: { kty: 'EC', crv: 'P-384' },
  ES512: { kty: 'EC', crv: 'P-521' },
  EdDSA: { kty: 'OKP', crv: 'Ed25519' },
  Ed25519: { kty: 'OKP', crv: 'Ed25519' },
}
const ALL = Object.entries(KEYS)

test.each(ALL)(
  '%s goes with keys of its type and curve, whether they name it or not, and with no other',
  (alg, key) => {
    expect(isAsymmetric(alg)).toBe(true)
    expect([fitsKey(alg, key), fitsKey(alg, { ...key, alg })]).toEqual([true, true])
    for (const [other, { kty, crv }] of ALL) {
      if (other !== alg) expect(fitsKey(alg, { ...key, alg: other }), other).toBe(false)
      if (kty !== key['kty']) expect(fitsKey(alg, { ...key, kty }), other).toBe(false)
      if (key['crv'] !== undefined && crv !== key['crv']) expect(fitsKey(alg, { ...key, crv }), other).toBe(false)
    }
  },
)

test.each(['none', 'HS256', 'HS512', 'rs256', 'ES256K', 'RSA-OAEP', 'Ed448', '', '__proto__'])(
  '%j is no algorithm of published keys, whatever the key',
  (alg) => {
    expect(isAsymmetric(alg)).toBe(false)
    for (const [, key] of ALL) expect(fitsKey(alg, key)).toBe(false)
    expect(fitsKey(alg, { kty: 'oct' })).toBe(false)
  },
)
