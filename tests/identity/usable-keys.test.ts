import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { usableKeys } from '#identity/usable-keys.ts'
import { b64, makeKey } from './support/issuer.ts'
import { refused } from './support/refused.ts'

const { jwk } = makeKey('k1')
const ec = makeKey('e1', 'ES256').jwk
const { alg: _alg, use: _use, ...bare } = jwk
const kidsOf = async (keys: readonly unknown[], algorithms = ['RS256', 'ES256']): Promise<unknown[]> =>
  (await usableKeys({ keys }, algorithms)).map(({ kid }) => kid)
/** A modulus of so many bits. No such key verifies anything: only its size is looked at here. */
const modulus = (bits: number): string => {
  const bytes = Buffer.alloc(Math.ceil(bits / 8), createHash('sha256').update('odd').digest())
  bytes[0] = 0xff >> (bytes.length * 8 - bits)
  return b64(bytes)
}

test('of a key only what makes it public is kept', async () => {
  const [kept] = await usableKeys({ keys: [{ ...jwk, x5u: 'https://x', x5c: ['MII'], ext: true, more: 1 }] }, ['RS256'])
  expect(kept).toEqual({ kty: 'RSA', kid: 'k1', alg: 'RS256', n: jwk['n'], e: 'AQAB' })
  const [curve] = await usableKeys({ keys: [ec] }, ['ES256'])
  expect(curve).toEqual({ kty: 'EC', kid: 'e1', alg: 'ES256', crv: 'P-256', x: ec['x'], y: ec['y'] })
  expect(await usableKeys({ keys: [bare] }, ['RS256'])).toEqual([{ kty: 'RSA', kid: 'k1', n: jwk['n'], e: 'AQAB' }])
})

test.each([
  ['a key for signatures', { use: 'sig' }, true],
  ['a key for everything', { use: undefined, key_ops: undefined }, true],
  ['a key with verify among its uses', { key_ops: ['sign', 'verify'] }, true],
  ['a key for encryption', { use: 'enc' }, false],
  ['a key of an unknown use', { use: 7 }, false],
  ['a key that may only sign', { key_ops: ['sign'] }, false],
  ['uses that are a string', { key_ops: 'verify' }, false],
  ['uses that are null', { key_ops: null }, false],
  ['a kid of 256 characters', { kid: 'k'.repeat(256) }, true],
  ['a kid of 257 characters', { kid: 'k'.repeat(257) }, false],
  ['a kid that is a number', { kid: 7 }, false],
  ['no kid', { kid: undefined }, true],
  ['an algorithm that is not allowed', { alg: 'RS384' }, false],
  ['an algorithm that is no string', { alg: 7 }, false],
  ['a type that is no string', { kty: ['RSA'] }, false],
  ['no type', { kty: undefined }, false],
  ['J21: 2,047 bits', { n: modulus(2047) }, false],
  ['2,048 bits', { n: modulus(2048) }, true],
  [
    '2,048 bits and a zero in front',
    { n: b64(Buffer.concat([Buffer.alloc(1), Buffer.from(modulus(2048), 'base64url')])) },
    true,
  ],
  ['8,192 bits', { n: modulus(8192) }, true],
  ['more than 8,192 bits and a zero in front', { n: modulus(8208) }, false],
  ['no modulus', { n: undefined }, false],
  ['no exponent', { e: undefined }, false],
  ['an empty exponent', { e: '' }, false],
  ['J21: an exponent of 1', { e: 'AQ' }, false],
  ['an exponent of 2', { e: 'Ag' }, false],
  ['an exponent of 3', { e: 'Aw' }, true],
  ['an even exponent', { e: b64(Buffer.from([1, 0, 0])) }, false],
  ['an exponent of 64 bits', { e: b64(Buffer.from([0, 0, 0, 0, 0, 1, 0, 1])) }, true],
  ['an exponent of 72 bits', { e: b64(Buffer.from([0, 0, 0, 0, 0, 0, 1, 0, 1])) }, false],
  ...['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'].map(
    (member) => [`J22: the private ${member}`, { [member]: null }, false] as const,
  ),
] as const)('%s: usable is %s', async (_what, change, usable) => {
  // One beside it, since a set without any is refused.
  expect(await kidsOf([{ ...jwk, ...change }, ec])).toHaveLength(usable ? 2 : 1)
})

test.each([
  ['a point that is not on its curve', { ...ec, x: ec['y'] }],
  ['another curve', { ...ec, crv: 'P-384' }],
  ['no key at all', null],
  ['a string', 'key'],
  ['a list', [ec]],
])('%s is left out', async (_what, key) => {
  expect(await kidsOf([key, jwk])).toEqual(['k1'])
})

test('J23: of keys with one kid and one algorithm none is kept; without kid all are', async () => {
  const other = makeKey('k1').jwk
  expect(await kidsOf([jwk, other, ec])).toEqual(['e1'])
  expect(
    await kidsOf([
      { ...jwk, kid: undefined },
      { ...other, kid: undefined },
    ]),
  ).toEqual([undefined, undefined])
  // One kid for two algorithms is told apart by them.
  expect(await kidsOf([jwk, { ...ec, kid: 'k1' }])).toEqual(['k1', 'k1'])
})

test.each([
  ['null', null],
  ['a list', [jwk]],
  ['no keys', {}],
  ['keys that are an object', { keys: { 0: jwk } }],
  ['an empty set', { keys: [] }],
  ['a set of unusable keys', { keys: [{ ...jwk, use: 'enc' }] }],
  ['101 keys', { keys: [...Array.from({ length: 100 }, () => null), jwk] }],
])('%s is no key set', async (_what, body) => {
  expect(await refused(async () => await usableKeys(body, ['RS256']))).toBe('provider_unavailable')
})

test('100 keys are', async () => {
  expect(await kidsOf([...Array.from({ length: 99 }, () => null), jwk])).toEqual(['k1'])
})
