import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ProvidersConfig } from '#base/config.ts'
import { createGuardedFetch, type GuardedFetch } from '#base/fetch.ts'
import { createLog } from '#base/log.ts'
import { Refusal } from '#base/refusal.ts'
import type { Upstream, UpstreamTokens } from '#login/upstream.ts'
import { createUpstreams } from '#login/upstreams.ts'
import { createProviders, type ProviderOptions } from '#providers/index.ts'
import { GITHUB_CLIENT, LOGIN_SECRET, people, startFakeProvider, type FakeProvider } from '../support/fake-provider.ts'
import { configs, MCP_URL, NO_PROVIDERS, testClock, type TestClock } from '../providers/support.ts'

const REDIRECT = 'https://gatehouse.test/oauth/callback/it'
const VERIFIER = 'v'.repeat(43)
const CREDENTIALS = { clientId: 'gatehouse-client', clientSecret: LOGIN_SECRET }

let fake: FakeProvider
let fetching: GuardedFetch
let clock: TestClock
beforeEach(async () => {
  clock = testClock()
  fake = await startFakeProvider({ clock })
  fetching = createGuardedFetch({ allowPrivate: true })
})
afterEach(async () => {
  await fetching.close()
  await fake.close()
})

function upstream(providers: Partial<ProvidersConfig>, options: Partial<ProviderOptions> = {}): Upstream {
  const parts = { fetch: fetching, clock, log: createLog('silent') }
  const list = createProviders({
    config: { providers: { ...NO_PROVIDERS, ...providers }, production: false },
    mcpUrl: MCP_URL,
    keyLookup: async () => null,
    endpoints: fake.endpoints,
    ...parts,
    ...options,
  })
  const [found] = createUpstreams({ providers: list, scopes: ['projects:read'], ...parts })
  if (found === undefined) throw new Error('nobody signs in')
  return found
}

const google = (): Upstream => upstream({ google: { ...configs.google, clientSecret: LOGIN_SECRET } })
const github = (): Upstream => upstream({ github: configs.github })
const auth0 = (): Upstream => upstream({ auth0: { ...configs.auth0, login: CREDENTIALS } })
const oidc = (issuer: string, change: Partial<ProvidersConfig['oidc'][number]> = {}): Upstream =>
  upstream({ oidc: [{ ...configs.oidc(issuer), login: CREDENTIALS, ...change }] })

const ASKED = { redirect_uri: REDIRECT, state: 'state', nonce: 'nonce', code_verifier: VERIFIER }

/** What the browser brings back from the provider. */
async function browse(from: Upstream, asked = ASKED): Promise<URLSearchParams> {
  const answer = await fetch(await from.authorizationUrl(asked), { redirect: 'manual' })
  return new URL(answer.headers.get('location') ?? '').searchParams
}

async function signIn(
  from: Upstream,
  change: Partial<Parameters<Upstream['redeem']>[0]> = {},
): Promise<UpstreamTokens> {
  const code = (await browse(from)).get('code') ?? ''
  return await from.redeem({ code, redirect_uri: REDIRECT, nonce: 'nonce', code_verifier: VERIFIER, ...change })
}

async function codeOf(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt
    return 'answered'
  } catch (error) {
    if (error instanceof Refusal) return error.code
    throw error
  }
}

test('Google: the ID token, a refresh token that lasts, and a renewal', async () => {
  const from = google()
  fake.google.signIn.person({ ...people.alice, hd: 'acme.test' })
  const url = new URL(await from.authorizationUrl(ASKED))
  expect(Object.fromEntries(url.searchParams)).toMatchObject({
    access_type: 'offline',
    prompt: 'consent',
    scope: 'openid email profile',
    code_challenge_method: 'S256',
    nonce: 'nonce',
    state: 'state',
    redirect_uri: REDIRECT,
  })
  const tokens = await signIn(from)
  expect(tokens.token.split('.')).toHaveLength(3)
  expect(tokens.identity).toMatchObject({ provider: 'google', sub: 'alice-1', organization: { value: 'acme.test' } })
  expect(tokens.expires_in).toBeGreaterThan(3500)
  const renewed = await from.refresh(tokens.refresh_token ?? '')
  expect(renewed.identity.sub).toBe('alice-1')
  expect(renewed.refresh_token).toBeNull()
  expect(await from.revoke(tokens.refresh_token ?? '', 'refresh_token')).toBe(true)
  expect(fake.google.signIn.revoked).toEqual([tokens.refresh_token])
  expect(await from.revoke(tokens.token, 'access_token')).toBe(false)
})

test('Auth0: the access token of our API, and new refresh tokens each time', async () => {
  const from = auth0()
  fake.auth0.signIn.person(people.alice)
  const tokens = await signIn(from)
  expect(fake.auth0.signIn.grants[0]).toMatchObject({ audience: MCP_URL, scope: 'openid email profile offline_access' })
  expect(tokens.identity).toMatchObject({ provider: 'auth0', sub: 'alice-1' })
  const renewed = await from.refresh(tokens.refresh_token ?? '')
  expect(renewed.refresh_token).not.toBe(tokens.refresh_token)
  expect(await codeOf(from.refresh(tokens.refresh_token ?? ''))).toBe('grant_invalid')
})

test('GitHub: the user token, no end, errors under status 200, taken back by DELETE', async () => {
  const from = github()
  fake.github.signIn.person({ sub: '583231', email: 'alice@acme.test' })
  const url = new URL(await from.authorizationUrl({ ...ASKED, fresh: true }))
  expect(url.searchParams.get('scope')).toBe('read:user user:email')
  expect(url.searchParams.get('nonce')).toBeNull()
  expect(url.searchParams.get('prompt')).toBe('select_account')
  const code = (await browse(from)).get('code') ?? ''
  const given = { code, redirect_uri: REDIRECT, nonce: 'nonce', code_verifier: VERIFIER }
  const tokens = await from.redeem(given)
  expect(tokens).toMatchObject({ expires_in: null, refresh_token: null, identity: { sub: '583231' } })
  expect(tokens.token).toMatch(/^gho_/)
  expect(await codeOf(from.redeem(given))).toBe('grant_invalid')
  expect(await from.revoke(tokens.token, 'access_token')).toBe(true)
  expect(fake.hits('github/delete')).toBe(1)
  expect(await from.revoke('ghr_x', 'refresh_token')).toBe(false)
})

test('a token that its provider gave us and that is no good here counts against no address', async () => {
  fake.github.signIn.person({ sub: '583231', email: 'alice@acme.test' })
  fake.github.signIn.change((answer) => ({
    ...answer,
    access_token: fake.github.grant({ id: 1, login: 'octo', emails: [], scopes: ['repo'] }),
  }))
  const counted: (string | null)[] = []
  const strangers = { check: async () => undefined, failed: async (ip: string | null) => void counted.push(ip) }
  expect(await codeOf(signIn(upstream({ github: configs.github }, { strangers })))).toBe('grant_invalid')
  expect(counted).toEqual([])
})

test('GitHub: wrong credentials of ours are no judgement of the code', async () => {
  const from = upstream({ github: { ...configs.github, clientSecret: 'mistyped' } })
  fake.github.signIn.person({ sub: '583231', email: 'alice@acme.test' })
  expect(await codeOf(signIn(from))).toBe('provider_unavailable')
  expect(GITHUB_CLIENT.clientSecret).not.toBe('mistyped')
})

test('an OpenID issuer: its ID token, or an access token for our audience when it is to be one', async () => {
  const company = fake.company({ path: 'company' })
  company.signIn.person(people.bob)
  const tokens = await signIn(oidc(company.iss))
  expect(tokens.identity).toMatchObject({ iss: company.iss, sub: 'bob-1', email: 'bob@globex.test' })
  const access = await signIn(oidc(company.iss, { tokenUse: 'access_token' }))
  expect(access.identity.claims['aud']).toBe(MCP_URL)
  expect(company.signIn.grants.at(-1)).toMatchObject({ resource: MCP_URL, audience: MCP_URL })
})

test('offline_access is asked for only where discovery lists it', async () => {
  const without = fake.company({ path: 'without', metadata: { scopes_supported: ['openid'] } })
  const silent = fake.company({ path: 'silent', metadata: { scopes_supported: undefined } })
  for (const { iss } of [without, silent]) {
    const url = new URL(await oidc(iss).authorizationUrl(ASKED))
    expect(url.searchParams.get('scope')).toBe('openid email profile')
  }
})

test('a revocation endpoint that may not be asked, or none, is no reason to turn people away', async () => {
  for (const [path, revocation_endpoint] of [
    ['odd', 'http://idp.example/revoke'],
    ['none', undefined],
  ] as const) {
    const issuer = fake.company({ path, metadata: { revocation_endpoint } })
    issuer.signIn.person(people.bob)
    const from = oidc(issuer.iss)
    const { refresh_token } = await signIn(from)
    expect(await from.revoke(refresh_token ?? '', 'refresh_token')).toBe(false)
  }
})

test('the secret goes the way discovery lists: basic unless only post is', async () => {
  const post = fake.company({
    path: 'post',
    metadata: { token_endpoint_auth_methods_supported: ['client_secret_post'] },
  })
  const both = fake.company({
    path: 'both',
    metadata: { token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'] },
  })
  for (const { iss, signIn: at, path } of [
    { ...post, path: '/post/token' },
    { ...both, path: '/both/token' },
  ]) {
    at.person(people.bob)
    await signIn(oidc(iss))
    const asked = fake.questions.find((question) => question.path === path)
    expect(asked?.headers.authorization !== undefined, path).toBe(path === '/both/token')
    expect(asked?.body.includes('client_secret'), path).toBe(path === '/post/token')
  }
})

test('an issuer that does PKCE without S256 is not begun with (B4)', async () => {
  const weak = fake.company({ path: 'weak', metadata: { code_challenge_methods_supported: ['plain'] } })
  expect(await codeOf(oidc(weak.iss).authorizationUrl(ASKED))).toBe('provider_unavailable')
})

test('D24: iss of the answer must be the issuer byte for byte, and present when promised', async () => {
  const company = fake.company({ path: 'company' })
  const silent = fake.company({
    path: 'silent',
    metadata: { authorization_response_iss_parameter_supported: undefined },
  })
  const from = oidc(company.iss)
  expect(await codeOf(from.assertIssuer(company.iss))).toBe('answered')
  expect(await codeOf(from.assertIssuer(`${company.iss}/`))).toBe('sign_in_lost')
  expect(await codeOf(from.assertIssuer('https://accounts.google.com'))).toBe('sign_in_lost')
  expect(await codeOf(from.assertIssuer(null))).toBe('sign_in_lost')
  expect(await codeOf(oidc(silent.iss).assertIssuer(null))).toBe('answered')
})

test('D28: nonce, iss, aud, at_hash and signature of what comes are checked; a code with a wrong one is spent', async () => {
  const company = fake.company({ path: 'company' })
  const stranger = fake.company({ path: 'stranger' })
  company.signIn.person(people.bob)
  const from = oidc(company.iss)
  const idToken = { ...people.bob, aud: 'gatehouse-client', nonce: 'nonce' }
  const answers: Record<string, () => Promise<string> | string> = {
    'another nonce': async () => await company.sign({ ...idToken, nonce: 'other' }),
    'no nonce': async () => await company.sign({ ...idToken, nonce: undefined }),
    'another issuer': async () => await stranger.sign(idToken),
    'another audience': async () => await company.sign({ ...idToken, aud: 'somebody-else' }),
    'another azp': async () => await company.sign({ ...idToken, azp: 'somebody-else' }),
    'at_hash of another token': async () => await company.sign({ ...idToken, at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' }),
    'a key of another': async () => await stranger.sign({ ...idToken, iss: company.iss }),
  }
  for (const [what, make] of Object.entries(answers)) {
    company.signIn.change(async (answer) => ({ ...answer, id_token: await make() }))
    expect(await codeOf(signIn(from)), what).toBe('grant_invalid')
  }
  company.signIn.change(null)
  expect(await codeOf(signIn(from))).toBe('answered')
})

test('access tokens: the ID token beside them must be about the same person', async () => {
  const company = fake.company({ path: 'company' })
  company.signIn.person(people.bob)
  company.signIn.change(async (answer, { nonce, client_id }) => ({
    ...answer,
    id_token: await company.sign({ ...people.alice, aud: client_id, nonce }),
  }))
  expect(await codeOf(signIn(oidc(company.iss, { tokenUse: 'access_token' })))).toBe('grant_invalid')
})

test('a wrong verifier, a wrong redirect or a used code is grant_invalid', async () => {
  const company = fake.company({ path: 'company' })
  company.signIn.person(people.bob)
  const from = oidc(company.iss)
  expect(await codeOf(signIn(from, { code_verifier: 'w'.repeat(43) }))).toBe('grant_invalid')
  expect(await codeOf(signIn(from, { redirect_uri: `${REDIRECT}2` }))).toBe('grant_invalid')
  expect(await codeOf(signIn(from, { code: 'made-up' }))).toBe('grant_invalid')
})

test('what the provider cannot judge is provider_unavailable, for a code and for a refresh token', async () => {
  const company = fake.company({ path: 'company' })
  company.signIn.person(people.bob)
  const from = oidc(company.iss)
  const { refresh_token } = await signIn(from)
  const silences = [
    'error',
    'limited',
    'redirect',
    'html',
    'garbage',
    'empty',
    'cut',
    { status: 401, headers: { 'www-authenticate': 'Basic realm="idp"' }, body: { error: 'invalid_client' } },
    { status: 400, body: { error: 'unauthorized_client' } },
    { status: 503, body: { error: 'invalid_grant' } },
  ] as const
  for (const how of silences) {
    fake.behave('company/token', how)
    expect(await codeOf(from.refresh(refresh_token ?? '')), JSON.stringify(how)).toBe('provider_unavailable')
    expect(await codeOf(signIn(from)), JSON.stringify(how)).toBe('provider_unavailable')
  }
  fake.behave('company/token', 'ok')
  expect(await codeOf(from.refresh(refresh_token ?? ''))).toBe('answered')
})

test('a provider that renews without the token we hand out ends the sign-in instead of failing for ever', async () => {
  const company = fake.company({ path: 'company' })
  company.signIn.person(people.bob)
  const from = oidc(company.iss)
  const { refresh_token } = await signIn(from)
  company.signIn.change((answer) => ({ ...answer, id_token: undefined }))
  expect(await codeOf(from.refresh(refresh_token ?? ''))).toBe('grant_invalid')
})

test('no refusal holds a code, a token or a secret', async () => {
  const company = fake.company({ path: 'company' })
  company.signIn.person(people.bob)
  const from = oidc(company.iss)
  const code = (await browse(from)).get('code') ?? ''
  fake.behave('company/token', { status: 400, body: { error: `invalid_grant ${code}`, error_description: code } })
  const error: unknown = await from
    .redeem({ code, redirect_uri: REDIRECT, nonce: 'nonce', code_verifier: VERIFIER })
    .catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(Refusal)
  const told = JSON.stringify([String(error), (error as Refusal).detail, String((error as Refusal).cause)])
  for (const secret of [code, VERIFIER, LOGIN_SECRET]) expect(told).not.toContain(secret)
})
