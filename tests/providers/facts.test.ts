import { afterAll, beforeAll, expect, test } from 'vitest'
import { FetchFailed, type GuardedFetch } from '#base/fetch.ts'
import { createLog } from '#base/log.ts'
import type { Provider } from '#identity/provider.ts'
import { createProviders, type ProviderOptions } from '#providers/index.ts'
import { configs, MCP_URL, openGate, outcomeOf, testClock, type Gate } from './support.ts'

let gate: Gate
beforeAll(async () => void (gate = await openGate()))
afterAll(async () => await gate.close())

/** All of them, with or without scopes of ours. */
function everyone(carriesScopes: boolean, options: Partial<ProviderOptions> = {}): readonly Provider[] {
  return createProviders({
    config: {
      production: false,
      providers: {
        google: { ...configs.google, carriesScopes },
        auth0: { ...configs.auth0, carriesScopes },
        github: configs.github,
        oidc: [{ ...configs.oidc('https://idp.acme.test'), carriesScopes }],
        sharedSecret: { ...configs.sharedSecret, carriesScopes },
        staticKey: configs.staticKey,
      },
    },
    mcpUrl: MCP_URL,
    keyLookup: async () => null,
    fetch: gate.fetch,
    clock: testClock(),
    log: createLog('silent'),
    ...options,
  })
}

test('each provider says which scopes a client should ask it for', () => {
  expect(Object.fromEntries(everyone(false).map(({ id, challenge_scopes }) => [id, challenge_scopes]))).toEqual({
    google: ['openid', 'email', 'profile'],
    auth0: ['openid', 'profile', 'email'],
    github: ['read:user', 'user:email'],
    oidc: ['openid', 'profile', 'email'],
    'shared-secret': [],
    'api-key': [],
    'static-key': [],
  })
})

test('our own scopes are granted only by issuers that are said to carry them', () => {
  const granting = (carriesScopes: boolean): readonly string[] =>
    everyone(carriesScopes)
      .filter(({ grants_scopes }) => grants_scopes)
      .map(({ id }) => id)
  expect(granting(false)).toEqual([])
  expect(granting(true)).toEqual(['google', 'auth0', 'oidc', 'shared-secret'])
})

test('tokens are recognised by issuer and prefix, and an issuer without introspection takes no opaque ones', () => {
  const shapes = everyone(false).flatMap(({ tokens }) => tokens.filter((shape) => !('exact' in shape)))
  expect(shapes).toEqual([
    { iss: ['https://accounts.google.com', 'accounts.google.com'] },
    { prefix: ['ya29.'] },
    { iss: ['https://acme.eu.auth0.com/'] },
    { prefix: ['gho_', 'ghu_', 'ghs_', 'ghr_', 'ghp_', 'github_pat_'] },
    { iss: ['https://idp.acme.test'] },
    { iss: ['https://portal.acme.test'] },
    { prefix: ['gh_key_'] },
  ])
})

test('each of the big three is asked at its own addresses, by the method it wants', async () => {
  const asked: string[] = []
  const fetch: GuardedFetch = {
    ...gate.fetch,
    async json(url, init) {
      asked.push(`${init?.method ?? 'GET'} ${String(url)}`)
      throw new FetchFailed('network', new URL(url))
    },
  }
  const [google, auth0, github] = everyone(false, { fetch })
  const unavailable = 'provider_unavailable 503, retry after 10'
  expect(await outcomeOf(google!.verify('ya29.token', { ip: null }))).toBe(unavailable)
  expect(await outcomeOf(github!.verify('gho_token', { ip: null }))).toBe(unavailable)
  for (const provider of [google, auth0]) await expect(provider!.warm!()).rejects.toThrow('provider_unavailable')
  expect(asked).toEqual([
    'POST https://oauth2.googleapis.com/tokeninfo',
    'POST https://api.github.com/applications/Iv1.gatehouse/token',
    'GET https://www.googleapis.com/oauth2/v3/certs',
    'GET https://acme.eu.auth0.com/.well-known/jwks.json',
  ])
  expect([google, auth0].map((provider) => provider!.state!().ready)).toEqual([false, false])
})

test('keys of Google and Auth0 can be fetched before anybody comes', async () => {
  const [google, auth0] = everyone(false, { endpoints: gate.fake.endpoints })
  await google!.warm!()
  await auth0!.warm!()
  expect(google!.state!()).toMatchObject({ ready: true, keys: 1 })
  expect(auth0!.state!()).toMatchObject({ ready: true, keys: 1 })
})

test('an issuer of several tenants is as ready as the worst of them, and names no authorization server of its own', async () => {
  const [acme, globex] = ['11111111-2222-4333-8444-555555555555', '66666666-7777-4888-8999-000000000000']
  for (const tid of [acme, globex]) gate.fake.issuer({ path: `worst/${tid}/v2.0` })
  gate.fake.behave(`worst/${globex}/v2.0/jwks`, 'error')
  const config = { ...configs.oidc(`${gate.fake.url}/worst/common/v2.0`), tenantIds: [acme, globex] }
  const [provider] = everyone(false, { extra: [config] }).filter(({ tokens }) =>
    JSON.stringify(tokens).includes('worst'),
  )
  expect(provider!.authorization_server).toBeNull()
  await expect(provider!.warm!()).rejects.toThrow('provider_unavailable')
  expect(provider!.state!()).toMatchObject({ ready: false })
})
