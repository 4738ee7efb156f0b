import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { SignJWT, calculateJwkThumbprint, importJWK, type CryptoKey, type JWK } from 'jose'
import type { Config } from '#base/config.ts'
import { parseSigningKeys } from '#base/config-signing-key.ts'
import { deriveKey } from '#base/derive.ts'
import { Refusal } from '#base/refusal.ts'
import type { KeySet } from '#identity/jwks.ts'

/** RFC 8037 section 3.1. */
const ALGORITHM = 'EdDSA'
/** RFC 8410 section 7: what stands before the 32 bytes of an Ed25519 private key in PKCS #8. */
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex')

/** What service tokens are signed with, and what they are checked with: kept nowhere, made from the configuration at each start (D29). */
export interface SigningKeys {
  /** A compact JWS of these claims, signed by the first key; `typ` goes into its header. */
  sign(claims: Readonly<Record<string, unknown>>, typ: string): Promise<string>
  /** The public keys (RFC 7517 section 5), for /oauth/jwks.json. */
  readonly jwks: { readonly keys: readonly JWK[] }
  /** The same for the JWT verifier: nothing is fetched. */
  readonly keySet: KeySet
}

/**
 * Ed25519 from SIGNING_KEY, else derived from each SESSION_SECRET: the first signs, all verify, so that a secret can be replaced while
 * tokens of the one before still live. Derived keys are bound to PUBLIC_URL: another deployment with the same secret has other keys.
 * With SIGNING_KEY no derived key verifies, so whoever learns SESSION_SECRET cannot make tokens.
 */
export async function createSigningKeys(
  config: Pick<Config, 'publicUrl' | 'sessionSecrets' | 'signingKey'>,
): Promise<SigningKeys> {
  const [first, ...others] = await Promise.all(privateKeys(config).map(published))
  if (first === undefined) throw new Error('there is no SESSION_SECRET to derive a signing key from')
  const all = [first, ...others]
  const byKid = new Map(await Promise.all(all.map(async ({ jwk, kid }) => [kid, await imported(jwk)] as const)))
  return {
    sign: async (claims, typ) =>
      await new SignJWT({ ...claims })
        .setProtectedHeader({ alg: ALGORITHM, typ, kid: first.kid })
        .sign(first.privateKey),
    jwks: { keys: all.map(({ jwk }) => jwk) },
    keySet: {
      async key({ alg, kid }) {
        const key = alg === ALGORITHM && kid !== undefined ? byKid.get(kid) : undefined
        if (key === undefined) throw new Refusal('key_unknown', { detail: 'not signed with a key of this server' })
        return key
      },
      warm: async () => undefined,
      state: () => ({ ready: true, keys: all.length, first_attempt: null, last_success: null, last_error: null }),
      generation: () => 0,
    },
  }
}

function privateKeys({
  publicUrl,
  sessionSecrets,
  signingKey,
}: Pick<Config, 'publicUrl' | 'sessionSecrets' | 'signingKey'>): readonly KeyObject[] {
  if (signingKey !== null) {
    const keys = parseSigningKeys(signingKey)
    if (keys === null) throw new Error('SIGNING_KEY was not checked')
    return keys
  }
  return sessionSecrets.map((secret) =>
    createPrivateKey({
      key: Buffer.concat([PKCS8_ED25519, deriveKey(secret, 'service-token', publicUrl)]),
      format: 'der',
      type: 'pkcs8',
    }),
  )
}

/** The key with its public half; `kid` is the RFC 7638 thumbprint, so that it names the key on every replica alike. */
async function published(
  privateKey: KeyObject,
): Promise<{ readonly privateKey: KeyObject; readonly kid: string; readonly jwk: JWK }> {
  const { crv = '', x = '' } = createPublicKey(privateKey).export({ format: 'jwk' })
  const bare = { kty: 'OKP', crv, x } as const
  const kid = await calculateJwkThumbprint(bare)
  return { privateKey, kid, jwk: { ...bare, kid, alg: ALGORITHM, use: 'sig' } }
}

async function imported(jwk: JWK): Promise<CryptoKey> {
  const key = await importJWK(jwk, ALGORITHM)
  if (key instanceof Uint8Array) throw new Error('a public key was expected')
  return key
}
