import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Identity } from '#identity/identity.ts'
import { people, type Claims } from '../support/fake-provider.ts'
import { CLIENT_ID, configs, MCP_URL, openGate, outcomeOf, type Gate } from './support.ts'

const ISSUER = 'https://acme.eu.auth0.com/'
let gate: Gate
let enter: (token: string) => Promise<Identity>
beforeAll(async () => void (gate = await openGate()))
beforeEach(() => {
  gate.fake.reset()
  enter = gate.open({ auth0: configs.auth0 })
})
afterAll(async () => await gate.close())

const sign = async (claims: Claims, header?: Claims): Promise<string> =>
  await gate.fake.auth0.sign({ sub: 'auth0|1', aud: MCP_URL, azp: 'some-mcp-client', ...claims }, header)

test('an access token is for our audience, whichever client obtained it, in either of its profiles', async () => {
  expect(await enter(await sign({ aud: [MCP_URL, 'https://other.test'] }))).toMatchObject({
    provider: 'auth0',
    iss: ISSUER,
    sub: 'auth0|1',
    client_id: 'some-mcp-client',
  })
  const rfc9068 = await sign({ azp: undefined, client_id: 'some-mcp-client' }, { typ: 'at+jwt' })
  expect((await enter(rfc9068)).client_id).toBe('some-mcp-client')
})

test.each([
  [
    'C6: an ID token for our client, obtained by another',
    { aud: CLIENT_ID, azp: 'another' },
    {},
    'client_mismatch 401',
  ],
  ['an ID token for our client', { aud: CLIENT_ID, azp: CLIENT_ID }, {}, 'accepted'],
  [
    'an access token (at+jwt) whose audience is only our client id',
    { aud: CLIENT_ID, azp: CLIENT_ID },
    { typ: 'at+jwt' },
    'audience_mismatch 401',
  ],
  ['C4: no audience', { aud: undefined }, {}, 'audience_mismatch 401'],
  ['C4: an audience that only begins like ours', { aud: `${MCP_URL}/x` }, {}, 'audience_mismatch 401'],
  ['C4: our audience inside a nested list', { aud: [[MCP_URL]] }, {}, 'audience_mismatch 401'],
  ['a logout token', { events: {} }, { typ: 'logout+jwt' }, 'type_refused 401'],
])('%s', async (_what, claims, header, ends) => {
  expect(await outcomeOf(enter(await sign(claims, header)))).toBe(ends)
})

test('an opaque or encrypted token is refused and nobody is asked', async () => {
  expect(await outcomeOf(enter('an-opaque-auth0-token'))).toBe('issuer_unknown 401')
  expect(await outcomeOf(enter('eyJhbGciOiJkaXIifQ..aXY.Y2lwaGVy.dGFn'))).toMatch(/ 401$/)
  expect(gate.fake.hits()).toBe(0)
})

test('org_id is the organisation', async () => {
  expect((await enter(await sign({ org_id: 'org_acme' }))).organization).toEqual({ kind: 'org_id', value: 'org_acme' })
  for (const org_id of [undefined, '', 7, ['org_acme']])
    expect((await enter(await sign({ org_id }))).organization, String(org_id)).toBeNull()
})

describe('D6: an Auth0 address is live evidence only for AUTH0_EMAIL_DOMAINS', () => {
  test.each([
    ['a listed domain', { email: 'a@acme.test', email_verified: true }, 'live'],
    ['D7: any other domain was verified once', { email: 'a@globex.test', email_verified: true }, 'once'],
    ['not verified', { email: 'a@acme.test', email_verified: false }, 'none'],
    ['"true" as a string', { email: 'a@acme.test', email_verified: 'true' }, 'none'],
    [
      'the namespaced claim, verified',
      { 'https://acme.test/email': 'a@acme.test', 'https://acme.test/email_verified': true },
      'live',
    ],
    ['the namespaced claim, of which nothing is said', { 'https://acme.test/email': 'a@acme.test' }, 'none'],
    [
      'the namespaced claim beside a verified other address',
      { 'https://acme.test/email': 'a@acme.test', email: 'b@x.test', email_verified: true },
      'none',
    ],
    ['E7: a longer domain', { email: 'a@evilacme.test', email_verified: true }, 'once'],
    ['E7: a subdomain', { email: 'a@sub.acme.test', email_verified: true }, 'once'],
  ])('%s', async (_what, claims, authority) => {
    expect((await enter(await sign(claims))).email_authority).toBe(authority)
  })
})

describe('the address of a token that carries none comes from userinfo', () => {
  const shown = { aud: [MCP_URL, `${ISSUER}userinfo`] }

  test('asked once for many calls', async () => {
    const token = await sign({ ...shown, sub: people.alice.sub })
    gate.fake.auth0.setUserinfo(token, people.alice)
    const identities = await Promise.all(Array.from({ length: 50 }, async () => await enter(token)))
    expect(identities[0]).toMatchObject({ email: people.alice.email, email_authority: 'live', name: people.alice.name })
    expect(gate.fake.hits('auth0/userinfo')).toBe(1)
  })

  test('with name and picture; what the token says itself comes first', async () => {
    const profile = { ...people.alice, name: 'Of userinfo', picture: 'https://p/1', org_id: 'org_evil' }
    const token = await sign({ ...shown, sub: people.alice.sub })
    gate.fake.auth0.setUserinfo(token, profile)
    expect(await enter(token)).toMatchObject({ name: 'Of userinfo', picture: 'https://p/1', organization: null })
    const named = await sign({ ...shown, sub: people.alice.sub, name: 'Of the token' })
    gate.fake.auth0.setUserinfo(named, profile)
    expect(await enter(named)).toMatchObject({ name: 'Of the token', email: people.alice.email })
  })

  test('a token that userinfo refuses is refused, one that it may not see a profile of is not', async () => {
    gate.fake.behave('auth0/userinfo', { status: 401, body: {} })
    expect(await outcomeOf(enter(await sign(shown)))).toBe('token_inactive 401')
    gate.fake.behave('auth0/userinfo', { status: 403, body: {} })
    expect(await enter(await sign({ ...shown, sub: 'auth0|2' }))).toMatchObject({
      email: null,
      email_authority: 'none',
    })
    gate.fake.behave('auth0/userinfo', { status: 200, body: [] })
    expect(await outcomeOf(enter(await sign({ ...shown, sub: 'auth0|3' })))).toMatch(/^provider_unavailable/)
  })

  test('E1: the token cannot vouch for an address that userinfo does not', async () => {
    const token = await sign({ ...shown, sub: people.alice.sub, email_verified: true })
    gate.fake.auth0.setUserinfo(token, { ...people.alice, email_verified: false })
    expect((await enter(token)).email_authority).toBe('none')
  })

  test('N12: somebody else there is refused', async () => {
    const token = await sign(shown)
    gate.fake.auth0.setUserinfo(token, people.bob)
    expect(await outcomeOf(enter(token))).toBe('subject_mismatch 401')
  })

  test('not asked when the token may not be shown there, carries an address, or names an organisation', async () => {
    await enter(await sign({}))
    await enter(await sign({ ...shown, email: 'a@acme.test' }))
    await enter(await sign({ ...shown, org_id: 'org_acme' }))
    expect(gate.fake.hits('auth0/userinfo')).toBe(0)
  })

  test('while it is down nobody is turned away for having no address', async () => {
    gate.fake.behave('auth0/userinfo', 'error')
    expect(await outcomeOf(enter(await sign(shown)))).toBe('provider_unavailable 503, retry after 10')
  })
})

test('without a namespaced claim the plain one counts, and without a client no ID token', async () => {
  const plain = gate.open({ auth0: { ...configs.auth0, emailClaim: null, login: null } })
  const claims = { email: 'a@acme.test', email_verified: true, 'https://acme.test/email': 'b@globex.test' }
  expect(await plain(await sign(claims))).toMatchObject({ email: 'a@acme.test', email_authority: 'live' })
  expect(await outcomeOf(plain(await sign({ aud: CLIENT_ID })))).toBe('audience_mismatch 401')
})

test('scopes count only when the issuer is said to carry ours', async () => {
  const token = await sign({ scope: 'openid todos:read', permissions: ['todos:write'] })
  expect((await enter(token)).scopes).toBeNull()
  const carrying = gate.open({ auth0: { ...configs.auth0, carriesScopes: true } })
  expect((await carrying(token)).scopes).toEqual(['openid', 'todos:read', 'todos:write'])
})
