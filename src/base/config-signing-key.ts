import { createPrivateKey, type KeyObject } from 'node:crypto'

const PEM = /-----BEGIN PRIVATE KEY-----[\s\S]+?-----END PRIVATE KEY-----/g

/**
 * The private keys of SIGNING_KEY: PKCS #8 in PEM (one after another, also with `\n` written out, as platforms store lines), a JWK, or a
 * JWK Set. The first signs, all verify. null: there is none, or one is no Ed25519 private key.
 */
export function parseSigningKeys(text: string): readonly KeyObject[] | null {
  try {
    const keys = text.trimStart().startsWith('{') ? jwks(JSON.parse(text)) : pems(text.replaceAll(String.raw`\n`, '\n'))
    return keys.length > 0 && keys.every((key) => key.asymmetricKeyType === 'ed25519') ? keys : null
  } catch {
    // Whatever is wrong with it, what it says is a secret.
    return null
  }
}

const pems = (text: string): readonly KeyObject[] => [...text.matchAll(PEM)].map(([pem]) => createPrivateKey(pem))

function jwks(value: unknown): readonly KeyObject[] {
  const isObject = (one: unknown): one is object => typeof one === 'object' && one !== null
  const keys: readonly unknown[] =
    isObject(value) && 'keys' in value && Array.isArray(value.keys) ? value.keys : [value]
  return keys.filter(isObject).map((key) => createPrivateKey({ key: { ...key }, format: 'jwk' }))
}
