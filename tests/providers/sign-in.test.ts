import { describe, expect, test } from 'vitest'
import type { OidcConfig } from '#base/config.ts'
import type { FetchInit, GuardedFetch } from '#base/fetch.ts'
import { createLog } from '#base/log.ts'
import { createAuth0 } from '#providers/auth0.ts'
import { createGithub } from '#providers/github.ts'
import { createGoogle } from '#providers/google.ts'
import { oidcLogin } from '#providers/oidc-login.ts'
import { problemsOf } from '../identity/support/problems.ts'
import { configs, MCP_URL, testClock } from './support.ts'

/** What the sign-in in front of each provider works from; that it works is tested in tests/login and tests/sign-in. */
const asked: [string, FetchInit | undefined][] = []
const fetch = {
  text: async (url: string, init?: FetchInit) => {
    asked.push([url, init])
    return { status: 204, headers: new Headers(), body: '' }
  },
} as unknown as GuardedFetch
const parts = { fetch, clock: testClock(), log: createLog('silent') }
const secret = 'a client secret'

test('Google is asked for a refresh token each time, gives its ID token, and knows no prompt=login', () => {
  const { login } = createGoogle({ ...configs.google, clientSecret: secret }, parts)
  expect(login).toEqual({
    label: 'Google',
    issuer: 'https://accounts.google.com',
    protocol: 'oidc',
    endpoints: null,
    clientId: configs.google.clientIds[0],
    clientSecret: secret,
    clientAuth: 'client_secret_post',
    scopes: ['openid', 'email', 'profile'],
    authorizationParams: { access_type: 'offline', prompt: 'consent' },
    freshParams: { prompt: 'select_account consent' },
    token: 'id_token',
  })
  expect(createGoogle(configs.google, parts).login).toBeNull()
  expect(problemsOf(() => createGoogle({ ...configs.google, clientIds: [] }, parts))).toContain(
    'at least one client id',
  )
})

test('Auth0 is asked for the audience, gives its access token, and none without an audience', () => {
  expect(createAuth0({ ...configs.auth0, login: { clientId: 'c', clientSecret: secret } }, parts).login).toEqual({
    label: 'Auth0',
    issuer: 'https://acme.eu.auth0.com/',
    protocol: 'oidc',
    endpoints: null,
    clientId: 'c',
    clientSecret: secret,
    clientAuth: 'client_secret_post',
    scopes: ['openid', 'email', 'profile', 'offline_access'],
    authorizationParams: { audience: MCP_URL },
    token: 'access_token',
  })
  expect(createAuth0({ ...configs.auth0, audience: [] }, parts).login).toBeNull()
  expect(createAuth0({ ...configs.auth0, login: null }, parts).login).toBeNull()
})

test('GitHub has no ID token and no discovery', () => {
  const { revoke, ...login } = createGithub(configs.github, parts).login ?? {}
  expect(revoke).toBeTypeOf('function')
  expect(login).toEqual({
    label: 'GitHub',
    issuer: 'https://github.com/login/oauth',
    protocol: 'oauth',
    endpoints: {
      authorization: 'https://github.com/login/oauth/authorize',
      token: 'https://github.com/login/oauth/access_token',
      revocation: null,
      jwks: null,
    },
    clientId: configs.github.clientId,
    clientSecret: configs.github.clientSecret,
    clientAuth: 'client_secret_post',
    scopes: ['read:user', 'user:email'],
    authorizationParams: {},
    freshParams: { prompt: 'select_account' },
    token: 'access_token',
  })
})

test('a GitHub token is taken back by deleting it at our app, and a refresh token cannot be', async () => {
  const { login } = createGithub(configs.github, parts)
  asked.length = 0
  expect(await login?.revoke?.('ghr_x', 'refresh_token')).toBe(false)
  expect(asked).toEqual([])
  expect(await login?.revoke?.('gho_x', 'access_token')).toBe(true)
  const { clientId, clientSecret } = configs.github
  const credentials = Buffer.from(`${clientId}:${clientSecret}`).toString('base64')
  expect(asked).toEqual([
    [
      `https://api.github.com/applications/${clientId}/token`,
      {
        method: 'DELETE',
        headers: {
          accept: 'application/vnd.github+json',
          'x-github-api-version': '2022-11-28',
          authorization: `Basic ${credentials}`,
          'content-type': 'application/json',
        },
        body: JSON.stringify({ access_token: 'gho_x' }),
        // 404: gone already.
        accept: [204, 404],
      },
    ],
  ])
})

describe('an OpenID issuer', () => {
  const issuer = 'https://idp.acme.test'
  const login = { clientId: 'c', clientSecret: secret }
  const common = {
    label: 'idp.acme.test',
    issuer,
    protocol: 'oidc',
    endpoints: null,
    ...login,
    scopes: ['openid', 'email', 'profile', 'offline_access'],
    offlineParams: { prompt: 'consent' },
  }
  const of = (more: Partial<OidcConfig> = {}, issuers = [issuer], entra = false) =>
    oidcLogin({ ...configs.oidc(issuer), login, ...more }, issuers, entra)

  test('gives its ID token, unless access tokens are wanted', () => {
    expect(of()).toEqual({ ...common, authorizationParams: {}, token: 'id_token' })
    expect(of({ tokenUse: 'id_token' })?.token).toBe('id_token')
    expect(of({ tokenUse: 'access_token' })).toEqual({
      ...common,
      authorizationParams: { audience: MCP_URL, resource: MCP_URL },
      token: 'access_token',
    })
    expect(of({ tokenUse: 'access_token', audience: ['api'] })?.authorizationParams).toEqual({ audience: 'api' })
    expect(of({ tokenUse: 'access_token', audience: [] })).toBeNull()
  })

  test('is called by its name, the only one by its host, Entra by its maker', () => {
    expect(of({ id: 'acme_corp_eu' })?.label).toBe('Acme Corp Eu')
    expect(of({}, [issuer], true)?.label).toBe('Microsoft')
    expect(of({ id: 'work' }, [issuer], true)?.label).toBe('Work')
  })

  test('that is Entra gives refresh tokens without a prompt, and no access tokens for us', () => {
    const { offlineParams: _none, ...rest } = common
    expect(of({}, [issuer], true)).toEqual({
      ...rest,
      label: 'Microsoft',
      authorizationParams: {},
      token: 'id_token',
    })
    expect(of({ tokenUse: 'access_token' }, [issuer], true)).toBeNull()
  })

  test('is no sign-in without a client of ours, or where it is known only afterwards which issuer it is', () => {
    expect(of({ login: null })).toBeNull()
    expect(of({}, [])).toBeNull()
    expect(of({}, [issuer, 'https://idp.globex.test'])).toBeNull()
  })
})
