import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Identity } from '#identity/identity.ts'
import { configs, openGate, outcomeOf, type Gate } from './support.ts'

let gate: Gate
let enter: (token: string) => Promise<Identity>
beforeAll(async () => void (gate = await openGate()))
beforeEach(() => {
  gate.fake.reset()
  enter = gate.open({ github: configs.github })
})
afterAll(async () => await gate.close())

const address = (email: string, primary: boolean, verified = true) => ({ email, primary, verified })
const alice = { id: 41, login: 'alice', emails: [address('alice@acme.test', true)] }

test('the person is the numeric id, and a verified primary address was true once', async () => {
  expect(await enter(gate.fake.github.grant(alice))).toMatchObject({
    provider: 'github',
    iss: 'https://github.com/login/oauth',
    sub: '41',
    client_id: configs.github.clientId,
    scopes: null,
    email: 'alice@acme.test',
    email_verified: true,
    email_authority: 'once',
    name: 'alice',
  })
})

test('D22: a token knows when it was issued, so that it can be cut off by time', async () => {
  const { iat } = await enter(gate.fake.github.grant({ ...alice, created_at: '2026-11-20T10:00:00Z' }))
  expect(iat).toBe(Date.parse('2026-11-20T10:00:00Z') / 1000)
})

test('of several addresses only the primary counts, and only when verified', async () => {
  const emails = [address('alice@globex.test', false), address('alice@acme.test', true, false)]
  expect(await enter(gate.fake.github.grant({ ...alice, emails }))).toMatchObject({
    email: 'alice@acme.test',
    email_verified: false,
    email_authority: 'none',
  })
})

test('a token that may not read addresses is a person without one', async () => {
  expect(await enter(gate.fake.github.grant({ ...alice, emails: 'forbidden' }))).toMatchObject({
    sub: '41',
    email: null,
  })
})

describe('D11: the scopes of a checked token lie within read:user user:email', () => {
  test.each([
    [['user:email'], 'accepted'],
    [['read:user', 'user:email'], 'accepted'],
    [[], 'accepted'],
    [['repo', 'user:email'], 'scopes_excessive 401'],
    [['user'], 'scopes_excessive 401'],
    [['delete_repo'], 'scopes_excessive 401'],
  ])('%j: %s', async (scopes, ends) => {
    expect(await outcomeOf(enter(gate.fake.github.grant({ ...alice, scopes })))).toBe(ends)
  })

  test('a refused token is not used to ask for addresses', async () => {
    await outcomeOf(enter(gate.fake.github.grant({ ...alice, scopes: ['repo'] })))
    expect(gate.fake.hits('github/emails')).toBe(0)
  })
})

test("a GitHub App's token has permissions in place of scopes", async () => {
  expect(await outcomeOf(enter(gate.fake.github.grant({ ...alice, prefix: 'ghu_', check: { scopes: null } })))).toBe(
    'accepted',
  )
})

test('an answer of check-token about another app is refused', async () => {
  const token = gate.fake.github.grant({ ...alice, check: { app: { client_id: 'Iv1.another' } } })
  expect(await outcomeOf(enter(token))).toBe('client_mismatch 401')
})

test.each([
  ['no user', { user: null }],
  ['a user whose id is text', { user: { id: '41', login: 'alice' } }],
  ['no scopes', { scopes: null }],
  ['an end that is no time', { expires_at: 'soon' }],
])('a check-token answer with %s is no judgement', async (_what, check) => {
  expect(await outcomeOf(enter(gate.fake.github.grant({ ...alice, check })))).toBe(
    'provider_unavailable 503, retry after 10',
  )
})

test('our own credentials being wrong is our trouble, not the token being bad', async () => {
  enter = gate.open({ github: { ...configs.github, clientSecret: 'wrong' } })
  expect(await outcomeOf(enter(gate.fake.github.grant(alice)))).toBe('provider_unavailable 503, retry after 10')
})

test.each([
  ['no app', { app: null }],
  ['an id of 0', { user: { id: 0, login: 'a' } }],
  ['a negative id', { user: { id: -1, login: 'a' } }],
  ['a broken id', { user: { id: 1.5, login: 'a' } }],
  ['an id beyond what a number can tell apart', { user: { id: 2 ** 53, login: 'a' } }],
  ['scopes that are no list', { scopes: 'user:email' }],
  ['a scope that is no string', { scopes: ['user:email', 7] }],
  ['a beginning that is no time', { created_at: 7 }],
])('a check-token answer with %s is no judgement either', async (_what, check) => {
  expect(await outcomeOf(enter(gate.fake.github.grant({ ...alice, check })))).toBe(
    'provider_unavailable 503, retry after 10',
  )
})

test('only the tokens of a GitHub App may have no scopes', async () => {
  const granted = (prefix: 'gho_' | 'ghu_', scopes: unknown): string =>
    gate.fake.github.grant({ ...alice, prefix, check: { scopes } })
  expect(await outcomeOf(enter(granted('gho_', null)))).toMatch(/^provider_unavailable/)
  expect(await outcomeOf(enter(granted('ghu_', ['repo'])))).toBe('scopes_excessive 401')
})

test('a token that ends is let in until then, and no longer', async () => {
  const end = Math.floor(gate.clock.now() / 1000)
  const ending = (seconds: number): string =>
    gate.fake.github.grant({ ...alice, expires_at: new Date((end + seconds) * 1000).toISOString() })
  expect((await enter(ending(60))).exp).toBe(end + 60)
  expect((await enter(gate.fake.github.grant(alice))).exp).toBeNull()
  expect(await outcomeOf(enter(ending(-1)))).toBe('token_expired 401')
})

test('a token that check-token does not know is refused', async () => {
  gate.fake.behave('github/check', { status: 404, body: { message: 'Not Found' } })
  expect(await outcomeOf(enter(gate.fake.github.grant(alice)))).toBe('token_inactive 401')
})

test.each([0, -1, 1.5, '41', null])('a user whose id is %j is no judgement', async (id) => {
  expect(await outcomeOf(enter(gate.fake.github.grant({ ...alice, check: { user: { id, login: 'a' } } })))).toBe(
    'provider_unavailable 503, retry after 10',
  )
})

test('the name is the one that is shown, else the login; the login is told beside it', async () => {
  const user = { id: 41, login: 'alice', name: 'Alice Archer', avatar_url: 'https://avatars.example/41' }
  expect(await enter(gate.fake.github.grant({ ...alice, check: { user } }))).toMatchObject({
    name: 'Alice Archer',
    picture: 'https://avatars.example/41',
    claims: { login: 'alice' },
  })
})

test('GitHub is asked in its own words, for one version of its interface', async () => {
  const token = gate.fake.github.grant(alice)
  await enter(token)
  const version = { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' }
  expect(gate.fake.questions.map(({ method, path, query, body }) => [method, path, query.toString(), body])).toEqual([
    ['POST', '/applications/Iv1.gatehouse/token', '', JSON.stringify({ access_token: token })],
    ['GET', '/user/emails', 'per_page=100', ''],
  ])
  const [check, emails] = gate.fake.questions
  expect(check?.headers).toMatchObject({ ...version, 'content-type': 'application/json' })
  expect(emails?.headers).toMatchObject({ ...version, authorization: `Bearer ${token}` })
})

describe('addresses', () => {
  const answered = async (status: number, body: unknown): Promise<string> => {
    gate.fake.behave('github/emails', { status, body })
    return await outcomeOf(enter(gate.fake.github.grant(alice)))
  }

  test('that may not be read, or are not there, leave a person without one', async () => {
    for (const status of [403, 404]) expect(await answered(status, { message: 'no' })).toBe('accepted')
    expect(await answered(200, [])).toBe('accepted')
    expect(await answered(200, [null, 'x', { primary: 'true', email: 'a@acme.test', verified: true }])).toBe('accepted')
  })

  test('of a token that was revoked meanwhile refuse it', async () => {
    expect(await answered(401, {})).toBe('token_inactive 401')
  })

  test('that are no list are no judgement', async () => {
    expect(await answered(200, { 0: alice.emails[0] })).toBe('provider_unavailable 503, retry after 10')
  })

  test('count as verified only by the boolean', async () => {
    gate.fake.behave('github/emails', {
      status: 200,
      body: [{ email: 'a@acme.test', primary: true, verified: 'true' }],
    })
    expect((await enter(gate.fake.github.grant(alice))).email_verified).toBe(false)
    gate.fake.behave('github/emails', {
      status: 200,
      body: [{ email: 'a@acme.test', primary: 'yes', verified: true }],
    })
    expect((await enter(gate.fake.github.grant(alice))).email).toBeNull()
  })
})

describe('N13: "too many" is never "bad token"', () => {
  const reset = () => String(Math.floor(gate.clock.now() / 1000) + 120)
  test.each([
    ['429 with Retry-After', () => ({ status: 429, headers: { 'retry-after': '30' } }), 'retry after 30'],
    ['403 with Retry-After', () => ({ status: 403, headers: { 'retry-after': '60' } }), 'retry after 60'],
    [
      '403 with nothing left of the limit',
      () => ({ status: 403, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset() } }),
      /retry after 1(?:1\d|20)$/,
    ],
    [
      '429 with a date',
      () => ({ status: 429, headers: { 'retry-after': new Date(gate.clock.now() + 45_000).toUTCString() } }),
      /retry after (?:3\d|4[0-5])$/,
    ],
    [
      '403 that says so in words',
      () => ({ status: 403, body: { message: 'You have exceeded a secondary rate limit.' } }),
      'retry after 10',
    ],
    ['503 with Retry-After', () => ({ status: 503, headers: { 'retry-after': '12' } }), 'retry after 12'],
    ['a waiting time of a day', () => ({ status: 429, headers: { 'retry-after': '86400' } }), 'retry after 3600'],
  ])('%s', async (_what, answer, wait) => {
    const token = gate.fake.github.grant(alice)
    for (const endpoint of ['github/check', 'github/emails']) {
      gate.fake.reset()
      gate.fake.behave(endpoint, { body: {}, ...answer() })
      const outcome = await outcomeOf(enter(token))
      expect(outcome).toMatch(/^provider_unavailable 503/)
      expect(outcome).toMatch(wait)
    }
    gate.fake.reset()
    expect(await outcomeOf(enter(token))).toBe('accepted')
  })
})

describe('personal tokens', () => {
  const allowed = { ...configs.github, allowPersonalTokens: true }

  test.each(['ghp_', 'github_pat_'] as const)(
    '%s is refused without asking anybody, unless allowed',
    async (prefix) => {
      const token = gate.fake.github.grant({ ...alice, prefix })
      expect(await outcomeOf(enter(token))).toBe('type_refused 401')
      expect(gate.fake.hits()).toBe(0)
      expect(await gate.open({ github: allowed })(token)).toMatchObject({
        sub: '41',
        client_id: null,
        email_authority: 'once',
      })
    },
  )

  test('one that can do more than tell who its owner is, is refused', async () => {
    const token = gate.fake.github.grant({ ...alice, prefix: 'ghp_', scopes: ['repo', 'user:email'] })
    expect(await outcomeOf(gate.open({ github: allowed })(token))).toBe('scopes_excessive 401')
  })

  test('one that says nothing of scopes is let in, one that was revoked is not', async () => {
    const enterAny = gate.open({ github: allowed })
    const token = gate.fake.github.grant({ ...alice, prefix: 'ghp_' })
    gate.fake.behave('github/user', { status: 200, body: { id: 41, login: 'alice' } })
    expect(await enterAny(token)).toMatchObject({ sub: '41', exp: null, iat: null })
    expect(gate.fake.questions[0]?.headers).toMatchObject({
      accept: 'application/vnd.github+json',
      'x-github-api-version': '2022-11-28',
    })
    gate.fake.reset()
    gate.fake.github.revoke(token)
    expect(await outcomeOf(gate.open({ github: allowed })(token))).toBe('token_inactive 401')
  })

  test('scopes are told apart by commas, with or without spaces', async () => {
    const enterAny = gate.open({ github: allowed })
    for (const [scopes, ends] of [
      ['user:email,read:user', 'accepted'],
      [' user:email , read:user ', 'accepted'],
      ['user:email, repo', 'scopes_excessive 401'],
      ['user:email read:user', 'scopes_excessive 401'],
    ] as const) {
      const token = gate.fake.github.grant({ ...alice, prefix: 'ghp_' })
      gate.fake.behave('github/user', { status: 200, headers: { 'x-oauth-scopes': scopes }, body: { id: 41 } })
      expect(await outcomeOf(enterAny(token)), scopes).toBe(ends)
    }
  })

  test.each(['ghs_', 'ghr_'])('%s names no person and is refused', async (prefix) => {
    expect(await outcomeOf(gate.open({ github: allowed })(`${prefix}abcdef`))).toBe('type_refused 401')
    expect(gate.fake.hits()).toBe(0)
  })
})
