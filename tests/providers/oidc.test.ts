import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { OidcConfig } from '#base/config.ts'
import type { Identity } from '#identity/identity.ts'
import { people, type Claims, type FakeIssuer } from '../support/fake-provider.ts'
import { createLog } from '#base/log.ts'
import { createProviders } from '#providers/index.ts'
import { CLIENT_ID, configs, MCP_URL, NO_PROVIDERS, openGate, outcomeOf, type Gate } from './support.ts'

let gate: Gate
let oidc: FakeIssuer
beforeAll(async () => {
  gate = await openGate()
  oidc = gate.fake.issuer({ path: 'oidc' })
})
beforeEach(() => gate.fake.reset())
afterAll(async () => await gate.close())

const enter = async (token: string, change: Partial<OidcConfig> = {}): Promise<Identity> =>
  await gate.open({ oidc: [{ ...configs.oidc(oidc.iss), ...change }] })(token)
const sign = async (claims: Claims, header?: Claims): Promise<string> =>
  await oidc.sign({ ...people.alice, aud: MCP_URL, ...claims }, header)

test('a token of the issuer becomes a person', async () => {
  expect(await enter(await sign({ client_id: 'an-mcp-client', scope: 'openid' }))).toMatchObject({
    provider: 'oidc',
    iss: oidc.iss,
    sub: 'alice-1',
    client_id: 'an-mcp-client',
    scopes: null,
    email: 'alice@acme.test',
    email_authority: 'live',
    name: 'Alice Archer',
    organization: null,
    tenant: null,
  })
})

describe('what a token is for', () => {
  const ID_TOKEN = { aud: CLIENT_ID, azp: CLIENT_ID }
  test.each([
    ['any', 'an access token (at+jwt)', {}, { typ: 'at+jwt' }, 'accepted'],
    ['any', 'an access token without typ', {}, { typ: undefined }, 'accepted'],
    ['any', 'an ID token for our client', ID_TOKEN, {}, 'accepted'],
    [
      'any',
      'C5: an ID token for us and others, obtained by another',
      { aud: [CLIENT_ID, 'other'], azp: 'other' },
      {},
      'client_mismatch 401',
    ],
    ['any', 'an at+jwt for our client id only', ID_TOKEN, { typ: 'at+jwt' }, 'audience_mismatch 401'],
    [
      'any',
      'a logout token',
      { ...ID_TOKEN, events: { 'http://schemas.openid.net/event/backchannel-logout': {} } },
      {},
      'type_refused 401',
    ],
    ['any', 'J29: a token of another type', {}, { typ: 'secevent+jwt' }, 'type_refused 401'],
    ['any', "Keycloak's refresh token", { typ: 'Refresh' }, {}, 'type_refused 401'],
    ['any', "Keycloak's offline token", { typ: 'Offline' }, {}, 'type_refused 401'],
    ['any', "Keycloak's logout token", { typ: 'Logout' }, {}, 'type_refused 401'],
    ['any', 'a claim typ that is no string', { typ: ['Refresh'] }, {}, 'accepted'],
    ['any', "Keycloak's access token", { typ: 'Bearer' }, {}, 'accepted'],
    ['access_token', 'an access token (at+jwt)', {}, { typ: 'at+jwt' }, 'accepted'],
    ['access_token', 'J29: an ID token', ID_TOKEN, {}, 'type_refused 401'],
    ['id_token', 'an ID token for our client', ID_TOKEN, {}, 'accepted'],
    ['id_token', 'an access token (at+jwt)', {}, { typ: 'at+jwt' }, 'type_refused 401'],
    ['id_token', 'an ID token for a configured audience', { azp: MCP_URL }, {}, 'accepted'],
    ['id_token', 'an ID token for a configured audience, obtained by another', { azp: 'x' }, {}, 'client_mismatch 401'],
    ['access_token', 'an at+jwt for our client id', { aud: CLIENT_ID }, { typ: 'at+jwt' }, 'audience_mismatch 401'],
    ['id_token', 'an ID token obtained by another client', { aud: CLIENT_ID, azp: 'other' }, {}, 'client_mismatch 401'],
  ] as const)('OIDC_TOKEN_USE=%s: %s', async (tokenUse, _what, claims, header, ends) => {
    expect(await outcomeOf(enter(await sign(claims, header), { tokenUse }))).toBe(ends)
  })
})

describe('D6: an issuer speaks for the domains it was given, and only about verified addresses', () => {
  test.each([
    ['its own domain', ['acme.test'], {}, 'live'],
    ['E4: its own domain in capitals', ['acme.test'], { email: 'Alice@ACME.test' }, 'live'],
    ['another domain', ['globex.test'], {}, 'none'],
    ['no domain', [], {}, 'none'],
    ['every address it asserts', '*', { email: 'x@anything.test' }, 'live'],
    ['E1: not verified', '*', { email_verified: false }, 'none'],
    ['E1: nothing said', '*', { email_verified: undefined }, 'none'],
    ['E1: the string "true"', '*', { email_verified: 'true' }, 'none'],
    ['E1: the number 1', '*', { email_verified: 1 }, 'none'],
    ['E3: a quoted local part', '*', { email: '"a@b"@acme.test' }, 'none'],
    ['E3: a space', '*', { email: ' alice@acme.test' }, 'none'],
    ['E6: a Cyrillic letter', '*', { email: 'alice@\u0430cme.test' }, 'none'],
    ['E7: a longer domain', ['acme.test'], { email: 'alice@evilacme.test' }, 'none'],
    ['E7: a subdomain', ['acme.test'], { email: 'alice@sub.acme.test' }, 'none'],
    ['E14: an address of 10 KB', '*', { email: `${'a'.repeat(300)}@acme.test` }, 'none'],
  ] as const)('%s', async (_what, domains, claims, authority) => {
    expect((await enter(await sign(claims), { domains })).email_authority).toBe(authority)
  })
})

test.each(['ftp://idp.acme.test', 'https://', 'xhttps://idp.acme.test', ''])(
  'the issuer %j stops the boot, and an audience that is missing beside it is told, too',
  (issuer) => {
    const config = { ...configs.oidc(issuer), audience: [], login: null }
    expect(() => gate.open({}, { extra: [config] })).toThrow(
      expect.objectContaining({ problems: [`oidc: ${issuer} is no issuer URL`, 'oidc: an audience is needed'] }),
    )
  },
)

test('an organisation claim that is no string is none', async () => {
  const token = await sign({ organization: ['acme-inc'] })
  expect((await enter(token, { organizationClaim: 'organization' })).organization).toBeNull()
})

test('each check of a token is told to whoever wants it explained, of an opaque one how the asking ended', async () => {
  const told: string[] = []
  const context = { ip: null, trace: (check: string, ok: boolean) => void told.push(`${check} ${ok}`) }
  const config = { ...configs.oidc(oidc.iss), introspection: configs.introspection }
  const [provider] = createProviders({
    config: { providers: { ...NO_PROVIDERS, oidc: [config] }, production: false },
    mcpUrl: MCP_URL,
    keyLookup: async () => null,
    fetch: gate.fetch,
    clock: gate.clock,
    log: createLog('silent'),
  })
  await provider!.verify(await sign({}), context)
  expect(told.at(-1)).toBe('audience true')
  await provider!.verify(oidc.grantOpaque({ ...people.alice, aud: MCP_URL }), context)
  expect(told.at(-1)).toBe('introspection true')
  await provider!.verify('unknown', context).catch(() => null)
  expect(told.at(-1)).toBe('introspection false')
})

test('E8: an address is never folded, and the person is (iss, sub)', async () => {
  const { sub, email } = await enter(await sign({ email: 'a.lice+x@acme.test' }))
  expect([sub, email]).toEqual(['alice-1', 'a.lice+x@acme.test'])
})

test('a pinned tenant and a configured organisation claim are passed on, an unconfigured one is not', async () => {
  const token = await sign({ organization: 'acme-inc' })
  expect((await enter(token)).organization).toBeNull()
  expect(await enter(token, { organizationClaim: 'organization', tenant: 'acme' })).toMatchObject({
    organization: { kind: 'org_id', value: 'acme-inc' },
    tenant: 'acme',
  })
})

test('several issuers keep to themselves: own keys, own name', async () => {
  const other = gate.fake.issuer({ path: 'other' })
  const both = gate.open({ oidc: [configs.oidc(oidc.iss), { ...configs.oidc(other.iss), id: 'other' }] })
  expect((await both(await sign({}))).provider).toBe('oidc')
  expect((await both(await other.sign({ ...people.alice, aud: MCP_URL }))).provider).toBe('other')
  // J28: signed with the other issuer's key.
  expect(await outcomeOf(both(await other.sign({ ...people.alice, aud: MCP_URL, iss: oidc.iss })))).toBe(
    'key_unknown 401',
  )
})

test('with its keys held, an issuer that is down turns nobody away', async () => {
  const door = gate.open({ oidc: [configs.oidc(oidc.iss)] })
  await door(await sign({}))
  gate.fake.behave('oidc/jwks', 'cut')
  gate.fake.behave('oidc/discovery', 'cut')
  gate.clock.advance(50 * 60_000)
  expect(await outcomeOf(door(await sign({ sub: 'carol-1' })))).toBe('accepted')
})

test('C3: a discovery document of another issuer makes the provider unavailable, not the token bad', async () => {
  const liar = gate.fake.issuer({ path: 'liar', metadata: { issuer: 'https://elsewhere.test' } })
  const door = gate.open({ oidc: [configs.oidc(liar.iss)] })
  expect(await outcomeOf(door(await liar.sign({ ...people.alice, aud: MCP_URL })))).toMatch(/^provider_unavailable 503/)
  expect(gate.fake.hits('liar/jwks')).toBe(0)
})

describe('opaque tokens', () => {
  const introspection = configs.introspection
  const grant = (answer: Claims = {}): string => oidc.grantOpaque({ ...people.alice, aud: MCP_URL, ...answer })
  const outcome = async (answer: Claims): Promise<string> => await outcomeOf(enter(grant(answer), { introspection }))

  test('an active one becomes the same person as a JWT would', async () => {
    expect(await enter(grant({ client_id: 'an-mcp-client' }), { introspection })).toMatchObject({
      provider: 'oidc',
      iss: oidc.iss,
      sub: 'alice-1',
      client_id: 'an-mcp-client',
      email_authority: 'live',
    })
  })

  test('D14: a JWT-shaped token never reaches introspection', async () => {
    const door = gate.open({ oidc: [{ ...configs.oidc(oidc.iss), introspection }] })
    const jwts = [
      await oidc.sign({ ...people.alice, iss: 'https://unknown.test', aud: MCP_URL }),
      await sign({ aud: 'elsewhere' }),
      'eyJhbGciOiJub25lIn0.e30.',
      'eyJhbGciOiJSU0EifQ.a.b.c.d',
      `${await sign({})}.trailing`,
    ]
    for (const token of jwts) expect(await outcomeOf(door(token))).toMatch(/ 401$/)
    expect(gate.fake.hits('oidc/introspect')).toBe(0)
  })

  test('D14: the provider itself refuses a JWT of another issuer, whoever handed it over', async () => {
    const [provider] = createProviders({
      config: {
        providers: { ...NO_PROVIDERS, oidc: [{ ...configs.oidc(oidc.iss), introspection }] },
        production: false,
      },
      mcpUrl: MCP_URL,
      keyLookup: async () => null,
      fetch: gate.fetch,
      clock: gate.clock,
      log: createLog('silent'),
    })
    const foreign = await sign({ iss: 'https://unknown.test' })
    expect(await outcomeOf(provider!.verify(foreign, { ip: null }))).toBe('issuer_unknown 401')
    expect(gate.fake.hits()).toBe(0)
  })

  test("D14: nor does a token that says it is another provider's, even one not configured here", async () => {
    const door = gate.open({ oidc: [{ ...configs.oidc(oidc.iss), introspection }] })
    for (const prefix of ['gho_', 'ghu_', 'ghp_', 'github_pat_', 'ghs_', 'ghr_', 'ya29.', 'gh_key_']) {
      expect(await outcomeOf(door(`${prefix}abcdefghijkl`))).toMatch(/ 401$/)
    }
    expect(gate.fake.hits()).toBe(0)
  })

  test('D14: two issuers with introspection stop the boot', () => {
    const two = [configs.oidc(oidc.iss), { ...configs.oidc(`${gate.fake.url}/two`), id: 'two' }]
    expect(() => gate.open({ oidc: two.map((config) => ({ ...config, introspection })) })).toThrow(/problem/)
    expect(() => gate.open({ oidc: two })).not.toThrow()
  })

  test.each([
    ['N9: active as a string', { active: 'true' }, 'token_inactive 401'],
    ['N9: active as a number', { active: 1 }, 'token_inactive 401'],
    ['N9: active left out', { active: undefined }, 'token_inactive 401'],
    ['N10: another audience', { aud: 'elsewhere' }, 'audience_mismatch 401'],
    ['N10: another issuer', { iss: 'https://elsewhere.test' }, 'issuer_unknown 401'],
    ['N10: another client and no audience', { aud: undefined, client_id: 'other' }, 'audience_mismatch 401'],
    ['neither client nor audience', { aud: undefined }, 'audience_mismatch 401'],
    ['our sign-in client and no audience', { aud: undefined, client_id: CLIENT_ID }, 'accepted'],
    ['N10: a refresh token', { token_type: 'refresh_token' }, 'type_refused 401'],
    ['N10: a refresh token as Hydra says it', { token_type: 'Bearer', token_use: 'refresh_token' }, 'type_refused 401'],
    ['an access token as Hydra says it', { token_type: 'Bearer', token_use: 'access_token' }, 'accepted'],
    ['a bearer token', { token_type: 'bearer' }, 'accepted'],
    ['a token bound to a key', { cnf: { jkt: 'x' } }, 'token_bound 401'],
    ['a token type that needs a proof', { token_type: 'DPoP' }, 'type_refused 401'],
    ['a client id of ours among the audiences', { aud: ['x', CLIENT_ID] }, 'accepted'],
    ['no audience, and a list with our client', { aud: undefined, client_id: [CLIENT_ID] }, 'audience_mismatch 401'],
    ['an audience of another beside our client', { aud: 'x', client_id: CLIENT_ID }, 'audience_mismatch 401'],
    ['an audience that is no string', { aud: 7, client_id: CLIENT_ID }, 'audience_mismatch 401'],
    ['no issuer', { iss: undefined }, 'accepted'],
    ['an issuer that is null', { iss: null }, 'issuer_unknown 401'],
    ['an access token by its type', { token_type: 'ACCESS_TOKEN' }, 'accepted'],
    ['a type that only begins like it', { token_type: 'bearer_x' }, 'type_refused 401'],
    ['a type that only ends like it', { token_type: 'x_bearer' }, 'type_refused 401'],
    ['a type that is no string', { token_type: ['bearer'] }, 'type_refused 401'],
    ['an access token by its use', { token_use: 'access' }, 'accepted'],
    ['an ID token by its use', { token_use: 'id' }, 'type_refused 401'],
    ['no end', { exp: undefined }, 'accepted'],
    ['an end that has passed', { exp: 1_000_000 }, 'token_expired 401'],
    ['an end that is null', { exp: null }, 'claims_invalid 401'],
    ['a beginning that has passed', { nbf: 1_000_000 }, 'accepted'],
    ['a beginning in 20 s', { nbf: Math.floor(Date.now() / 1000) + 20 }, 'accepted'],
    ['a beginning as a string', { nbf: '0' }, 'claims_invalid 401'],
    ['exp as a string', { exp: '1900000000' }, 'claims_invalid 401'],
    ['a token of tomorrow', { nbf: Math.floor(Date.now() / 1000) + 86_400 }, 'token_not_yet_valid 401'],
    ['no subject', { sub: undefined }, 'claims_invalid 401'],
    ['a subject that is a number', { sub: 7 }, 'claims_invalid 401'],
    ['a subject with a line break', { sub: 'a\nb' }, 'claims_invalid 401'],
  ])('%s', async (_what, answer, ends) => {
    expect(await outcome(answer)).toBe(ends)
  })

  test.each([
    'html',
    'garbage',
    'huge',
    'bomb',
    'redirect',
    { status: 200, body: [] },
    { status: 200, body: 'null' },
    { status: 401, body: {} },
  ] as const)('N9, N14: an endpoint that answers %j has not judged', async (behaviour) => {
    gate.fake.behave('oidc/introspect', behaviour)
    expect(await outcome({})).toBe('provider_unavailable 503, retry after 10')
  })

  test('a revoked token stops working within 60 s', async () => {
    const door = gate.open({ oidc: [{ ...configs.oidc(oidc.iss), introspection }] })
    const token = grant()
    expect(await outcomeOf(door(token))).toBe('accepted')
    oidc.revokeOpaque(token)
    gate.clock.advance(61_000)
    expect(await outcomeOf(door(token))).toBe('token_inactive 401')
  })

  test('N16: a flood of garbage asks at most 50 at once and pushes no good token out', async () => {
    const door = gate.open({ oidc: [{ ...configs.oidc(oidc.iss), introspection }] })
    const token = grant()
    await door(token)
    const flood = Array.from({ length: 1_000 }, async (_, index) => await outcomeOf(door(`garbage-${index}`)))
    expect(new Set(await Promise.all(flood))).toEqual(
      new Set(['token_inactive 401', 'provider_unavailable 503, retry after 10']),
    )
    expect(gate.fake.mostAtOnce('oidc/introspect')).toBeLessThanOrEqual(50)
    const before = gate.fake.hits('oidc/introspect')
    expect(await outcomeOf(door(token))).toBe('accepted')
    expect(gate.fake.hits('oidc/introspect')).toBe(before)
  })

  test('it is asked by RFC 7662, with our credentials form-encoded (RFC 6749 section 2.3.1)', async () => {
    const token = grant()
    const odd = { ...introspection, clientId: 'gate:house', clientSecret: 'pass%word' }
    expect(await outcomeOf(enter(token, { introspection: odd }))).toMatch(/^provider_unavailable/)
    const question = gate.fake.questions.find(({ path }) => path.endsWith('/introspect'))
    expect(question?.method).toBe('POST')
    expect(question?.headers.authorization).toBe(`Basic ${btoa('gate%3Ahouse:pass%25word')}`)
    expect(Object.fromEntries(new URLSearchParams(question?.body))).toEqual({
      token,
      token_type_hint: 'access_token',
    })
  })

  test('a configured endpoint is asked without discovery', async () => {
    const endpoint = `${gate.fake.url}/oidc/introspect`
    expect(await outcomeOf(enter(grant(), { introspection: { ...introspection, endpoint } }))).toBe('accepted')
    expect(gate.fake.hits('oidc/discovery')).toBe(0)
  })
})
