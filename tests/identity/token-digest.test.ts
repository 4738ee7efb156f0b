import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { userId } from '#identity/identity.ts'
import { revocationDigest, tokenDigest } from '#identity/token-digest.ts'
import { b64 } from './support/issuer.ts'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const signed = `${b64('{"alg":"ES256"}')}.${b64('{"sub":"a"}')}`

test('a token is known by the SHA-256 of all of it', () => {
  expect(tokenDigest('abc')).toBe(sha256('abc'))
})

test('D22: a revoked JWT is known by what is signed, whichever of its signatures is shown', () => {
  expect(revocationDigest(`${signed}.r_s`)).toBe(sha256(signed))
  expect(revocationDigest(`${signed}.r_n-s`)).toBe(sha256(signed))
  const spaced = `${b64(' {"alg":"ES256"}')}.e30`
  expect(revocationDigest(`${spaced}.x`)).toBe(sha256(spaced))
})

test.each(['gho_abc', 'ya29.a.b', 'ya29.a.c', 'a.b', `${b64('{"alg":"ES256"}')}.e30`, `${signed}.r_s.x`, ''])(
  'D22: %j is no JWT, and is known by all of it',
  (token) => {
    expect(revocationDigest(token)).toBe(sha256(token))
  },
)

test('people and logs see the provider and its name for the person', () => {
  expect(userId({ provider: 'google', sub: '109' })).toBe('google:109')
})
