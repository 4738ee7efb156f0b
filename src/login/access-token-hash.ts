import { createHash } from 'node:crypto'
import { Refusal } from '#base/refusal.ts'

/** Ed25519 signs over SHA-512 (RFC 8032); the others say their hash in their name. */
const HASH: Readonly<Record<string, string>> = { '256': 'sha256', '384': 'sha384', '512': 'sha512' }

/**
 * `at_hash` of an ID token (OIDC Core section 3.1.3.6): the access token that came with it is the one its issuer made with it. Optional
 * in the code flow; when it is there it must be right, and be one we can compute. Does not look at the signature.
 * @throws Refusal `claims_invalid`.
 */
export function assertAccessTokenHash(idToken: string, accessToken: string): void {
  const [header, payload] = idToken.split('.', 2).map((part) => membersOf(part))
  const at_hash = payload?.['at_hash']
  if (at_hash === undefined) return
  const alg = String(header?.['alg'])
  const hash = /^(?:EdDSA|Ed25519)$/.test(alg) ? 'sha512' : HASH[alg.slice(-3)]
  if (hash === undefined) throw new Refusal('claims_invalid', { detail: `at_hash under ${alg.slice(0, 16)}` })
  const digest = createHash(hash).update(accessToken).digest()
  if (at_hash !== digest.subarray(0, digest.length / 2).toString('base64url'))
    throw new Refusal('claims_invalid', { detail: 'at_hash is of another access token' })
}

function membersOf(part: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString())
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
