import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { ConfigError } from '#base/config.ts'
import { Refusal } from '#base/refusal.ts'
import type { KeySet } from '#identity/jwks.ts'
import { createJwtVerifier, type JwtVerifierOptions } from '#identity/jwt.ts'
import {
  AUDIENCE,
  b64,
  forge,
  forgeHmac,
  goodClaims,
  ISSUER,
  makeKey,
  startIssuer,
  type Issuer,
} from './support/issuer.ts'
import { problemsOf } from './support/problems.ts'
import { refused } from './support/refused.ts'
import { json } from './support/server.ts'

const key = makeKey('k1')
const stranger = makeKey('k1')
let issuer: Issuer
let keys: KeySet

beforeAll(async () => {
  issuer = await startIssuer(key)
})
afterAll(async () => {
  await issuer.close()
})
beforeEach(() => {
  issuer.publish([key.jwk])
  keys = issuer.keySet()
})

const verifier = (options: Partial<JwtVerifierOptions> = {}) =>
  createJwtVerifier({
    issuer: ISSUER,
    keys,
    algorithms: ['RS256'],
    audience: [AUDIENCE],
    clock: issuer.clock,
    ...options,
  })

const code = async (token: string, options: Partial<JwtVerifierOptions> = {}): Promise<string> =>
  await refused(async () => await verifier(options).verify(token))

test('a good token gives its claims, without prototype and frozen', async () => {
  const claims = await verifier().verify(issuer.token({ email: 'a@acme.test', act: { sub: 'other' } }))
  expect({ ...claims }).toMatchObject({
    iss: ISSUER,
    sub: 'alice',
    aud: AUDIENCE,
    email: 'a@acme.test',
    act: { sub: 'other' },
  })
  expect(Object.getPrototypeOf(claims)).toBeNull()
  expect(Object.isFrozen(claims)).toBe(true)
})

test.each(['ES256', 'EdDSA'] as const)('a token signed with %s is proved where it is allowed', async (alg) => {
  const other = makeKey('k2', alg)
  issuer.publish([other.jwk])
  const mine = issuer.keySet({ algorithms: [alg] })
  const token = forge(other, { alg, kid: 'k2' }, goodClaims(issuer.clock))
  expect(await code(token, { keys: mine, algorithms: [alg] })).toBe('accepted')
  // J3
  expect(await code(token)).toBe('algorithm_refused')
})

const pem = createPublicKey(key.privateKey).export({ type: 'spki', format: 'pem' })
const unsigned = (alg: string): string =>
  `${b64(JSON.stringify({ alg }))}.${b64(JSON.stringify(goodClaims(issuer.clock)))}.c2ln`

test.each([
  ['J1: alg none', () => unsigned('none'), 'algorithm_refused'],
  ['J1: alg nOnE', () => unsigned('nOnE'), 'algorithm_refused'],
  ['J1: a signature of three bytes', () => issuer.token().replace(/[^.]+$/, 'c2ln'), 'signature_invalid'],
  [
    'J2: HS256 with the public key',
    () => forgeHmac(pem, { alg: 'HS256', kid: 'k1' }, goodClaims(issuer.clock)),
    'algorithm_refused',
  ],
  ['J3: an algorithm not allowed', () => issuer.token({}, { alg: 'RS512' }), 'algorithm_refused'],
  ['J5: a kid like a path', () => issuer.token({}, { kid: '../../dev/null' }), 'key_unknown'],
  ['J5: a kid like SQL', () => issuer.token({}, { kid: "' UNION SELECT" }), 'key_unknown'],
  ['J5: a kid with NUL', () => issuer.token({}, { kid: 'k1\0' }), 'key_unknown'],
  ['J5: a kid that is __proto__', () => issuer.token({}, { kid: '__proto__' }), 'key_unknown'],
  [
    'J28: a key of another issuer',
    () => forge(stranger, { alg: 'RS256', kid: 'k1' }, goodClaims(issuer.clock)),
    'signature_invalid',
  ],
  ['J29: a logout token', () => issuer.token({}, { typ: 'logout+jwt' }), 'type_refused'],
  ['J29: a DPoP proof', () => issuer.token({}, { typ: 'dpop+jwt' }), 'type_refused'],
  ['J29: a security event', () => issuer.token({}, { typ: 'secevent+jwt' }), 'type_refused'],
  ['C1: iss with a slash', () => issuer.token({ iss: `${ISSUER}/` }), 'issuer_unknown'],
  ['C1: iss in upper case', () => issuer.token({ iss: ISSUER.toUpperCase() }), 'issuer_unknown'],
  ['C1: iss as a list', () => issuer.token({ iss: [ISSUER] }), 'issuer_unknown'],
  ['C1: no iss', () => issuer.token({ iss: undefined }), 'issuer_unknown'],
  ['C1: iss with a user part', () => issuer.token({ iss: 'https://idp.example@evil.example' }), 'issuer_unknown'],
  ['C4: no aud', () => issuer.token({ aud: undefined }), 'audience_mismatch'],
  ['C4: aud null', () => issuer.token({ aud: null }), 'audience_mismatch'],
  ['C4: aud []', () => issuer.token({ aud: [] }), 'audience_mismatch'],
  ['C4: another aud', () => issuer.token({ aud: 'https://other.example/mcp' }), 'audience_mismatch'],
  ['C4: a part of our aud', () => issuer.token({ aud: AUDIENCE.slice(0, -1) }), 'audience_mismatch'],
  ['C4: our aud with a slash', () => issuer.token({ aud: `${AUDIENCE}/` }), 'audience_mismatch'],
  ['C4: aud in a nested list', () => issuer.token({ aud: [[AUDIENCE]] }), 'claims_invalid'],
  ['C4: aud as an object', () => issuer.token({ aud: { [AUDIENCE]: true } }), 'claims_invalid'],
  ['C5: aud beside others', () => issuer.token({ aud: ['https://other.example', AUDIENCE] }), 'accepted'],
  ['C7: no exp', () => issuer.token({ exp: undefined }), 'claims_invalid'],
  ['C8: exp as a string', () => issuer.token({ exp: '9999999999' }), 'claims_invalid'],
  ['C8: exp null', () => issuer.token({ exp: null }), 'claims_invalid'],
  ['C8: exp true', () => issuer.token({ exp: true }), 'claims_invalid'],
  ['C9: exp 1e300', () => issuer.token({ exp: 1e300 }), 'claims_invalid'],
  ['C11: exp 0', () => issuer.token({ exp: 0, iat: 0 }), 'token_expired'],
  ['C11: exp negative', () => issuer.token({ exp: -5 }), 'claims_invalid'],
  ['C13: nbf as a string', () => issuer.token({ nbf: '1' }), 'claims_invalid'],
  ['C13: nbf huge', () => issuer.token({ nbf: 1e300 }), 'token_not_yet_valid'],
  ['C15: iat negative', () => issuer.token({ iat: -1 }), 'claims_invalid'],
  ['C15: iat as a string', () => issuer.token({ iat: '1' }), 'claims_invalid'],
  ['C15: no iat', () => issuer.token({ iat: undefined }), 'claims_invalid'],
  ['C16: no sub', () => issuer.token({ sub: undefined }), 'claims_invalid'],
  ['C16: sub a number', () => issuer.token({ sub: 7 }), 'claims_invalid'],
  ['C16: sub null', () => issuer.token({ sub: null }), 'claims_invalid'],
  ['C16: sub empty', () => issuer.token({ sub: '' }), 'claims_invalid'],
  ['C16: sub of 256', () => issuer.token({ sub: 's'.repeat(256) }), 'claims_invalid'],
  ['C16: sub of 255', () => issuer.token({ sub: 's'.repeat(255) }), 'accepted'],
  ['C16: sub with NUL', () => issuer.token({ sub: 'a\0' }), 'claims_invalid'],
  ['C16: sub with a line break', () => issuer.token({ sub: 'a\nb' }), 'claims_invalid'],
  ['C16: sub with a mark that turns text around', () => issuer.token({ sub: 'a\u202eb' }), 'claims_invalid'],
  ['C22: a bound token', () => issuer.token({ cnf: { jkt: 'x' } }), 'token_bound'],
  ['C22: a token with an empty binding', () => issuer.token({ cnf: null }), 'token_bound'],
  ['T11: too long a token', () => issuer.token({ pad: 'x'.repeat(8192) }), 'token_too_long'],
])('%s', async (_, token, expected) => {
  expect(await code(token())).toBe(expected)
})

test('C9: an exp that overflows to infinity is refused', async () => {
  const claims = JSON.stringify(goodClaims(issuer.clock)).replace(/"exp":\d+/, '"exp":1e999')
  expect(await code(forge(key, { alg: 'RS256', kid: 'k1' }, claims))).toBe('claims_invalid')
})

const seconds = (offset: number): number => issuer.clock.now() / 1000 + offset
test.each([
  ['C9: exp 24 h ahead', () => ({ exp: seconds(24 * 3600) }), 'accepted'],
  ['C9: exp more than 24 h ahead', () => ({ exp: seconds(24 * 3600 + 31) }), 'claims_invalid'],
  ['C10: exp with a fraction', () => ({ exp: seconds(60.5) }), 'accepted'],
  ['C12: expired 29 s ago', () => ({ exp: seconds(-29), iat: seconds(-60) }), 'accepted'],
  ['C12: expired 30 s ago', () => ({ exp: seconds(-30), iat: seconds(-60) }), 'token_expired'],
  ['C13: nbf in 30 s', () => ({ nbf: seconds(30) }), 'accepted'],
  ['C13: nbf in 31 s', () => ({ nbf: seconds(31) }), 'token_not_yet_valid'],
  ['C14: iat in 30 s', () => ({ iat: seconds(30) }), 'accepted'],
  ['C14: iat in 31 s', () => ({ iat: seconds(31) }), 'token_not_yet_valid'],
  ['C15: iat after exp', () => ({ exp: seconds(5), iat: seconds(6) }), 'claims_invalid'],
])('%s', async (_, claims, expected) => {
  expect(await code(issuer.token(claims()))).toBe(expected)
})

test.each([
  ['any', undefined, 'accepted'],
  ['any', 'JWT', 'accepted'],
  ['any', 'at+jwt', 'accepted'],
  ['any', '', 'type_refused'],
  ['id_token', undefined, 'accepted'],
  ['id_token', 'jwt', 'accepted'],
  ['id_token', 'at+jwt', 'type_refused'],
  ['access_token', undefined, 'type_refused'],
  ['access_token', 'JWT', 'type_refused'],
  ['access_token', 'at+JWT', 'accepted'],
  ['access_token', 'application/at+jwt', 'accepted'],
] as const)('J29: where %s is awaited, typ %s is %s', async (types, typ, expected) => {
  expect(await code(issuer.token({}, { typ }), { types })).toBe(expected)
})

test('J18: signatures of zeros, in DER, or empty prove nothing', async () => {
  const ec = makeKey('e1', 'ES256')
  issuer.publish([ec.jwk])
  const mine = { keys: issuer.keySet({ algorithms: ['ES256'] }), algorithms: ['ES256'] }
  const input = forge(ec, { alg: 'ES256', kid: 'e1' }, goodClaims(issuer.clock)).split('.').slice(0, 2).join('.')
  const der = sign('sha256', Buffer.from(input), ec.privateKey)
  for (const signature of [Buffer.alloc(64), Buffer.alloc(64, 0xff), der, Buffer.alloc(1)])
    expect(await code(`${input}.${b64(signature)}`, mine)).toBe('signature_invalid')
})

test('J19: a key made for one algorithm serves no other', async () => {
  const rsa = createJwtVerifier({
    issuer: ISSUER,
    keys: issuer.keySet({ algorithms: ['RS256', 'PS256'] }),
    algorithms: ['RS256', 'PS256'],
    audience: [AUDIENCE],
    clock: issuer.clock,
  })
  expect(await refused(async () => await rsa.verify(issuer.token({}, { alg: 'PS256' })))).toBe('key_unknown')
})

test('J20, J21, J22: keys that may not verify are left out, and the rest serve', async () => {
  const weak = makeKey('weak', 'RS256', 1024)
  const { jwk } = makeKey('one')
  issuer.publish([
    { ...jwk, kid: 'enc', use: 'enc' },
    { ...jwk, kid: 'ops', use: undefined, key_ops: ['encrypt'] },
    weak.jwk,
    { ...jwk, kid: 'e1', e: 'AQ' },
    { ...jwk, kid: 'even', e: 'BA' },
    { ...stranger.privateKey.export({ format: 'jwk' }), kid: 'private', alg: 'RS256' },
    { kty: 'oct', kid: 'secret', alg: 'HS256', k: b64(Buffer.alloc(32)) },
    { ...jwk, kid: 'other', alg: 'RS512' },
    { kty: 'RSA', kid: 'broken', alg: 'RS256', n: '', e: 'AQAB' },
    null,
    'text',
    key.jwk,
  ])
  expect(await code(issuer.token())).toBe('accepted')
  expect(keys.state().keys).toBe(1)
  for (const kid of ['enc', 'ops', 'weak', 'e1', 'even', 'private', 'secret', 'other', 'broken'])
    expect([kid, await code(issuer.token({}, { kid }))]).toEqual([kid, 'key_unknown'])
})

test('J23: of two keys with one kid and algorithm neither serves', async () => {
  const other = makeKey('k2')
  issuer.publish([key.jwk, stranger.jwk, other.jwk])
  expect(await code(issuer.token())).toBe('key_unknown')
  expect(await code(forge(other, { alg: 'RS256', kid: 'k2' }, goodClaims(issuer.clock)))).toBe('accepted')
  expect(keys.state().keys).toBe(1)
})

test('a token without kid is proved when one key fits, and refused when several do', async () => {
  expect(await code(issuer.token({}, { kid: undefined }))).toBe('accepted')
  issuer.publish([key.jwk, makeKey('k2').jwk])
  expect(await code(issuer.token({}, { kid: undefined }), { keys: issuer.keySet() })).toBe('key_unknown')
})

test('C2: a token of another issuer makes nobody fetch anything', async () => {
  const before = issuer.server.hits()
  expect(await code(issuer.token({ iss: 'http://127.0.0.1:1/evil' }))).toBe('issuer_unknown')
  expect(issuer.server.hits()).toBe(before)
})

test('an issuer can be told by a rule, and several by name', async () => {
  const tid = '9188040d-6c67-4c5b-b112-36a304b66dad'
  const iss = `https://login.example/${tid}/v2.0`
  const issuerMatches: NonNullable<JwtVerifierOptions['issuerMatches']> = (given, claims) =>
    given === `https://login.example/${String(claims['tid'])}/v2.0`
  expect(await code(issuer.token({ iss, tid }), { issuerMatches })).toBe('accepted')
  expect(await code(issuer.token({ iss, tid: 'other' }), { issuerMatches })).toBe('issuer_unknown')
  const issuers = ['https://accounts.google.com', 'accounts.google.com']
  expect(await code(issuer.token({ iss: 'accounts.google.com' }), { issuer: issuers })).toBe('accepted')
  expect(await code(issuer.token(), { issuer: issuers })).toBe('issuer_unknown')
})

test('C6: a rule of the provider decides about the audience with the verified claims and the type', async () => {
  const seen: unknown[] = []
  const audience = (claims: Readonly<Record<string, unknown>>, typ: string | null): void => {
    seen.push([claims['azp'], typ])
    if (claims['azp'] !== 'ours') throw new Refusal('client_mismatch')
  }
  expect(await code(issuer.token({ azp: 'ours' }, { typ: 'at+jwt' }), { audience })).toBe('accepted')
  expect(await code(issuer.token({ azp: 'theirs' }), { audience })).toBe('client_mismatch')
  expect(await code(issuer.token({ azp: 'ours', sub: '' }), { audience })).toBe('claims_invalid')
  expect(seen).toEqual([
    ['ours', 'at+jwt'],
    ['theirs', 'jwt'],
  ])
})

test('another claim can be the subject', async () => {
  const mine = verifier({ subjectClaim: 'user_id' })
  expect((await mine.verify(issuer.token({ user_id: 'u-7', sub: 'x' }))).sub).toBe('u-7')
  expect(await code(issuer.token(), { subjectClaim: 'user_id' })).toBe('claims_invalid')
})

const secret = 'a-secret-of-more-than-thirty-two-bytes'
const shared = { keys: { secrets: ['a-new-secret-of-more-than-thirty-two-bytes', secret] }, algorithms: ['HS256'] }

test('each of several shared secrets proves a token, any other does not', async () => {
  for (const each of shared.keys.secrets)
    expect(await code(forgeHmac(each, { alg: 'HS256' }, goodClaims(issuer.clock)), shared)).toBe('accepted')
  expect(await code(forgeHmac(`${secret}x`, { alg: 'HS256' }, goodClaims(issuer.clock)), shared)).toBe(
    'signature_invalid',
  )
  expect(await code(issuer.token(), shared)).toBe('algorithm_refused')
})

const ASYMMETRIC = 'published keys go with asymmetric algorithms only'
const SHORT = 'a shared secret of less than 32 bytes'
const TWO = ['https://one.example', 'https://two.example']

test.each<[string, Partial<JwtVerifierOptions>, string]>([
  ['no audience', { audience: [] }, `${ISSUER}: no audience, so tokens of every application would pass`],
  ['an empty audience', { audience: [''], issuer: TWO }, `${TWO.join(', ')}: no audience`],
  ['no issuer', { issuer: [] }, 'a verifier without an issuer'],
  ['an empty issuer', { issuer: '' }, 'a verifier without an issuer'],
  ['no algorithm', { algorithms: [] }, `${ISSUER}: no algorithm`],
  ['J4: HS256 beside published keys', { algorithms: ['RS256', 'HS256'] }, `${ISSUER}: ${ASYMMETRIC}`],
  ['J4: none', { algorithms: ['none'] }, ASYMMETRIC],
  [
    'RS256 beside HS256 with a shared secret',
    { keys: { secrets: [secret] }, algorithms: ['HS256', 'RS256'] },
    `${ISSUER}: a shared secret goes with HS256 only`,
  ],
  ['a short secret', { keys: { secrets: [secret, 's'.repeat(31)] }, algorithms: ['HS256'] }, `${ISSUER}: ${SHORT}`],
  ['no secret', { keys: { secrets: [] }, algorithms: ['HS256'] }, SHORT],
  ['C12: more than 120 s of skew', { skew: 121 }, `${ISSUER}: a clock difference of more than 120 s`],
  ['a negative skew', { skew: -1 }, 'a clock difference'],
  ['a skew that is no number', { skew: Number.NaN }, 'a clock difference'],
])('%s stops the boot', (_, options, problem) => {
  expect(problemsOf(() => verifier(options))).toContain(problem)
})

test('a skew of 0 and of 120 s, and a secret of exactly 32 bytes, are allowed', () => {
  for (const options of [
    { skew: 0 },
    { skew: 120 },
    { keys: { secrets: ['s'.repeat(32)] }, algorithms: ['HS256'] },
  ] satisfies Partial<JwtVerifierOptions>[])
    expect(problemsOf(() => verifier(options))).toBe('')
})

test.each([[['HS256']], [['RS256', 'none']], [[]]])(
  'J4: a published key set with the algorithms %j stops the boot',
  (algorithms) => {
    expect(() => issuer.keySet({ algorithms })).toThrow(ConfigError)
  },
)

test('a verified token is not proved again for a minute, and its times are checked each time', async () => {
  const mine = verifier()
  await keys.warm()
  const token = issuer.token({ exp: seconds(20), nbf: seconds(-5) })
  const first = await mine.verify(token)
  expect(await mine.verify(token)).toBe(first)
  issuer.clock.advance(49_000)
  expect(await mine.verify(token)).toBe(first)
  issuer.clock.advance(1_000)
  expect(await refused(async () => await mine.verify(token))).toBe('token_expired')

  const long = issuer.token()
  const held = await mine.verify(long)
  issuer.clock.advance(60_000)
  expect(await mine.verify(long)).not.toBe(held)
})

test('the times of a remembered token are checked against a clock that was set back, too', async () => {
  const mine = verifier()
  await keys.warm()
  const token = issuer.token({ iat: seconds(0) })
  await mine.verify(token)
  issuer.clock.advance(-31_000)
  expect(await refused(async () => await mine.verify(token))).toBe('token_not_yet_valid')
  issuer.clock.advance(31_000)
})

test('a refusal is not remembered', async () => {
  const mine = verifier()
  const token = issuer.token({ nbf: seconds(40) })
  expect(await refused(async () => await mine.verify(token))).toBe('token_not_yet_valid')
  issuer.clock.advance(10_000)
  expect(await refused(async () => await mine.verify(token))).toBe('accepted')
})

test('a verified token counts no more once the keys of the issuer are others', async () => {
  const mine = verifier()
  const token = issuer.token()
  await mine.verify(token)
  issuer.clock.advance(31_000)
  const next = makeKey('k2')
  issuer.publish([next.jwk])
  expect(
    await refused(async () => await mine.verify(forge(next, { alg: 'RS256', kid: 'k2' }, goodClaims(issuer.clock)))),
  ).toBe('accepted')
  expect(await refused(async () => await mine.verify(token))).toBe('key_unknown')
})

test('what is forgotten is proved again', async () => {
  await keys.warm()
  const mine = verifier()
  const token = issuer.token()
  const first = await mine.verify(token)
  expect(await mine.verify(token)).toBe(first)
  mine.forget()
  expect(await mine.verify(token)).not.toBe(first)
})

test('each check is told, the one that failed with its reason, never the token', async () => {
  const told: [string, boolean, string][] = []
  const token = issuer.token({ aud: 'https://other.example' })
  const mine = verifier()
  await refused(async () => await mine.verify(token, (check, ok, detail) => told.push([check, ok, detail])))
  expect(told.map(([check, ok]) => [check, ok])).toEqual([
    ['form', true],
    ['type', true],
    ['algorithm', true],
    ['issuer', true],
    ['signature', true],
    ['claims', true],
    ['audience', false],
  ])
  expect(told.slice(0, -1).map(([, , detail]) => detail)).toEqual(['', 'jwt', 'RS256', ISSUER, 'RS256', ''])
  expect(told.at(-1)?.[2]).toContain(AUDIENCE)
  for (const part of token.split('.')) expect(JSON.stringify(told)).not.toContain(part)
})

test('no error of a refusal holds a part of the token', async () => {
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  const token = forge({ ...key, privateKey: other }, { alg: 'RS256', kid: 'k1' }, goodClaims(issuer.clock))
  const error = await verifier()
    .verify(token)
    .catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(Refusal)
  const { message, cause } = error as Refusal
  expect(cause).toBeInstanceOf(Error)
  for (const part of token.split('.')) expect(`${message} ${String(cause)}`).not.toContain(part)
})

test('keys that cannot be fetched are no judgement of the token', async () => {
  issuer.server.answer(json({ error: 'x' }, {}, 500))
  const error = await verifier({ keys: issuer.keySet() })
    .verify(issuer.token())
    .catch((reason: unknown) => reason)
  expect(error).toMatchObject({ code: 'provider_unavailable', status: 503, retryAfter: 10 })
})

test('a remembered token is answered in a fraction of the time that proving it takes', async () => {
  const mine = verifier()
  await keys.warm()
  const token = issuer.token()
  await mine.verify(token)
  const timed = async (work: () => Promise<unknown>): Promise<number> => {
    const started = performance.now()
    for (let n = 0; n < 500; n += 1) await work()
    return performance.now() - started
  }
  // With a trace each check is made again.
  const proving = await timed(async () => await mine.verify(token, () => null))
  expect(await timed(async () => await mine.verify(token))).toBeLessThan(proving / 2)
})
