import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { ConfigError } from '#base/config.ts'
import { createAuthenticator } from '#identity/authenticate.ts'
import { tokenDigest } from '#identity/token-digest.ts'
import type { Identity } from '#identity/identity.ts'
import type { Provider, TokenShape } from '#identity/provider.ts'
import { createTestClock } from './support/clock.ts'
import { b64 } from './support/issuer.ts'
import { refused } from './support/refused.ts'

const clock = createTestClock()
const context = { ip: null }

/** A provider that accepts whatever it is shown, and keeps it. */
function provider(id: string, tokens: readonly TokenShape[], more: Partial<Provider> & { exp?: number } = {}) {
  const shown: string[] = []
  const identity: Identity = {
    provider: id,
    iss: `https://${id}.example`,
    sub: 'alice',
    client_id: null,
    scopes: null,
    exp: more.exp ?? null,
    iat: null,
    email: null,
    email_verified: false,
    email_authority: 'none',
    name: null,
    picture: null,
    organization: null,
    key: null,
    tenant: null,
    claims: {},
  }
  return {
    shown,
    id,
    tokens,
    authorization_server: null,
    challenge_scopes: [],
    grants_scopes: false,
    async verify(token: string) {
      shown.push(token)
      return await Promise.resolve(identity)
    },
    ...more,
  }
}

const jwt = (claims: object): string => `${b64('{"alg":"RS256"}')}.${b64(JSON.stringify(claims))}.c2ln`

function house() {
  const google = provider('google', [
    { iss: ['https://accounts.google.com', 'accounts.google.com'] },
    { prefix: ['ya29.'] },
  ])
  const github = provider('github', [{ prefix: ['gho_', 'ghu_'] }])
  const fixed = provider('static-key', [{ exact: (token) => token === 'the-static-key' || token === 'gho_static' }])
  const oidc = provider('oidc', [{ iss: ['https://idp.example'] }, { opaque: true }])
  const all = [google, github, fixed, oidc]
  const authenticator = createAuthenticator({ providers: all, clock })
  const authenticate = async (token: string): Promise<Identity> => await authenticator.authenticate(token, context)
  const seen = (): Record<string, string[]> =>
    Object.fromEntries(all.filter(({ shown }) => shown.length > 0).map(({ id, shown }) => [id, shown]))
  return { authenticate, seen }
}

test.each([
  ['an ID token of Google', jwt({ iss: 'https://accounts.google.com' }), 'google'],
  ['one with the short issuer', jwt({ iss: 'accounts.google.com' }), 'google'],
  ['an access token of Google', 'ya29.a0Af_x-y', 'google'],
  ['an access token of Google with two dots', 'ya29.a0Af.x', 'google'],
  ['a token of GitHub', 'gho_abc', 'github'],
  ['the static key', 'the-static-key', 'static-key'],
  ['a static key that looks like another token', 'gho_static', 'static-key'],
  ['a JWT of the OpenID issuer', jwt({ iss: 'https://idp.example' }), 'oidc'],
  ['an opaque token', '2YotnFZFEjr1zCsicMWpAA', 'oidc'],
])('%s is shown to its provider and to no other', async (_, token, id) => {
  const { authenticate, seen } = house()
  expect((await authenticate(token)).provider).toBe(id)
  expect(seen()).toEqual({ [id]: [token] })
})

test.each([
  ['a JWT of an unknown issuer', jwt({ iss: 'https://evil.example' }), 'issuer_unknown'],
  ['a JWT whose issuer has a slash more', jwt({ iss: 'https://idp.example/' }), 'issuer_unknown'],
  ['a JWT without an issuer', jwt({ sub: 'x' }), 'issuer_unknown'],
  ['a JWT whose issuer is __proto__', jwt({ iss: '__proto__' }), 'issuer_unknown'],
  ['three parts of nothing', 'abc.def.ghi', 'token_malformed'],
  ['a JWE', 'eyJhbGciOiJkaXIifQ..aXY.Y3Q.dGFn', 'token_malformed'],
  ['a JWT with padding', `${jwt({ sub: 'x' })}==`, 'token_malformed'],
  ['a JWT with a part too few', `${b64('{"alg":"RS256"}')}.${b64('{}')}`, 'token_malformed'],
])('D14: %s is shown to nobody, though opaque tokens are introspected', async (_, token, code) => {
  const { authenticate, seen } = house()
  expect(await refused(async () => await authenticate(token))).toBe(code)
  expect(seen()).toEqual({})
})

test('D14: a second provider for opaque tokens stops the boot', () => {
  const providers = [provider('a', [{ opaque: true }]), provider('b', [{ opaque: true }])]
  expect(() => createAuthenticator({ providers, clock })).toThrow(ConfigError)
})

test.each([
  ['T11: an opaque token of 4,097 characters', 'x'.repeat(4097), 'token_too_long'],
  ['T11: a prefixed token of 4,097 characters', `gho_${'x'.repeat(4093)}`, 'token_too_long'],
  ['T11: a token of 8,193 characters', `${jwt({ iss: 'https://idp.example' })}${'x'.repeat(8192)}`, 'token_too_long'],
  ['an opaque token with a space', 'abc def', 'token_malformed'],
  ['an empty token', '', 'token_malformed'],
  ['a prefixed token with a line break', 'gho_a\nb', 'token_malformed'],
])('%s is refused before anybody is asked', async (_, token, code) => {
  const { authenticate, seen } = house()
  expect(await refused(async () => await authenticate(token))).toBe(code)
  expect(seen()).toEqual({})
})

test('tokens of just the longest length are judged by whose they are', async () => {
  const { authenticate } = house()
  const long = `${jwt({ iss: 'https://idp.example' })}${'x'.repeat(8192)}`.slice(0, 8192)
  for (const [token, id] of [
    ['x'.repeat(4096), 'oidc'],
    [`gho_${'x'.repeat(4092)}`, 'github'],
    [long, 'oidc'],
  ] as const)
    expect((await authenticate(token)).provider).toBe(id)
})

test('who claims what of whom is told, whichever of two prefixes is the longer', () => {
  const providers = [
    provider('a', [{ prefix: ['gho_'] }, { opaque: true }]),
    provider('b', [{ prefix: ['gh'] }, { opaque: true }]),
  ]
  expect(() => createAuthenticator({ providers, clock })).toThrow(
    expect.objectContaining({
      problems: [
        'the token prefix gh is claimed by a and by b',
        'every opaque token without a known prefix is claimed by a and by b',
      ],
    }),
  )
})

test('without a provider for opaque tokens one without a known prefix is nobody’s', async () => {
  const alone = createAuthenticator({ providers: [provider('github', [{ prefix: ['gho_'] }])], clock })
  expect(await refused(async () => await alone.authenticate('abc', context))).toBe('issuer_unknown')
})

test('every clash is told at once', () => {
  const providers = [
    provider('a', [{ iss: ['https://x.example'] }, { prefix: ['gh'] }]),
    provider('b', [{ iss: ['https://x.example'] }, { prefix: ['gho_'] }]),
    provider('b', []),
  ]
  const boot = () => createAuthenticator({ providers, clock })
  expect(boot).toThrow(ConfigError)
  expect(boot).toThrow(
    expect.objectContaining({
      problems: [
        'the issuer https://x.example is claimed by a and by b',
        'the token prefix gho_ is claimed by a and by b',
        'two providers are called b',
      ],
    }),
  )
})

test('one provider may say the same of its tokens twice', () => {
  const shapes: TokenShape[] = [{ prefix: ['gh', 'gho_'] }, { iss: ['https://x.example', 'https://x.example'] }]
  expect(() => createAuthenticator({ providers: [provider('a', shapes)], clock })).not.toThrow()
})

test('issuers are the strings of the providers that have one, each once', () => {
  const providers = [
    provider('a', [], { authorization_server: 'https://a.example/' }),
    provider('b', [], { authorization_server: null }),
    provider('c', [], { authorization_server: 'https://a.example/' }),
    provider('d', [], { authorization_server: 'https://d.example' }),
  ]
  expect(createAuthenticator({ providers, clock }).issuers()).toEqual(['https://a.example/', 'https://d.example'])
})

test('an identity that outlived its token is refused, whoever vouches for it', async () => {
  const late = (ago: number) =>
    createAuthenticator({ providers: [provider('a', [{ opaque: true }], { exp: clock.now() / 1000 - ago })], clock })
  expect(await refused(async () => await late(119).authenticate('abc', context))).toBe('accepted')
  expect(await refused(async () => await late(120).authenticate('abc', context))).toBe('token_expired')
})

test('the provider that was found is told to whoever wants each check explained', async () => {
  const told: unknown[] = []
  const alone = createAuthenticator({ providers: [provider('github', [{ prefix: ['gho_'] }])], clock })
  await alone.authenticate('gho_abc', { ip: null, trace: (...check) => told.push(check) })
  expect(told).toEqual([['provider', true, 'github']])
})

test('a token is named by its SHA-256 in hex', () => {
  expect(tokenDigest('abc')).toBe(createHash('sha256').update('abc').digest('hex'))
})
