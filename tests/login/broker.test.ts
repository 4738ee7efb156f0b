import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { GITHUB_CLIENT, LOGIN_SECRET, people, startFakeProvider, type FakeProvider } from '../support/fake-provider.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
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
