import { constants, createHmac, createPublicKey, sign } from 'node:crypto'
import { b64, forgeHmac } from '../../identity/support/issuer.ts'
import { presented, type Expected, type Row } from '../answers.ts'
import { alice, AUDIENCE, CLIENT, GOOGLE_CLIENT, SHARED_ISSUER, SHARED_SECRET, type World } from '../world.ts'

/** security.md 3b: how a token is signed. */
const claimsOf = (world: World, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  ...alice(world.main.iss),
  aud: AUDIENCE,
  iat: world.now(),
  exp: world.now() + 3600,
  ...more,
})

/** A good token whose header is this text or these members. */
const headed = (what: string, id: string, header: string | Record<string, unknown>, answer: Expected = 'A1'): Row =>
  presented(id, what, answer, (world) =>
    typeof header === 'string' ? world.forged(header, claimsOf(world)) : world.token({ header }),
  )

/** A good token whose payload is this text or these bytes. */
const bodied = (
  id: string,
  what: string,
  payload: (world: World) => string | Uint8Array,
  answer: Expected = 'A1',
): Row => presented(id, what, answer, (world) => world.forged({ alg: 'RS256', kid: 'good' }, payload(world)))

/** Three parts of a good token, changed. */
const respelt = (
  id: string,
  what: string,
  change: (header: string, payload: string, signature: string) => string,
  answer: Expected = 'A1',
): Row =>
  presented(id, what, answer, (world) => {
    const [header = '', payload = '', signature = ''] = world.token().split('.')
    return change(header, payload, signature)
  })

/** Signed as the header says, by ways that forge() does not know. */
const signed = (world: World, header: object, by: (data: Buffer) => Buffer): string => {
  const input = `${b64(JSON.stringify(header))}.${b64(JSON.stringify(claimsOf(world)))}`
  return `${input}.${b64(by(Buffer.from(input)))}`
}

const pem = (world: World): string =>
  createPublicKey(world.keys.good.privateKey).export({ format: 'pem', type: 'spki' }).toString()
const hs256 = (world: World, secret: string): string =>
  forgeHmac(secret, { alg: 'HS256', kid: 'good', typ: 'JWT' }, claimsOf(world))
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
/** The spellings of the last character that decode to the same bytes: a 2048-bit signature leaves four bits unused. */
const siblings = (last: string): string[] => {
  const at = ALPHABET.indexOf(last)
  return ALPHABET.slice(at - (at % 16), at - (at % 16) + 16)
    .split('')
    .filter((one) => one !== last)
}

const KIDS: readonly (readonly [string, unknown])[] = [
  ['a path', '../../../../dev/null'],
  ['SQL', "' UNION SELECT 'x' --"],
  ['NUL', 'good\0'],
  ['a line break', 'good\nfatal: forged line'],
  ['__proto__', '__proto__'],
  ['a URL', 'https://evil.example/key'],
  ['the empty string', ''],
  ['an object', { kid: 'good' }],
  ['a number', 1],
  ['a list', ['good']],
  ['null', null],
  ['5,000 characters', 'k'.repeat(5_000)],
  ['another case', 'GOOD'],
]

export const jose: readonly Row[] = [
  ...['none', 'None', 'nOnE', 'NONE', ''].map((alg) =>
    presented(
      'J1',
      `alg ${JSON.stringify(alg)} without a signature`,
      'A1',
      (world) => `${b64(JSON.stringify({ alg, typ: 'JWT' }))}.${b64(JSON.stringify(claimsOf(world)))}.`,
    ),
  ),
  headed('alg none with a good signature', 'J1', { alg: 'none' }),
  respelt('J1', 'RS256 with an empty signature', (header, payload) => `${header}.${payload}.`),
  presented('J2', 'HS256 keyed with the public key as PEM', 'A1', (world) => hs256(world, pem(world))),
  presented('J2', 'HS256 keyed with the public key as PEM without its last line break', 'A1', (world) =>
    hs256(world, pem(world).trim()),
  ),
  presented('J2', 'HS256 keyed with the public JWK', 'A1', (world) =>
    hs256(world, JSON.stringify(world.keys.good.jwk)),
  ),
  presented('J2', 'HS256 keyed with the modulus', 'A1', (world) => hs256(world, String(world.keys.good.jwk['n']))),
  presented('J2', 'HS256 keyed with nothing', 'A1', (world) => hs256(world, '')),
  presented('J2', 'HS256 with the shared secret, at an issuer of asymmetric keys', 'A1', (world) =>
    hs256(world, SHARED_SECRET),
  ),
  presented('J2', 'RS256 at the issuer with the shared secret', 'A1', (world) =>
    world.token({ claims: { iss: SHARED_ISSUER } }),
  ),
  presented('J3', 'RS512 by the right key, which its issuer does not use', 'A1', (world) =>
    signed(world, { alg: 'RS512', kid: 'good' }, (data) => sign('sha512', data, world.keys.good.privateKey)),
  ),
  ...['rs256', 'RS256 ', 'HS512', 'ES256K', 'RS1'].map((alg) => headed(`alg ${JSON.stringify(alg)}`, 'J3', { alg })),
  headed('alg is a list', 'J3', { alg: ['RS256'] }),
  headed('no alg', 'J3', { alg: undefined }),
  ...KIDS.map(([what, kid]) =>
    presented('J5', `kid is ${what}`, 'A1', (world) => world.token({ header: { kid } }), { outbound: { atMost: 1 } }),
  ),
  ...(['jku', 'x5u', 'x5c', 'jwk'] as const).map((name) =>
    presented('J6', `${name} in the header of a token that is good otherwise`, 'A1', (world) =>
      world.token({
        header: {
          [name]: {
            jku: `${world.attacker.url}/jwks`,
            x5u: `${world.attacker.url}/x5u`,
            x5c: ['MIIB'],
            jwk: world.keys.good.jwk,
          }[name],
        },
      }),
    ),
  ),
  presented('J7', 'signed by the attacker, whose key is in the header', 'A1', (world) =>
    world.token({ key: world.keys.evil, header: { jwk: world.keys.evil.jwk } }),
  ),
  presented('J7', 'signed by the attacker, whose keys are at jku', 'A1', (world) =>
    world.token({ key: world.keys.evil, header: { jku: `${world.attacker.url}/jwks` } }),
  ),
  presented('J7', 'signed by the attacker under the kid of a good key', 'A1', (world) =>
    world.token({ key: world.keys.evil }),
  ),
  presented('J7', 'the same on ES256', 'A1', (world) => world.token({ key: world.keys.evilEc })),
  ...[['unknown'], [], 'exp', ['exp'], null, ['b64']].map((crit) =>
    headed(`crit ${JSON.stringify(crit)}`, 'J8', { crit, unknown: true }),
  ),
  headed('b64 false with crit', 'J9', { b64: false, crit: ['b64'] }),
  headed('b64 false without crit', 'J10', { b64: false }),
  headed('b64 true with crit', 'J11', { b64: true, crit: ['b64'] }),
  headed('alg twice', 'J12', '{"alg":"none","alg":"RS256","kid":"good"}'),
  headed('alg twice, once escaped', 'J12', String.raw`{"\u0061lg":"none","alg":"RS256","kid":"good"}`),
  headed('kid twice', 'J12', '{"alg":"RS256","kid":"evil","kid":"good"}'),
  ...['iss', 'aud', 'sub', 'exp'].map((name) =>
    bodied('J13', `${name} twice`, (world) => `{"${name}":"other",${JSON.stringify(claimsOf(world)).slice(1)}`),
  ),
  bodied(
    'J13',
    'a member twice inside a claim',
    (world) => `{"x":{"a":1,"a":2},${JSON.stringify(claimsOf(world)).slice(1)}`,
  ),
  respelt(
    'J14',
    'five parts',
    (header, payload, signature) => `${header}.${payload}.${signature}.${payload}.${signature}`,
  ),
  presented(
    'J14',
    'a JWE',
    'A1',
    () => `${b64('{"alg":"RSA-OAEP","enc":"A256GCM"}')}.${b64('key')}.${b64('iv')}.${b64('text')}.${b64('tag')}`,
  ),
  presented('J15', 'a token in a token', 'A1', (world) =>
    world.forged({ alg: 'RS256', kid: 'good', cty: 'JWT' }, world.token()),
  ),
  respelt('J16', 'two parts', (header, payload) => `${header}.${payload}`),
  // One part is no JWT but an opaque token like any other (D14): the one issuer for those is asked.
  presented('J16', 'one part', 'A1', (world) => world.token().split('.')[0] ?? '', { outbound: { atMost: 2 } }),
  respelt('J16', 'a part in front', (header, payload, signature) => `x.${header}.${payload}.${signature}`),
  respelt(
    'J16',
    'parts of which the first is none',
    (header, payload, signature) => `~.${header}.${payload}.${signature}~`,
  ),
  respelt('J16', 'four parts', (header, payload, signature) => `${header}.${payload}.${signature}.${signature}`),
  respelt('J16', 'a dot in front', (header, payload, signature) => `.${header}.${payload}.${signature}`),
  respelt('J16', 'a dot behind', (header, payload, signature) => `${header}.${payload}.${signature}.`),
  respelt(
    'J16',
    'JSON serialisation',
    (header, payload, signature) => JSON.stringify({ payload, protected: header, signature }),
    'A2',
  ),
  respelt('J16', 'a payload that is not encoded', (header, _, signature) => `${header}.alice.${signature}`),
  ...Array.from({ length: 15 }, (_, index) =>
    respelt(
      'J17',
      `the last character spelt in another way, number ${index + 1}`,
      (header, payload, signature) =>
        `${header}.${payload}.${signature.slice(0, -1)}${siblings(signature.slice(-1))[index]}`,
    ),
  ),
  respelt('J17', 'padding behind the signature', (header, payload, signature) => `${header}.${payload}.${signature}==`),
  respelt(
    'J17',
    'padding behind the header',
    (header, payload, signature) => `${header}=.${payload}.${signature}`,
    'A2',
  ),
  respelt(
    'J17',
    'base64 instead of base64url',
    (header, payload, signature) => `${header}.${payload}.${signature.replaceAll('-', '+').replaceAll('_', '/')}+`,
  ),
  respelt('J17', 'a character too many', (header, payload, signature) => `${header}.${payload}.${signature}A`),
  respelt(
    'J17',
    'a space in the signature',
    (header, payload, signature) => `${header}.${payload}.${signature.slice(0, 9)} ${signature.slice(9)}`,
    'A2',
  ),
  {
    id: 'J17',
    what: 'spaces behind the field: not part of its value (RFC 9110 section 5.5)',
    answer: 'served',
    send: async (world) => await world.rawCall([`Authorization: Bearer ${world.token()}   `]),
  },
  ...(
    [
      ['r = s = 0', () => Buffer.alloc(64)],
      ['r = s = n', () => Buffer.from(`${N_P256}${N_P256}`, 'hex')],
      ['all ones', () => Buffer.alloc(64, 0xff)],
      ['32 bytes', () => Buffer.alloc(32, 1)],
      ['DER instead of two numbers', (data, world) => sign('sha256', data, world.keys.ec.privateKey)],
    ] as readonly (readonly [string, (data: Buffer, world: World) => Buffer])[]
  ).map(([what, by]) =>
    presented('J18', `ES256: ${what}`, 'A1', (world) =>
      signed(world, { alg: 'ES256', kid: 'ec' }, (data) => by(data, world)),
    ),
  ),
  presented('J19', 'PS256 on a key for RS256', 'A1', (world) =>
    signed(world, { alg: 'PS256', kid: 'good' }, (data) => pss(data, world)),
  ),
  presented('J19', 'PS256 on a key without alg, where PS256 is not allowed', 'A1', (world) =>
    signed(world, { alg: 'PS256', kid: 'unlabelled' }, (data) => pss(data, world, 'unlabelled')),
  ),
  presented('J19', 'RS256 on a key without alg', 'served', (world) => world.token({ key: world.keys.unlabelled })),
  presented('J19', 'RS256 under the kid of the EC key', 'A1', (world) => world.token({ header: { kid: 'ec' } }), {
    outbound: { atMost: 1 },
  }),
  presented(
    'J19',
    'ES256 under the kid of the RSA key',
    'A1',
    (world) => world.token({ key: world.keys.ec, header: { kid: 'good' } }),
    { outbound: { atMost: 1 } },
  ),
  ...(['encryption', 'operations', 'short', 'published', 'twin'] as const).map((name) =>
    presented(
      { encryption: 'J20', operations: 'J20', short: 'J21', published: 'J22', twin: 'J23' }[name],
      {
        encryption: 'a key with use enc',
        operations: 'a key without verify in key_ops',
        short: 'a key of 1,024 bits',
        published: 'a key whose private half is published',
        twin: 'a kid that two keys have',
      }[name],
      'A1',
      (world) => world.token({ key: world.keys[name] }),
      { outbound: { atMost: 1 } },
    ),
  ),
  presented('J21', 'a key with exponent 1', 'A1', (world) => world.token({ header: { kid: 'exponent' } }), {
    outbound: { atMost: 1 },
  }),
  presented('J22', 'HS256 by a symmetric key in the key set', 'A1', (world) =>
    signed(world, { alg: 'HS256', kid: 'secret' }, (data) =>
      createHmac('sha256', 'a symmetric key in a public key set').update(data).digest(),
    ),
  ),
  presented('J23', 'no kid where several keys fit', 'A1', (world) => world.token({ header: { kid: undefined } }), {
    outbound: { atMost: 1 },
  }),
  presented('J23', 'no kid where one key fits', 'served', (world) =>
    world.token({ key: world.keys.ec, header: { kid: undefined } }),
  ),
  headed('a byte order mark before the header', 'J25', '\uFEFF{"alg":"RS256","kid":"good"}'),
  bodied('J25', 'a byte order mark before the claims', (world) =>
    Buffer.from(`\uFEFF${JSON.stringify(claimsOf(world))}`),
  ),
  bodied('J25', 'spaces around the claims', (world) => ` ${JSON.stringify(claimsOf(world))}\n`, 'served'),
  bodied('J26', 'claims that are not UTF-8', (world) =>
    Buffer.from(JSON.stringify(claimsOf(world, { name: '\u00e9' })), 'latin1'),
  ),
  ...['[]', 'null', '"alice"', '1', '', '{', '{"a":1}x'].map((payload) =>
    bodied('J27', `claims ${JSON.stringify(payload)}`, () => payload),
  ),
  bodied(
    'J27',
    'claims nested 63 deep',
    (world) => `{"x":${'['.repeat(63)}${']'.repeat(63)},${JSON.stringify(claimsOf(world)).slice(1)}`,
    'served',
  ),
  bodied(
    'J27',
    'claims nested 64 deep within the set',
    (world) => `{"x":${'['.repeat(64)}${']'.repeat(64)},${JSON.stringify(claimsOf(world)).slice(1)}`,
    'A1',
  ),
  bodied(
    'J27',
    'claims nested 2,500 deep',
    (world) => `{"x":${'['.repeat(2_500)}${']'.repeat(2_500)},${JSON.stringify(claimsOf(world)).slice(1)}`,
    'A1',
  ),
  presented(
    'J28',
    'a signature of one issuer under the name of another',
    'A1',
    (world) => world.token({ claims: { iss: world.scoped.iss } }),
    { outbound: { atMost: 1 } },
  ),
  presented(
    'J28',
    'the same between issuers of one algorithm',
    'A1',
    async (world) => await world.scoped.sign({ ...alice(world.second.iss), aud: AUDIENCE }, { typ: 'at+jwt' }),
    { outbound: { atMost: 1 } },
  ),
  ...['logout+jwt', 'dpop+jwt', 'secevent+jwt', 'token-introspection+jwt', 'JWE', ''].map((typ) =>
    headed(`typ ${JSON.stringify(typ)}`, 'J29', { typ }),
  ),
  headed('typ is a list', 'J29', { typ: ['JWT'] }),
  ...['at+jwt', 'AT+JWT', 'application/at+jwt', 'jwt'].map((typ) => headed(`typ ${typ}`, 'J29', { typ }, 'served')),
  headed('no typ', 'J29', { typ: undefined }, 'served'),
  presented(
    'J29',
    'an ID token where at+jwt is demanded',
    'A1',
    async (world) => await world.second.sign({ ...alice(world.second.iss), aud: AUDIENCE }),
  ),
  presented(
    'J29',
    'at+jwt where it is demanded',
    'served',
    async (world) => await world.second.sign({ ...alice(world.second.iss), aud: AUDIENCE }, { typ: 'at+jwt' }),
  ),
  presented('J29', 'at+jwt whose aud is only our client id', 'A1', (world) =>
    world.token({ header: { typ: 'at+jwt' }, claims: { aud: CLIENT } }),
  ),
  presented('J29', 'a logout token without its typ', 'A1', (world) =>
    world.token({ claims: { events: { 'http://schemas.openid.net/event/backchannel-logout': {} } } }),
  ),
  presented(
    'J30',
    'an ID token of Google, nonce and at_hash unread',
    'served',
    async (world) => await google(world, {}),
  ),
  presented(
    'J30',
    'an ID token of Google for another client',
    'A1',
    async (world) => await google(world, { aud: 'another.apps.googleusercontent.com' }),
  ),
  presented(
    'J30',
    'an ID token of Google that another client obtained',
    'A1',
    async (world) => await google(world, { azp: 'another.apps.googleusercontent.com' }),
  ),
]

/** The order of P-256 (FIPS 186-4 D.1.2.3). */
const N_P256 = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'

const pss = (data: Buffer, world: World, key: 'good' | 'unlabelled' = 'good'): Buffer =>
  sign('sha256', data, { key: world.keys[key].privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 })

const google = async (world: World, more: Record<string, unknown>): Promise<string> =>
  await world.fake.google.sign({
    sub: 'g-30',
    aud: GOOGLE_CLIENT,
    azp: GOOGLE_CLIENT,
    email: 'g30@acme.test',
    email_verified: true,
    hd: 'acme.test',
    nonce: 'n',
    at_hash: 'h',
    ...more,
  })
