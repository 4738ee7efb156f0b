import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Identity } from '#identity/identity.ts'
import type { Claims } from '../support/fake-provider.ts'
import { configs, GOOGLE_CLIENT_ID, openGate, outcomeOf, type Gate } from './support.ts'

let gate: Gate
let enter: (token: string) => Promise<Identity>
beforeAll(async () => void (gate = await openGate()))
beforeEach(() => {
  gate.fake.reset()
  enter = gate.open({ google: configs.google })
})
afterAll(async () => await gate.close())

const idToken = async (claims: Claims): Promise<string> =>
  await gate.fake.google.sign({ aud: GOOGLE_CLIENT_ID, azp: GOOGLE_CLIENT_ID, sub: '1001', ...claims })

test('an ID token becomes a person with the hosted domain as organisation', async () => {
  const token = await idToken({
    email: 'alice@acme.test',
    email_verified: true,
    hd: 'acme.test',
    name: 'Alice',
    picture: 'https://p/1',
  })
  expect(await enter(token)).toMatchObject({
    provider: 'google',
    iss: 'https://accounts.google.com',
    sub: '1001',
    client_id: GOOGLE_CLIENT_ID,
    scopes: null,
    email: 'alice@acme.test',
    email_verified: true,
    email_authority: 'live',
    name: 'Alice',
    organization: { kind: 'hd', value: 'acme.test' },
    key: null,
    tenant: null,
  })
})

test('both spellings of the issuer are one person', async () => {
  const short = await enter(await idToken({ iss: 'accounts.google.com' }))
  const long = await enter(await idToken({}))
  expect([short.iss, short.sub]).toEqual([long.iss, long.sub])
})

test.each([
  'https://accounts.google.com/',
  'http://accounts.google.com',
  'https://accounts.google.com@evil.test',
  'https://ACCOUNTS.google.com',
])('an issuer spelt %s is not Google, and nobody is asked', async (iss) => {
  expect(await outcomeOf(enter(await idToken({ iss })))).toBe('issuer_unknown 401')
  expect(gate.fake.hits()).toBe(0)
})

describe('whose address Google may vouch for', () => {
  test.each([
    ['E10: a consumer account with a company address', { email: 'mallory@acme.test', email_verified: true }, 'none'],
    ['a Workspace account in its own domain', { email: 'a@acme.test', email_verified: true, hd: 'acme.test' }, 'live'],
    [
      'a Workspace account whose address lies in another domain',
      { email: 'a@globex.test', email_verified: true, hd: 'acme.test' },
      'none',
    ],
    [
      'a Workspace account with a Gmail address',
      { email: 'a@gmail.com', email_verified: true, hd: 'acme.test' },
      'none',
    ],
    ['a Gmail account', { email: 'a@gmail.com', email_verified: true }, 'live'],
    ['a Gmail lookalike', { email: 'a@gmail.com.evil.test', email_verified: true }, 'none'],
    ['E1: an address that is not verified', { email: 'a@gmail.com', email_verified: false }, 'none'],
    ['E1: an address of which nothing is said', { email: 'a@gmail.com' }, 'none'],
    ['E1: the string "true" in an ID token', { email: 'a@gmail.com', email_verified: 'true' }, 'none'],
    ['E3: an address with two @', { email: 'a@evil.test@gmail.com', email_verified: true }, 'none'],
    ['E5: a trailing dot', { email: 'a@gmail.com.', email_verified: true }, 'none'],
    ['E6: a Kelvin sign', { email: 'a@\u212Aacme.test', email_verified: true, hd: 'kacme.test' }, 'none'],
  ])('%s', async (_what, claims, authority) => {
    const identity = await enter(await idToken(claims))
    expect(identity.email_authority).toBe(authority)
  })
})

describe('D11: aud and, when present, azp are our client', () => {
  test.each([
    ['an ID token for another client', { aud: 'other', azp: 'other' }, 'audience_mismatch 401'],
    ['an ID token for us that another client obtained', { azp: 'other' }, 'client_mismatch 401'],
    [
      'an ID token that a service account made for our client id',
      { azp: '118200000000000000000', email: 'robot@x.iam.gserviceaccount.com' },
      'client_mismatch 401',
    ],
    [
      'an ID token with several audiences, presented by another client',
      { aud: ['other', GOOGLE_CLIENT_ID], azp: 'other' },
      'client_mismatch 401',
    ],
    ['an azp that is no string', { azp: [GOOGLE_CLIENT_ID] }, 'client_mismatch 401'],
    ['an ID token without azp', { azp: undefined }, 'accepted'],
  ])('%s', async (_what, claims, ends) => {
    expect(await outcomeOf(enter(await idToken(claims)))).toBe(ends)
  })

  test('D11: an access token of ours that another client of the project obtained is refused before userinfo', async () => {
    const token = gate.fake.google.grant({ aud: GOOGLE_CLIENT_ID, sub: '1' }, { info: { azp: 'other' } })
    expect(await outcomeOf(enter(token))).toBe('client_mismatch 401')
    expect(gate.fake.hits('google/userinfo')).toBe(0)
  })

  test('every configured client id counts', async () => {
    enter = gate.open({ google: { ...configs.google, clientIds: ['web', 'desktop'] } })
    expect(await outcomeOf(enter(await idToken({ aud: 'web', azp: 'desktop' })))).toBe('accepted')
  })
})

test('a logout or security event token with our client id proves no sign-in', async () => {
  const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
  expect(await outcomeOf(enter(await idToken({ events })))).toBe('type_refused 401')
})

describe('access tokens', () => {
  const alice = { aud: GOOGLE_CLIENT_ID, sub: '1001', email: 'alice@acme.test', hd: 'acme.test' }

  test('userinfo gives the profile that tokeninfo does not have', async () => {
    const identity = await enter(gate.fake.google.grant({ ...alice, name: 'Alice' }))
    // D22: tokeninfo tells only the end, and a token lives an hour at most.
    expect(identity.iat).toBe((identity.exp ?? 0) - 3600)
    expect(identity).toMatchObject({
      iss: 'https://accounts.google.com',
      sub: '1001',
      client_id: GOOGLE_CLIENT_ID,
      email_verified: true,
      email_authority: 'live',
      name: 'Alice',
      organization: { kind: 'hd', value: 'acme.test' },
    })
  })

  test('N11: a token of another client is refused although userinfo would answer for it', async () => {
    expect(await outcomeOf(enter(gate.fake.google.grant({ ...alice, aud: 'other' })))).toBe('audience_mismatch 401')
    expect(gate.fake.hits('google/userinfo')).toBe(0)
  })

  test('N12: userinfo of somebody else is refused', async () => {
    expect(await outcomeOf(enter(gate.fake.google.grant(alice, { user: { sub: '2002' } })))).toBe(
      'subject_mismatch 401',
    )
  })

  test('tokeninfo writes strings; only digits are an exp', async () => {
    for (const exp of ['soon', '1e12', '-1', '', null, 99_999_999_999]) {
      const token = gate.fake.google.grant(alice, { info: { exp } })
      expect(await outcomeOf(enter(token))).toBe('provider_unavailable 503, retry after 10')
    }
  })

  test('E2: "true" of Google counts as verified, "false" and anything else does not', async () => {
    const verified = async (email_verified: unknown): Promise<boolean> =>
      (await enter(gate.fake.google.grant(alice, { user: { email_verified } }))).email_verified
    expect(await verified('true')).toBe(true)
    expect(await verified('false')).toBe(false)
    expect(await verified(1)).toBe(false)
    expect(await verified('TRUE')).toBe(false)
  })

  test('a token without the openid scope names nobody', async () => {
    expect(await outcomeOf(enter(gate.fake.google.grant(alice, { info: { sub: undefined } })))).toBe(
      'claims_invalid 401',
    )
  })

  test('a token that may not read a profile is a person without address', async () => {
    gate.fake.behave('google/userinfo', { status: 403, body: { error: 'insufficient_scope' } })
    expect(await enter(gate.fake.google.grant(alice))).toMatchObject({
      sub: '1001',
      email: null,
      email_authority: 'none',
      organization: null,
    })
  })

  test.each(['html', 'garbage', 'empty', 'huge', 'bomb', 'redirect', 'cut'] as const)(
    'tokeninfo that answers %s is no judgement',
    async (behaviour) => {
      gate.fake.behave('google/tokeninfo', behaviour)
      const ends = 'provider_unavailable 503, retry after 10'
      expect(await outcomeOf(enter(gate.fake.google.grant(alice)))).toBe(ends)
      expect(gate.fake.hits('GET /redirected')).toBe(0)
    },
  )

  test('a provider that is slow but answers in time is waited for', async () => {
    gate.fake.behave('google/tokeninfo', { slow: 300 })
    expect(await outcomeOf(enter(gate.fake.google.grant(alice)))).toBe('accepted')
  })

  test('the token travels in a header, never in a URL', async () => {
    const token = gate.fake.google.grant(alice)
    await enter(token)
    expect(
      gate.fake.questions.map(({ path, query, body }) => `${path}?${query.toString()} ${body}`).join('\n'),
    ).not.toContain(token)
  })

  test('a refusal, and the log line of it, does not hold the token', async () => {
    const token = 'ya29.unknown-token-material'
    const error: unknown = await enter(token).catch((reason: unknown) => reason)
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('token-material')
  })
})

describe('what ends an access token', () => {
  const alice = { aud: GOOGLE_CLIENT_ID, sub: '1001', email: 'alice@acme.test', hd: 'acme.test' }

  test('tokeninfo does not know it', async () => {
    const token = gate.fake.google.grant(alice)
    gate.fake.google.revoke(token)
    expect(await outcomeOf(enter(token))).toBe('token_inactive 401')
    gate.fake.behave('google/tokeninfo', { status: 401, body: { error: 'invalid_token' } })
    expect(await outcomeOf(enter(gate.fake.google.grant(alice)))).toBe('token_inactive 401')
  })

  test('userinfo does not know it any more', async () => {
    gate.fake.behave('google/userinfo', { status: 401, body: { error: 'invalid_request' } })
    expect(await outcomeOf(enter(gate.fake.google.grant(alice)))).toBe('token_inactive 401')
  })

  test('its time', async () => {
    const exp = String(Math.floor(gate.clock.now() / 1000) - 1)
    expect(await outcomeOf(enter(gate.fake.google.grant(alice, { info: { exp } })))).toBe('token_expired 401')
  })
})

test('scopes are those of tokeninfo, and only where Google is said to carry ours', async () => {
  const alice = { aud: GOOGLE_CLIENT_ID, sub: '1001' }
  const carrying = gate.open({ google: { ...configs.google, carriesScopes: true } })
  expect((await carrying(gate.fake.google.grant(alice, { info: { scope: 'openid todos:read' } }))).scopes).toEqual([
    'openid',
    'todos:read',
  ])
  // Nothing that can be read narrows to nothing, never to everything.
  expect((await carrying(gate.fake.google.grant(alice, { info: { scope: 7 } }))).scopes).toEqual([])
})

test('an address at googlemail.com is as good as one at gmail.com', async () => {
  const token = await idToken({ email: 'alice@googlemail.com', email_verified: true })
  expect((await enter(token)).email_authority).toBe('live')
})

test('who the token was issued to is its azp, else its aud', async () => {
  const alice = { aud: GOOGLE_CLIENT_ID, sub: '1001' }
  for (const azp of [GOOGLE_CLIENT_ID, undefined])
    expect((await enter(gate.fake.google.grant(alice, { info: { azp } }))).client_id).toBe(GOOGLE_CLIENT_ID)
})
