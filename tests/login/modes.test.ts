import { afterEach, expect, test } from 'vitest'
import { ConfigError } from '#base/config.ts'
import { GITHUB_CLIENT, LOGIN_SECRET, startFakeProvider } from '../support/fake-provider.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'

/** LOGIN: who signs people in. Decided by the configuration alone; no provider is asked anything at boot that could change it. */

const running: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of running.splice(0).toReversed()) await stop()
})

async function start(env: Readonly<Record<string, string>>): Promise<RunningGatehouse> {
  const server = await startGatehouse({ kind: 'postgres', env })
  running.push(server.close)
  return server
}

async function seen({ url }: RunningGatehouse) {
  const status = async (path: string, method = 'GET'): Promise<number> =>
    (await fetch(`${url}${path}`, { method, redirect: 'manual' })).status
  const resource = await fetch(`${url}/.well-known/oauth-protected-resource`)
  const { authorization_servers } = (await resource.json()) as { authorization_servers?: string[] }
  return {
    servers: authorization_servers,
    challenge: (await fetch(`${url}/mcp`, { method: 'POST' })).headers.get('www-authenticate') ?? '',
    metadata: await status('/.well-known/oauth-authorization-server'),
    authorize: await status('/oauth/authorize'),
    callback: await status('/oauth/callback/google'),
    register: await status('/oauth/register', 'POST'),
    jwks: await status('/oauth/jwks.json'),
    token: await status('/oauth/token', 'POST'),
    revoke: await status('/oauth/revoke', 'POST'),
  }
}

const SERVICES_ONLY = {
  metadata: 404,
  authorize: 404,
  callback: 404,
  register: 404,
  jwks: 200,
  token: 400,
  revoke: 400,
}
const GOOGLE = { GOOGLE_CLIENT_ID: '1234-gatehouse.apps.googleusercontent.com' }
const GITHUB = { GITHUB_CLIENT_ID: GITHUB_CLIENT.clientId, GITHUB_CLIENT_SECRET: GITHUB_CLIENT.clientSecret }

test('development: clients go to the development sign-in itself, as without any of this', async () => {
  const server = await start({})
  const { challenge, ...rest } = await seen(server)
  expect(rest).toEqual({ servers: [`${server.url}/dev`], ...SERVICES_ONLY })
  expect(challenge).toContain('scope="openid profile email"')
})

test('a provider without what sign-in needs: direct, and LOGIN=broker stops the boot', async () => {
  const { challenge, ...rest } = await seen(await start(GOOGLE))
  expect(rest).toEqual({ servers: ['https://accounts.google.com'], ...SERVICES_ONLY })
  expect(challenge).toContain('scope="openid email profile"')
  const broken = start({ ...GOOGLE, LOGIN: 'broker' })
  await expect(broken).rejects.toThrow(ConfigError)
  await expect(broken.catch((error: ConfigError) => error.problems)).resolves.toEqual([
    expect.stringMatching(/^LOGIN: /),
  ])
})

test('a provider with it: broker; those that cannot be brokered stay beside us', async () => {
  const { challenge, ...rest } = await seen(await start({ ...GITHUB, ...GOOGLE }))
  expect(rest).toMatchObject({ metadata: 200, authorize: 400, callback: 400, register: 400, jwks: 200, token: 400 })
  expect(rest.servers).toEqual([expect.stringContaining('http://127.0.0.1:'), 'https://accounts.google.com'])
  expect(challenge).toContain('scope="openid email profile"')
})

test('LOGIN=direct turns the sign-in off and keeps service accounts and revocation', async () => {
  const { challenge, ...rest } = await seen(await start({ ...GITHUB, LOGIN: 'direct' }))
  expect(rest).toEqual({ servers: ['https://github.com/login/oauth'], ...SERVICES_ONLY })
  expect(challenge).toContain('scope="read:user user:email"')
})

test('an issuer that is down at boot changes nothing about who signs people in', async () => {
  const fake = await startFakeProvider()
  running.push(fake.close)
  const company = fake.company({ path: 'company' })
  fake.behave('company/discovery', 'error')
  const server = await start({
    OIDC_ISSUER: company.iss,
    OIDC_CLIENT_ID: 'gatehouse-client',
    OIDC_CLIENT_SECRET: LOGIN_SECRET,
    LOGIN: 'auto',
  })
  expect(await seen(server)).toMatchObject({ servers: [server.url], metadata: 200, authorize: 400 })
})
