import { afterAll, beforeAll, expect, test } from 'vitest'
import { ConfigError, type ProvidersConfig } from '#base/config.ts'
import { createGuardedFetch } from '#base/fetch.ts'
import { createLog } from '#base/log.ts'
import { createProviders, type ProviderOptions } from '#providers/index.ts'
import { people } from '../support/fake-provider.ts'
import { configs, MCP_URL, NO_PROVIDERS, openGate, testClock, type Gate } from './support.ts'

let gate: Gate
beforeAll(async () => void (gate = await openGate()))
afterAll(async () => await gate.close())

function list(providers: Partial<ProvidersConfig>, options: Partial<ProviderOptions> & { production?: boolean } = {}) {
  const { production = false, ...rest } = options
  return createProviders({
    config: { providers: { ...NO_PROVIDERS, ...providers }, production },
    mcpUrl: MCP_URL,
    keyLookup: async () => null,
    fetch: gate.fetch,
    clock: testClock(),
    log: createLog('silent'),
    ...rest,
  })
}

/** The problems for which the boot stops; none when it does not. */
function problems(make: () => unknown): readonly string[] {
  try {
    make()
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

test('without configuration only API keys are known', () => {
  expect(list({}).map(({ id }) => id)).toEqual(['api-key'])
})

test('every configured provider is listed once, under its own id', () => {
  const all: ProvidersConfig = {
    google: configs.google,
    auth0: configs.auth0,
    github: configs.github,
    oidc: [configs.oidc('https://idp.acme.test'), { ...configs.oidc('https://idp.globex.test'), id: 'globex' }],
    sharedSecret: configs.sharedSecret,
    staticKey: configs.staticKey,
  }
  expect(list(all).map(({ id }) => id)).toEqual([
    'google',
    'auth0',
    'github',
    'oidc',
    'globex',
    'shared-secret',
    'api-key',
    'static-key',
  ])
  expect(list(all).map(({ authorization_server }) => authorization_server)).toEqual([
    'https://accounts.google.com',
    'https://acme.eu.auth0.com/',
    'https://github.com/login/oauth',
    'https://idp.acme.test',
    'https://idp.globex.test',
    null,
    null,
    null,
  ])
})

const oidc = configs.oidc('https://idp.acme.test')
test.each<[string, Partial<ProvidersConfig>, RegExp]>([
  ['google without a client id', { google: { ...configs.google, clientIds: [] } }, /GOOGLE_CLIENT_ID/],
  ['auth0 without an audience', { auth0: { ...configs.auth0, audience: [], login: null } }, /AUTH0_AUDIENCE/],
  ['an issuer without an audience', { oidc: [{ ...oidc, audience: [], login: null }] }, /audience/],
  [
    'an issuer whose access tokens have no audience',
    { oidc: [{ ...oidc, audience: [], tokenUse: 'access_token' }] },
    /audience/,
  ],
  ['J4: HS256 on published keys', { oidc: [{ ...oidc, algorithms: ['RS256', 'HS256'] }] }, /HS256/],
  ['J4: none', { oidc: [{ ...oidc, algorithms: ['none'] }] }, /none/],
  ['no algorithm', { oidc: [{ ...oidc, algorithms: [] }] }, /algorithm/],
  ['an issuer that is no URL', { oidc: [configs.oidc('idp.acme.test')] }, /idp\.acme\.test/],
  ['plain http to another machine', { oidc: [configs.oidc('http://idp.acme.test')] }, /https/],
])('%s stops the boot', (_what, providers, message) => {
  expect(problems(() => list(providers)).join('\n')).toMatch(message)
})

test('plain http stops the boot in production, also on this machine', () => {
  const local = { oidc: [configs.oidc('http://127.0.0.1:9000')] }
  expect(problems(() => list(local))).toEqual([])
  expect(problems(() => list(local, { production: true })).join('\n')).toMatch(/https in production/)
})

test('a private address stops the boot unless private addresses are allowed', () => {
  const guarded = createGuardedFetch({ allowPrivate: false })
  expect(problems(() => list({ oidc: [configs.oidc('https://10.0.0.1')] }, { fetch: guarded })).join('\n')).toMatch(
    /EGRESS_ALLOW_PRIVATE/,
  )
})

test('all problems are told at once, and no secret among them', () => {
  const told = problems(() =>
    list({
      google: { ...configs.google, clientIds: [] },
      sharedSecret: { ...configs.sharedSecret, secrets: ['hunter2'] },
      staticKey: { ...configs.staticKey, key: 'gho_secretsecretsecret' },
    }),
  )
  expect(told).toHaveLength(3)
  expect(told.join('\n')).not.toMatch(/hunter2|secretsecret/)
})

test('the development issuer is an ordinary one, beside the others', async () => {
  const issuer = gate.fake.issuer({ path: 'dev' })
  const development = { ...configs.oidc(issuer.iss), id: 'development', domains: ['acme.test', 'globex.test'] }
  const enter = gate.open({}, { extra: [development] })
  const bob = await enter(await issuer.sign({ ...people.bob, aud: MCP_URL }))
  expect(bob).toMatchObject({ provider: 'development', sub: 'bob-1', email_authority: 'live' })
})

test('warming fetches every key set once, and the state tells how it went', async () => {
  const good = gate.fake.issuer({ path: 'good' })
  gate.fake.issuer({ path: 'bad' })
  gate.fake.behave('bad/jwks', 'error')
  const [first, second] = list({
    oidc: [configs.oidc(good.iss), { ...configs.oidc(`${gate.fake.url}/bad`), id: 'bad' }],
  })
  await first!.warm!()
  await expect(second!.warm!()).rejects.toThrow('provider_unavailable')
  expect(first!.state!()).toMatchObject({ ready: true, keys: 1, last_error: null })
  expect(second!.state!()).toMatchObject({ ready: false })
  expect(second!.state!().last_error).not.toBeNull()
  expect([gate.fake.hits('good/jwks'), gate.fake.hits('bad/jwks')]).toEqual([1, 1])
})

test('each provider that asks somebody tells `token explain` how that ended, without the token', async () => {
  const told: string[] = []
  const context = {
    ip: null,
    trace: (check: string, ok: boolean, detail: string) => void told.push(`${check} ${ok} ${detail}`),
  }
  const [github] = list({ github: configs.github }, { endpoints: gate.fake.endpoints })
  await expect(github!.verify('gho_nobodys-token', context)).rejects.toThrow('token_inactive')
  expect(told.join('\n')).toMatch(/check-token.* false token_inactive/)
  expect(told.join('\n')).not.toContain('nobodys-token')
})
