import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseJws } from '#identity/jwt-parse.ts'
import { verifySignature } from '#identity/jwt.ts'
import { startIssuer, type Issuer } from './identity/support/issuer.ts'
import { refused } from './identity/support/refused.ts'

/** What others found out about breaking signatures (tests/vectors/README.md), at the seam under the claims: their payloads are none. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']

const read = (path: string): unknown =>
  JSON.parse(readFileSync(new URL(`vectors/${path}`, import.meta.url), 'utf8')) as unknown

let issuer: Issuer
beforeAll(async () => {
  issuer = await startIssuer()
})
afterAll(async () => await issuer.close())

type Jwk = Readonly<Record<string, unknown>>
const isKeySet = (key: unknown): key is { readonly keys: readonly Jwk[] } =>
  typeof key === 'object' && key !== null && 'keys' in key && Array.isArray(key.keys)

/** 'accepted', or the code of the refusal, of a signature whose issuer publishes these keys. */
function judge(keys: readonly Jwk[]): (token: string) => Promise<string> {
  issuer.publish(keys)
  const keySet = issuer.keySet({ algorithms: ALGORITHMS })
  return async (token) => await refused(async () => await verifySignature(token, parseJws(token).header, keySet))
}

interface Expectations {
  readonly files: Readonly<Record<string, readonly { tcId: number; expected: 'accept' | 'reject' | 'either' }[]>>
}
interface Wycheproof {
  readonly testGroups: readonly {
    readonly public?: unknown
    readonly private?: unknown
    readonly tests: readonly { readonly tcId: number; readonly comment: string; readonly jws?: unknown }[]
  }[]
}
const { files } = read('wycheproof/strict-expectations.json') as Expectations

describe.each(Object.entries(files))('Wycheproof %s', (name, expectations) => {
  test(`all ${expectations.length} signatures are judged as strictly as they must be`, async () => {
    const wanted = new Map(expectations.map(({ tcId, expected }) => [tcId, expected]))
    const wrong: string[] = []
    const count = { accept: 0, reject: 0 }
    for (const { tests, ...group } of (read(`wycheproof/${name}.json`) as Wycheproof).testGroups) {
      const key = group.public ?? group.private
      const judged = judge(isKeySet(key) ? key.keys : [key as Jwk])
      for (const { tcId, comment, jws } of tests) {
        const expected = wanted.get(tcId)
        if (expected === undefined) continue
        wanted.delete(tcId)
        const outcome = await judged(typeof jws === 'string' ? jws : JSON.stringify(jws))
        const seen = outcome === 'accepted' ? 'accept' : 'reject'
        count[seen] += 1
        // 'either' is ROCA: a weak key that cannot be told from a good one without factoring it.
        if (expected !== 'either' && seen !== expected) wrong.push(`${tcId} ${comment}: ${outcome}`)
      }
    }
    expect(wrong).toEqual([])
    expect([...wanted.keys()]).toEqual([])
    expect(count.accept).toBeGreaterThan(0)
    expect(count.reject).toBeGreaterThan(20)
  })
})

test('476 of Wycheproof’s signatures are in the table', () => {
  expect(Object.values(files).flat()).toHaveLength(476)
})

interface Cookbook {
  readonly input: { readonly payload: string; readonly key: Jwk }
  readonly output: { readonly compact?: string; readonly json?: unknown; readonly json_flat?: unknown }
}
const PUBLIC = ['kty', 'kid', 'use', 'alg', 'crv', 'x', 'y', 'n', 'e']
const published = (key: Jwk): Jwk => Object.fromEntries(Object.entries(key).filter(([name]) => PUBLIC.includes(name)))

test.each([
  'jws/4_1.rsa_v15_signature',
  'jws/4_2.rsa-pss_signature',
  'jws/4_3.ecdsa_signature',
  'curve25519/jws',
] as const)('RFC 7520 and RFC 8037: %s is accepted, and nothing near it', async (name) => {
  const { input, output } = read(`jose-cookbook/${name}.json`) as Cookbook
  const { compact = '' } = output
  const judged = judge([published(input.key)])
  expect(await judged(compact)).toBe('accepted')
  expect(Buffer.from(parseJws(compact).payload).toString()).toBe(input.payload)
  const [header = '', payload = '', signature = ''] = compact.split('.')
  for (const near of [
    `${header}.${payload}.${signature.slice(0, -2)}`,
    `${header}.${payload.slice(0, -4)}.${signature}`,
    `${header}.${payload}.`,
    `${header}..${signature}`,
    ` ${compact}`,
    `${compact}=`,
    JSON.stringify(output.json),
    JSON.stringify(output.json_flat),
  ])
    expect(await judged(near), near).not.toBe('accepted')
  // The same token at an issuer that publishes its private key: nobody can vouch by that key any more.
  expect(await judge([input.key])(compact)).toBe('provider_unavailable')
})

test.each([
  'jws/4_4.hmac-sha2_integrity_protection',
  'jws/4_5.signature_with_detached_content',
  'jws/4_6.protecting_specific_header_fields',
  'jws/4_7.protecting_content_only',
  'jws/4_8.multiple_signatures',
  'rfc7797/4.2.hmac-sha2_b64_false',
  'rfc7797/hmac-sha2_b64_false',
] as const)('RFC 7520 and RFC 7797: %s is refused in every serialisation', async (name) => {
  const { input, output } = read(`jose-cookbook/${name}.json`) as Cookbook
  // Beside a good key, so that it is the token that is refused and not the whole set.
  const judged = judge([issuer.key.jwk, ...[input.key].flat()])
  for (const form of Object.values(output))
    expect(await judged(typeof form === 'string' ? form : JSON.stringify(form))).toMatch(
      /^(token_malformed|header_refused|key_unknown)$/,
    )
})
