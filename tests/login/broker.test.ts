import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { GITHUB_CLIENT, LOGIN_SECRET, people, startFakeProvider, type FakeProvider } from '../support/fake-provider.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { until } from '../support/until.ts'
import { testClock, type TestClock } from '../providers/support.ts'
import {
  CALLBACK,
  approve,
  atProvider,
  begin,
  browse,
  codeForm,
  post,
  refresh,
  signIn,
  toClient,
  whoami,
} from './support/journey.ts'

/** Two replicas on one Postgres, every provider, and each step of a sign-in at whichever replica: nothing may live in a process. */

let fake: FakeProvider
let company: ReturnType<FakeProvider['company']>
let clock: TestClock
let one: RunningGatehouse
let two: RunningGatehouse

beforeAll(async () => {
  clock = testClock()
  fake = await startFakeProvider({ clock })
  company = fake.company({ path: 'company' })
  const env = {
    GOOGLE_CLIENT_ID: '1234-gatehouse.apps.googleusercontent.com',
    GOOGLE_CLIENT_SECRET: LOGIN_SECRET,
    GITHUB_CLIENT_ID: GITHUB_CLIENT.clientId,
    GITHUB_CLIENT_SECRET: GITHUB_CLIENT.clientSecret,
    AUTH0_DOMAIN: 'acme.eu.auth0.com',
    AUTH0_AUDIENCE: 'https://gatehouse.test/mcp',
    AUTH0_CLIENT_ID: 'gatehouse-client',
    AUTH0_CLIENT_SECRET: LOGIN_SECRET,
    AUTH0_EMAIL_DOMAINS: 'auth.test',
    OIDC_COMPANY_ISSUER: company.iss,
    OIDC_COMPANY_CLIENT_ID: 'gatehouse-client',
    OIDC_COMPANY_CLIENT_SECRET: LOGIN_SECRET,
    OIDC_COMPANY_DOMAINS: 'company.test',
    RATE_LIMIT: 'off',
    PROVISION_LIMIT: '1000',
  }
  const parts = { clock, endpoints: fake.endpoints }
  one = await startGatehouse({ kind: 'postgres', env, parts })
  // The same address for both, as behind a load balancer; the second listens elsewhere.
  two = await startGatehouse({
    kind: 'postgres',
    env: { ...env, PUBLIC_URL: one.url },
    parts,
    beside: one,
  })
  fake.google.signIn.person({ ...people.alice, hd: 'acme.test' })
  fake.auth0.signIn.person({ ...people.alice, email: 'alice@auth.test' })
  fake.github.signIn.person({ sub: '583231', email: 'octo@gmail.com' })
  company.signIn.person({ ...people.alice, sub: 'company-alice', email: 'alice@company.test' })
}, 60_000)
afterAll(async () => {
  await two.close()
  await one.close()
  await fake.close()
})

/** Where the second replica listens. */
const other = (): string => `http://127.0.0.1:${two.config.port}`

test('metadata: our own issuer, what we do, and nothing we do not', async () => {
  const { issuer, ...metadata } = (await (
    await fetch(`${one.url}/.well-known/oauth-authorization-server`)
  ).json()) as Record<string, unknown>
  expect(issuer).toBe(one.url)
  expect(metadata).toMatchObject({
    authorization_endpoint: `${one.url}/oauth/authorize`,
    token_endpoint: `${one.url}/oauth/token`,
    registration_endpoint: `${one.url}/oauth/register`,
    revocation_endpoint: `${one.url}/oauth/revoke`,
    jwks_uri: `${one.url}/oauth/jwks.json`,
    response_types_supported: ['code'],
    grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials'],
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
    client_id_metadata_document_supported: true,
  })
  expect(metadata['token_endpoint_auth_methods_supported']).toContain('none')
  expect(metadata['scopes_supported']).toContain('projects:read')
  expect(JSON.stringify(metadata)).not.toContain('offline_access')
  expect((await fetch(`${one.url}/.well-known/openid-configuration`)).status).toBe(404)
})

test('protected resource metadata names us alone, for the plain endpoint and for every slug', async () => {
  for (const path of ['', '/mcp', '/t/acme_test/mcp']) {
    const answer = await fetch(`${one.url}/.well-known/oauth-protected-resource${path}`)
    expect(await answer.json()).toMatchObject({ authorization_servers: [one.url] })
  }
  const challenge = (await fetch(`${one.url}/mcp`, { method: 'POST' })).headers.get('www-authenticate') ?? ''
  expect(challenge).toContain('resource_metadata=')
  expect(challenge).not.toContain('scope=')
})

describe.each([
  { provider: 'google', user: 'google:alice-1', renewed: true },
  { provider: 'auth0', user: 'auth0:alice-1', renewed: true },
  { provider: 'github', user: 'github:583231', renewed: false },
  { provider: 'company', user: 'company:company-alice', renewed: true },
])('$provider', ({ provider, user, renewed }) => {
  test('consent, provider, callback and token, each at another replica; the token works at /mcp', async () => {
    const journey = await begin(one.url)
    const back = await atProvider(journey, await approve(one.url, journey, provider))
    expect(back.origin).toBe(one.url)
    const answer = await browse(journey, `${other()}${back.pathname}${back.search}`)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const received = new URL(answer.headers.get('location') ?? '')
    expect(`${received.origin}${received.pathname}`).toBe(CALLBACK)
    expect(received.searchParams.get('state')).toBe('of the client')
    expect(received.searchParams.get('iss')).toBe(one.url)
    const { status, headers, body } = await post(
      `${one.url}/oauth/token`,
      codeForm(journey, received.searchParams.get('code') ?? ''),
    )
    expect(status, JSON.stringify(body)).toBe(200)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(body['token_type']).toBe('Bearer')
    expect(typeof body['refresh_token']).toBe(renewed ? 'string' : 'undefined')
    if (renewed) expect(body['expires_in']).toBeGreaterThan(3500)
    else expect('expires_in' in body).toBe(false)
    expect(await whoami(other(), String(body['access_token']))).toMatchObject({ user_id: user })
  })

  if (!renewed) return
  test('D28: renewed at the other replica, with a new refresh token', async () => {
    const { journey, tokens } = await signIn(one.url, provider)
    const first = await refresh(other(), journey, tokens.refresh_token)
    expect(first.status, JSON.stringify(first.body)).toBe(200)
    expect(first.body['refresh_token']).not.toBe(tokens.refresh_token)
    expect(await whoami(one.url, String(first.body['access_token']))).toMatchObject({ user_id: user })
    const second = await refresh(one.url, journey, String(first.body['refresh_token']))
    expect(second.status).toBe(200)
  })
})

test('D28: a code works once', async () => {
  const journey = await begin(one.url)
  const code = (await toClient(one.url, journey, 'company')).get('code') ?? ''
  expect((await post(`${one.url}/oauth/token`, codeForm(journey, code))).status).toBe(200)
  const again = await post(`${other()}/oauth/token`, codeForm(journey, code))
  expect([again.status, again.body['error']]).toEqual([400, 'invalid_grant'])
})

test('the callback deletes its cookie whatever comes of it; a second visit is a page that leads nowhere', async () => {
  const journey = await begin(one.url)
  const back = await atProvider(journey, await approve(one.url, journey, 'google'))
  const flows = (): string[] => [...journey.cookies.keys()].filter((name) => name.startsWith('gh_flow_'))
  expect(flows()).toHaveLength(1)
  const cookies = new Map(journey.cookies)
  await browse(journey, `${one.url}${back.pathname}${back.search}`)
  expect(flows()).toHaveLength(0)
  const again = await browse(journey, `${one.url}${back.pathname}${back.search}`)
  const page = await again.text()
  expect([again.status, again.headers.get('location')]).toEqual([400, null])
  expect(page).toContain('This sign-in has ended')
  expect(page).not.toMatch(/<form|<a /)
  // With the cookie, but at another provider's address: refused, and the cookie is gone too.
  const mixed = { ...journey, cookies }
  const wrong = await browse(mixed, `${one.url}/oauth/callback/github${back.search}`)
  expect([wrong.status, wrong.headers.get('location')]).toEqual([400, null])
  expect([...cookies.keys()].filter((name) => name.startsWith('gh_flow_'))).toHaveLength(0)
  expect(fake.hits('google/token')).toBe(fake.google.signIn.grants.length)
})

test('a person who says no at the provider comes back to the client with access_denied', async () => {
  const journey = await begin(one.url)
  fake.google.signIn.deny('access_denied')
  const answer = await toClient(one.url, journey, 'google')
  fake.google.signIn.deny(null)
  expect(Object.fromEntries(answer)).toMatchObject({ error: 'access_denied', state: 'of the client', iss: one.url })
  expect(answer.has('code')).toBe(false)
})

describe('the token endpoint over HTTP', () => {
  const token = (init: RequestInit): Promise<Response> => fetch(`${one.url}/oauth/token`, { method: 'POST', ...init })
  const errorOf = async (answer: Response): Promise<unknown[]> => [
    answer.status,
    ((await answer.json()) as { error: string }).error,
  ]

  test('forms only, nothing twice, one method, no cache, readable from any page that may call us', async () => {
    const json = { 'content-type': 'application/json' }
    expect((await token({ headers: json, body: '{"grant_type":"authorization_code"}' })).status).toBe(400)
    expect(
      await errorOf(
        await token({
          body: new URLSearchParams([
            ['grant_type', 'a'],
            ['grant_type', 'b'],
          ]),
        }),
      ),
    ).toEqual([400, 'invalid_request'])
    expect(await errorOf(await token({ body: new URLSearchParams({ grant_type: '' }) }))).toEqual([
      400,
      'invalid_request',
    ])
    expect(await errorOf(await token({ body: new URLSearchParams({ grant_type: 'password' }) }))).toEqual([
      400,
      'unsupported_grant_type',
    ])
    const get = await fetch(`${one.url}/oauth/token`)
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST'])
    const origin = 'http://localhost:6274'
    const preflight = await fetch(`${one.url}/oauth/token`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST' },
    })
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, origin])
  })

  test('a client that is not known: 401 invalid_client, with a challenge only in the scheme it tried', async () => {
    const journey = await begin(one.url)
    const code = (await toClient(one.url, journey, 'google')).get('code') ?? ''
    const plain = await token({ body: new URLSearchParams({ ...codeForm(journey, code), client_secret: 'x' }) })
    expect(plain.headers.get('www-authenticate')).toBeNull()
    expect(await errorOf(plain)).toEqual([401, 'invalid_client'])
    const basic = await token({
      headers: { authorization: `Basic ${Buffer.from('somebody:wrong').toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    })
    expect(basic.headers.get('www-authenticate')).toBe('Basic realm="oauth"')
    expect(await errorOf(basic)).toEqual([401, 'invalid_client'])
  })

  test('every cause of invalid_grant looks the same from outside', async () => {
    const journey = await begin(one.url)
    const code = (await toClient(one.url, journey, 'google')).get('code') ?? ''
    const form = codeForm(journey, code)
    const bodies = await Promise.all(
      [
        { code: `${code}x` },
        { code_verifier: 'x'.repeat(43) },
        { redirect_uri: `${CALLBACK}x` },
        { client_id: 'other' },
      ].map(async (change) => (await post(`${one.url}/oauth/token`, { ...form, ...change })).body),
    )
    expect(new Set(bodies.map((body) => JSON.stringify(body))).size).toBe(1)
    expect(bodies[0]).toMatchObject({ error: 'invalid_grant' })
  })
})

describe('revocation (RFC 7009)', () => {
  const revoke = async (server: string, parameters: Record<string, string>) =>
    await post(`${server}/oauth/revoke`, parameters)

  test('D22: an access token is refused on every replica, and taken back where the provider can', async () => {
    const { tokens } = await signIn(one.url, 'github')
    expect((await whoami(other(), tokens.access_token)).status).toBe(200)
    expect((await revoke(one.url, { token: tokens.access_token })).status).toBe(200)
    expect(fake.hits('github/delete')).toBeGreaterThan(0)
    const ended = async (): Promise<boolean> => (await whoami(other(), tokens.access_token)).status === 401
    await until(ended)
  })

  test('D22: an ID token that no provider can take back is refused all the same', async () => {
    const { tokens } = await signIn(one.url, 'company')
    expect((await whoami(other(), tokens.access_token)).status).toBe(200)
    expect((await revoke(other(), { token: tokens.access_token, token_type_hint: 'refresh_token' })).status).toBe(200)
    expect((await whoami(other(), tokens.access_token)).status).toBe(401)
    await until(async () => (await whoami(one.url, tokens.access_token)).status === 401)
  })

  test('a refresh token ends its sign-in here and at the provider, for its own client only', async () => {
    const { journey, tokens } = await signIn(one.url, 'company')
    const { refresh_token = '' } = tokens
    const stranger = await revoke(one.url, { token: refresh_token, client_id: 'somebody-else' })
    expect([stranger.status, stranger.body['error']]).toEqual([400, 'invalid_grant'])
    expect((await revoke(one.url, { token: refresh_token })).status).toBe(400)
    const before = company.signIn.revoked.length
    expect((await revoke(one.url, { token: refresh_token, client_id: journey.client_id })).status).toBe(200)
    expect(company.signIn.revoked.length).toBe(before + 1)
    const renewed = await refresh(other(), journey, refresh_token)
    expect([renewed.status, renewed.body['error']]).toEqual([400, 'invalid_grant'])
    expect((await revoke(one.url, { token: refresh_token, client_id: journey.client_id })).status).toBe(200)
  })

  test('what is no token is nothing to revoke; no token at all is an error', async () => {
    expect((await revoke(one.url, { token: 'gho_unknown' })).status).toBe(200)
    expect((await revoke(one.url, { token: 'x.y.z' })).status).toBe(200)
    expect((await revoke(one.url, {})).status).toBe(400)
  })

  test('with the provider away the revocation stands all the same', async () => {
    const { journey, tokens } = await signIn(one.url, 'company')
    fake.behave('company/revoke', 'error')
    const { refresh_token = '' } = tokens
    expect((await revoke(one.url, { token: refresh_token, client_id: journey.client_id })).status).toBe(200)
    fake.behave('company/revoke', 'ok')
    expect((await refresh(other(), journey, refresh_token)).body['error']).toBe('invalid_grant')
  })
})

test('D28: with the provider down a refresh is 503 with Retry-After, never invalid_grant', async () => {
  const { journey, tokens } = await signIn(one.url, 'google')
  fake.behave('google/token', 'limited')
  const answer = await refresh(one.url, journey, tokens.refresh_token)
  fake.behave('google/token', 'ok')
  expect([answer.status, answer.body['error'], answer.headers.has('retry-after')]).toEqual([
    503,
    'temporarily_unavailable',
    true,
  ])
  expect((await refresh(other(), journey, tokens.refresh_token)).status).toBe(200)
})

test('no code, token, verifier or secret of all this stands in any log', async () => {
  const { journey, tokens } = await signIn(one.url, 'auth0')
  const journeyed = await begin(one.url)
  const code = (await toClient(one.url, journeyed, 'company')).get('code') ?? ''
  await post(`${one.url}/oauth/token`, { ...codeForm(journeyed, code), code_verifier: 'y'.repeat(43) })
  const log = [...one.lines, ...two.lines].join('')
  expect(log).toContain('grant_invalid')
  const secrets = [
    tokens.access_token.split('.')[2] ?? '',
    tokens.refresh_token ?? '',
    journey.verifier,
    code,
    'y'.repeat(43),
    LOGIN_SECRET,
    GITHUB_CLIENT.clientSecret,
    ...fake.questions.flatMap(({ body }) => new URLSearchParams(body).get('code') ?? []),
    ...company.signIn.alive(),
  ].filter((secret) => secret.length > 20)
  expect(secrets.length).toBeGreaterThan(10)
  for (const secret of secrets) expect(log.includes(secret)).toBe(false)
})
