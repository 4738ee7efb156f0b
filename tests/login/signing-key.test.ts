import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { parseSigningKeys } from '#base/config-signing-key.ts'
import { createSigningKeys } from '#login/signing-key.ts'

const pair = () => generateKeyPairSync('ed25519')
const pem = (key = pair().privateKey): string => String(key.export({ type: 'pkcs8', format: 'pem' }))
const jwk = (key = pair().privateKey): object => key.export({ format: 'jwk' })
const config = { publicUrl: 'https://gatehouse.test', sessionSecrets: ['s'.repeat(40)] }

test('the same configuration has the same key on every replica and after every start; another secret has another', async () => {
  const kids = async (sessionSecrets: readonly string[]): Promise<unknown> =>
    (await createSigningKeys({ ...config, sessionSecrets, signingKey: null })).jwks.keys.map(({ kid }) => kid)
  const [first, second] = ['s'.repeat(40), 't'.repeat(40)] as const
  expect(await kids([first])).toEqual(await kids([first]))
  expect(await kids([first])).not.toEqual(await kids([second]))
  expect(await kids([first, second])).toEqual([
    ...((await kids([first])) as string[]),
    ...((await kids([second])) as string[]),
  ])
})

test('D29: with SIGNING_KEY no key derived from the secret is published or verifies', async () => {
  const derived = await createSigningKeys({ ...config, signingKey: null })
  const own = await createSigningKeys({ ...config, signingKey: pem() })
  const [kid] = derived.jwks.keys.map((key) => key.kid ?? '')
  expect(own.jwks.keys.map((key) => key.kid)).not.toContain(kid)
  await expect(own.keySet.key({ alg: 'EdDSA', kid: kid ?? '' })).rejects.toThrow('key_unknown')
  await expect(derived.keySet.key({ alg: 'EdDSA', kid: kid ?? '' })).resolves.toBeDefined()
})

test('a key is found by its kid and algorithm only', async () => {
  const { keySet, jwks } = await createSigningKeys({ ...config, signingKey: null })
  const kid = jwks.keys[0]?.kid ?? ''
  await expect(keySet.key({ alg: 'ES256', kid })).rejects.toThrow('key_unknown')
  await expect(keySet.key({ alg: 'EdDSA' })).rejects.toThrow('key_unknown')
})

test('SIGNING_KEY may be PEM, PEM with its lines written out, several, a JWK or a set of them', () => {
  const set = JSON.stringify({ keys: [jwk(), jwk()] })
  const accepted = [pem(), pem().replaceAll('\n', String.raw`\n`), pem() + pem(), JSON.stringify(jwk()), set]
  expect(accepted.map((text) => parseSigningKeys(text)?.length)).toEqual([1, 1, 2, 1, 2])
})

test('SIGNING_KEY that is public, of another kind, broken or empty is refused', () => {
  const { publicKey } = pair()
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const refused = [
    String(publicKey.export({ type: 'spki', format: 'pem' })),
    JSON.stringify(publicKey.export({ format: 'jwk' })),
    pem(ec),
    JSON.stringify(jwk(ec)),
    pem() + pem(ec),
    pem().slice(0, 60),
    '{"keys":[]}',
    '{"keys":[1]}',
    '{',
    'secret',
    '',
  ]
  expect(refused.map((text) => parseSigningKeys(text))).toEqual(refused.map(() => null))
})
