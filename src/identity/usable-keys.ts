import { importJWK, type JWK } from 'jose'
import { Refusal } from '#base/refusal.ts'
import { fitsKey } from './algorithms.ts'
import { isRecord, text } from './json.ts'

/** More keys than this make a set unusable: no issuer has so many, and every unknown `kid` would search them. */
const MOST_KEYS = 100
export const LONGEST_KID = 256
/** RFC 7518 sections 6.2.2, 6.3.2 and 6.4.1: who publishes these has published the private key. */
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']
const PUBLIC = ['crv', 'x', 'y', 'n', 'e'] as const

/**
 * The keys of a JWK Set (RFC 7517 section 5) that may verify signatures of one of `algorithms`; the others are left out:
 * private, symmetric, for encryption, weak (RSA under 2048 bits or with a bad exponent), over 8192 bits, not on their curve,
 * for another algorithm, and all of several with the same kid and alg.
 * @throws Refusal `provider_unavailable` when this is no key set, has over 100 keys, or none is usable. ROCA keys are not found out.
 */
export async function usableKeys(body: unknown, algorithms: readonly string[]): Promise<JWK[]> {
  const keys = isRecord(body) ? body['keys'] : null
  if (!Array.isArray(keys)) throw new Refusal('provider_unavailable', { detail: 'not a JWK Set' })
  if (keys.length > MOST_KEYS)
    throw new Refusal('provider_unavailable', { detail: `a JWK Set of more than ${MOST_KEYS} keys` })

  const read = await Promise.all(keys.map(async (key: unknown) => await usableKey(key, algorithms)))
  const found = read.filter((key) => key !== null)
  const name = ({ kid, alg }: JWK): string => JSON.stringify([kid, alg])
  const names = found.map(name)
  const unique = found.filter(
    (key) => key.kid === undefined || names.indexOf(name(key)) === names.lastIndexOf(name(key)),
  )
  if (unique.length === 0) throw new Refusal('provider_unavailable', { detail: 'a JWK Set without a usable key' })
  return unique
}

async function usableKey(jwk: unknown, algorithms: readonly string[]): Promise<JWK | null> {
  if (!isRecord(jwk) || PRIVATE.some((member) => Object.hasOwn(jwk, member))) return null
  const { kty, kid, use, key_ops: operations } = jwk
  if (typeof kty !== 'string' || (kid !== undefined && (typeof kid !== 'string' || kid.length > LONGEST_KID)))
    return null
  if (use !== undefined && use !== 'sig') return null
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) return null

  const alg = algorithms.find((candidate) => fitsKey(candidate, jwk))
  if (alg === undefined || (kty === 'RSA' && !isStrongRsa(text(jwk, 'n') ?? '', text(jwk, 'e') ?? ''))) return null

  // Only what makes a public key is copied: no certificate, no URL of one.
  const key: JWK = { kty }
  for (const member of PUBLIC) {
    const value = text(jwk, member)
    if (value !== null) key[member] = value
  }
  try {
    await importJWK(key, alg)
  } catch {
    return null
  }
  if (kid !== undefined) key.kid = kid
  if (jwk['alg'] !== undefined) key.alg = alg
  return key
}

function isStrongRsa(n: string, e: string): boolean {
  const modulus = Buffer.from(n, 'base64url')
  const exponent = Buffer.from(e, 'base64url')
  if (modulus.length > 1024 + 1 || exponent.length === 0 || exponent.length > 8) return false
  const value = BigInt(`0x${exponent.toString('hex')}`)
  return BigInt(`0x0${modulus.toString('hex')}`) >> 2047n > 0n && value >= 3n && value % 2n === 1n
}
