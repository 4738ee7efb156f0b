import { expect, test } from 'vitest'
import { isJwtShaped, parseJwt, peekIssuer } from '#identity/jwt-parse.ts'
import { hasUniqueMembers } from '#identity/unique-members.ts'
import { b64 } from './support/issuer.ts'
import { refused } from './support/refused.ts'

const HEADER = '{"alg":"RS256"}'
const PAYLOAD = '{"iss":"https://idp.example"}'
const token = (
  header: string | Uint8Array = HEADER,
  payload: string | Uint8Array = PAYLOAD,
  signature = 'c2ln',
): string => `${b64(header)}.${b64(payload)}.${signature}`

test('a token is taken apart', () => {
  const { header, claims } = parseJwt(
    token('{"alg":"RS256","kid":"1","typ":"application/AT+JWT","x":1}', '{"a":{"b":[1]}}'),
  )
  expect(header).toEqual({ alg: 'RS256', kid: '1', typ: 'at+jwt' })
  expect(claims['a']).toEqual({ b: [1] })
})

test('a type is read without application/ in front, and without anything else', () => {
  const typed = (typ: string): string | null => parseJwt(token(`{"alg":"RS256","typ":"${typ}"}`)).header.typ
  expect([typed('Application/JWT'), typed('x-application/jwt')]).toEqual(['jwt', 'x-application/jwt'])
  expect(Object.keys(parseJwt(token()).header)).toEqual(['alg', 'typ'])
})

test('C17: claims have no prototype, and a member called __proto__ is left out at every depth', () => {
  const { claims } = parseJwt(
    token(HEADER, '{"__proto__":{"admin":true},"a":{"__proto__":{"admin":true},"b":1},"constructor":7}'),
  )
  expect(Object.getPrototypeOf(claims)).toBeNull()
  expect(Object.hasOwn(claims, '__proto__')).toBe(false)
  expect(Object.getOwnPropertyNames(claims['a'])).toEqual(['b'])
  expect([claims['constructor'], claims['hasOwnProperty'], ({} as { admin?: unknown }).admin]).toEqual([
    7,
    undefined,
    undefined,
  ])
})

const bom = '\uFEFF'
test.each([
  ['J14: five parts', `${token()}.a.b`, 'token_malformed'],
  ['J16: two parts', `${b64(HEADER)}.${b64(PAYLOAD)}`, 'token_malformed'],
  ['J16: four parts', `${token()}.YQ`, 'token_malformed'],
  ['J16: the JSON serialisation', '{"payload":"e30","signatures":[]}', 'token_malformed'],
  ['J1: an empty signature', token(HEADER, PAYLOAD, ''), 'token_malformed'],
  ['an empty payload', token(HEADER, ''), 'token_malformed'],
  ['J17: a space behind', `${token()} `, 'token_malformed'],
  ['J17: a line break behind', `${token()}\n`, 'token_malformed'],
  ['J17: padding', `${token(HEADER, PAYLOAD, 'c2lnbg')}==`, 'token_malformed'],
  ['J17: another last character', token(HEADER, PAYLOAD, 'c2lnbh'), 'token_malformed'],
  ['J17: the alphabet of plain base64', token(HEADER, PAYLOAD, '-_8+'), 'token_malformed'],
  ['J17: white space in a part', ` ${token()}`, 'token_malformed'],
  ['a header that is no JSON', token('{alg:1}'), 'token_malformed'],
  ['a header that is an array', token('[]'), 'token_malformed'],
  ['J15: a nested token', token(HEADER, token()), 'token_malformed'],
  ['J12: a member of the header twice', token('{"alg":"RS256","alg":"none"}'), 'token_malformed'],
  ['J13: a claim twice', token(HEADER, '{"iss":"a","sub":"x","iss":"b"}'), 'token_malformed'],
  ['J13: a claim twice, once escaped', token(HEADER, '{"iss":"a","\\u0069ss":"b"}'), 'token_malformed'],
  ['J13: a member of a nested claim twice', token(HEADER, '{"a":[{"b":{"c":1,"d":2,"c":3}}]}'), 'token_malformed'],
  ['J25: a byte order mark', token(HEADER, bom + PAYLOAD), 'token_malformed'],
  ['J25: a byte order mark in the header', token(bom + HEADER), 'token_malformed'],
  [
    'J26: a payload that is no UTF-8',
    token(HEADER, Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])),
    'token_malformed',
  ],
  ['J27: an array', token(HEADER, '[]'), 'token_malformed'],
  ['J27: null', token(HEADER, 'null'), 'token_malformed'],
  ['J27: a string', token(HEADER, '"iss"'), 'token_malformed'],
  ['alg is a number', token('{"alg":1}'), 'token_malformed'],
  ['no alg', token('{}'), 'token_malformed'],
  ['typ is a number', token('{"alg":"RS256","typ":1}'), 'token_malformed'],
  ['J5: kid is an object', token('{"alg":"RS256","kid":{}}'), 'header_refused'],
  ['J5: kid is a number', token('{"alg":"RS256","kid":1}'), 'header_refused'],
  ['J5: kid is an array', token('{"alg":"RS256","kid":["1"]}'), 'header_refused'],
  ['J5: kid of 257 characters', token(`{"alg":"RS256","kid":"${'k'.repeat(257)}"}`), 'header_refused'],
  ['J6: jku', token('{"alg":"RS256","jku":"https://evil.example"}'), 'header_refused'],
  ['J6: x5u', token('{"alg":"RS256","x5u":"https://evil.example"}'), 'header_refused'],
  ['J6: x5c', token('{"alg":"RS256","x5c":[]}'), 'header_refused'],
  ['J7: jwk', token('{"alg":"RS256","jwk":{"kty":"RSA"}}'), 'header_refused'],
  ['J8: crit', token('{"alg":"RS256","crit":["exp"]}'), 'header_refused'],
  ['J8: crit that is empty', token('{"alg":"RS256","crit":[]}'), 'header_refused'],
  ['J9: b64 with crit', token('{"alg":"RS256","b64":false,"crit":["b64"]}'), 'header_refused'],
  ['J10: b64 alone', token('{"alg":"RS256","b64":false}'), 'header_refused'],
  ['J11: b64 true', token('{"alg":"RS256","b64":true,"crit":["b64"]}'), 'header_refused'],
  ['T11: 8193 characters', 'e'.repeat(8193), 'token_too_long'],
])('%s is refused', async (_, given, code) => {
  expect(await refused(() => parseJwt(given))).toBe(code)
})

test('T11, J5: what is just not too long is read, and an encrypted token is told from a broken one in the log', async () => {
  const kid = 'k'.repeat(256)
  expect(parseJwt(token(`{"alg":"RS256","kid":"${kid}"}`)).header.kid).toBe(kid)
  const pad = (length: number): string => token(HEADER, PAYLOAD, 'A'.repeat(length - token().length + 4))
  expect(pad(8192)).toHaveLength(8192)
  expect(await refused(() => parseJwt(pad(8192)))).toBe('accepted')
  expect(await refused(() => parseJwt(pad(8193)))).toBe('token_too_long')
  expect(() => parseJwt(`${token()}.a.b`)).toThrow(/encrypted/)
  expect(() => parseJwt(`${token()}.a`)).toThrow(/not three parts/)
})

test('D33: JSON is nested to 64 levels, whatever brackets its strings hold', async () => {
  const nested = (levels: number): string => token(HEADER, `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`)
  expect(await refused(() => parseJwt(nested(64)))).toBe('accepted')
  expect(await refused(() => parseJwt(nested(65)))).toBe('token_malformed')
  const objects = (levels: number): string => token(HEADER, `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`)
  expect(await refused(() => parseJwt(objects(64)))).toBe('accepted')
  expect(await refused(() => parseJwt(objects(65)))).toBe('token_malformed')
  // Many beside each other, and brackets in text, are no depth.
  expect(await refused(() => parseJwt(token(HEADER, `{"a":[${'[],'.repeat(100)}0]}`)))).toBe('accepted')
  expect(await refused(() => parseJwt(token(HEADER, JSON.stringify({ a: '{['.repeat(100), b: '"\\[' }))))).toBe(
    'accepted',
  )
})

test('J17: no other last character of a signature is read as the same token', async () => {
  const good = token(HEADER, PAYLOAD, b64(Buffer.alloc(256, 7)))
  const same = Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_').map(
    (last) => good.slice(0, -1) + last,
  )
  const codes = await Promise.all(same.map(async (each) => await refused(() => parseJwt(each))))
  // 256 bytes end in one base64url character of which 4 bits do not count: 4 canonical ones, and the one that was signed among them.
  expect(codes.filter((code) => code === 'accepted')).toHaveLength(4)
  expect(codes[same.indexOf(good)]).toBe('accepted')
})

test('a member with the same name in two objects, or as a value, is no repetition', () => {
  for (const good of [
    '{"a":{"x":1},"b":{"x":1}}',
    '[{"a":1},{"a":1}]',
    '{"a":"a","b":["a","a"]}',
    '{"a":"\\"b\\":","b":"{"}',
    '{}',
  ])
    expect([good, hasUniqueMembers(good)]).toEqual([good, true])
  for (const bad of [
    '{"a":1,"a":1}',
    '{"b":[],"a":{},"b":0}',
    '{"a":"}","a":2}',
    '{"":1,"":2}',
    '{"__proto__":1,"__proto__":2}',
  ])
    expect([bad, hasUniqueMembers(bad)]).toEqual([bad, false])
})

test('the issuer is read of anything that has one, and of nothing else', () => {
  expect(peekIssuer(token())).toBe('https://idp.example')
  for (const none of [
    token(HEADER, '{"iss":["a"]}'),
    token(HEADER, '{}'),
    token(HEADER, '{"iss":""}'),
    'a.b.c',
    'abc',
    '',
    `${token()}.d`,
    'e'.repeat(9000),
    token(HEADER, PAYLOAD, 'x'.repeat(8192)),
  ])
    expect(peekIssuer(none)).toBeNull()
})

test.each([
  ['a JWT', token()],
  ['a JWT with a wrong signature part', `${b64(HEADER)}.${b64(PAYLOAD)}.`],
  ['a JWT with padding', `${Buffer.from('{"alg":"RS256" }').toString('base64')}==.${b64(PAYLOAD)}.c2ln`],
  ['a JWT with two parts', `${b64(HEADER)}.${b64(PAYLOAD)}`],
  ['a JWT with four parts', `${token()}.d`],
  ['a JWT with white space first', `${b64(' {"alg":"RS256"}')}.${b64(PAYLOAD)}.x+`],
  ['a JWE', 'eyJhbGciOiJkaXIifQ..aXY.Y3Q.dGFn'],
  ['three parts of anything', 'abc.def.ghi'],
  ['five parts of anything', 'abc.def.ghi.jkl.mno'],
  ['a header with white space first, and one part more', `${b64(' {"alg":"RS256"}')}.~`],
  ['a JWT with something put before it', `~.${b64(HEADER)}.~`],
  ['a header in the alphabet of plain base64', `${Buffer.from('{"a":"???>>>"}').toString('base64')}.e30.x/y`],
])('D14: %s is taken for a JWT', (_, given) => {
  expect(isJwtShaped(given)).toBe(true)
})

test.each([
  'gho_16C7e42F292c6912E7710c838347Ae178B4a',
  'ya29.a0AfH6SMB_x',
  'abcdef',
  '2YotnFZFEjr1zCsicMWpAA',
  'a.b',
  'abc.def.ghi.jkl',
  'abc.def.ghi.jkl.mno.pqr',
  '~abc.def.ghi',
  'abc.def.ghi~',
  'abc.def.ghi.j~l.mno',
  // Of two parts only the first counts.
  `abc.${b64(HEADER)}`,
  'eyJhbGciOiJSUzI1NiJ9',
])('%s is taken for an opaque token', (given) => {
  expect(isJwtShaped(given)).toBe(false)
})
