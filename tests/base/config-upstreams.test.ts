import { expect, test } from 'vitest'
import { ConfigError } from '#base/config.ts'
import { loadConfig } from '#base/config-load.ts'
import { tenantUrl } from '#base/upstream.ts'

const problemsOf = (env: Record<string, string>): readonly string[] => {
  try {
    loadConfig(env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

test('upstreams are read by name, each with what its kind needs', () => {
  const { upstreams } = loadConfig({
    UPSTREAM_URL: 'https://api.example.com/v1/',
    UPSTREAM_AUTH: 'none',
    UPSTREAM_CRM_URL: 'https://crm.example.com',
    UPSTREAM_CRM_AUTH: 'header',
    UPSTREAM_CRM_HEADER_NAMES: 'X-A,X-B',
    UPSTREAM_CRM_HEADER_VALUES: 'one\ntwo words',
    UPSTREAM_OLD_CRM_URL: 'http://127.0.0.1:9',
    UPSTREAM_OLD_CRM_AUTH: 'login',
    UPSTREAM_OLD_CRM_CREDENTIALS: 'tenant',
    UPSTREAM_OLD_CRM_TENANT_MAY: 'url',
  })
  expect(upstreams).toMatchObject([
    { name: 'default', url: 'https://api.example.com/v1', auth: { kind: 'none' }, shared: {}, timeout: 10_000 },
    { name: 'crm', auth: { kind: 'header', names: ['X-A', 'X-B'] }, shared: { 'X-A': 'one', 'X-B': 'two words' } },
    { name: 'old_crm', auth: { kind: 'login', loginPath: '/auth/login' }, shared: null, tenantMay: 'url' },
  ])
})

const login = { UPSTREAM_URL: 'https://a.example', UPSTREAM_AUTH: 'login' }
const user = { UPSTREAM_USERNAME: 'u', UPSTREAM_PASSWORD: 'the-secret-password' }
const client = {
  UPSTREAM_URL: 'https://a.example',
  UPSTREAM_AUTH: 'client_credentials',
  UPSTREAM_CLIENT_ID: 'c',
  UPSTREAM_CLIENT_SECRET: 'the-secret-secret',
}
const header = { UPSTREAM_URL: 'https://a.example', UPSTREAM_AUTH: 'header' }

test.each([
  ['UPSTREAM_URL', { UPSTREAM_AUTH: 'none' }],
  ['UPSTREAM_AUTH', { UPSTREAM_URL: 'https://a.example' }],
  ['UPSTREAM_AUTH', { UPSTREAM_URL: 'https://a.example', UPSTREAM_AUTH: 'oauth' }],
  ['UPSTREAM_URL', { UPSTREAM_URL: 'api.example.com', UPSTREAM_AUTH: 'none' }],
  ['UPSTREAM_URL', { UPSTREAM_URL: 'https://a.example/?x=1', UPSTREAM_AUTH: 'none' }],
  ['UPSTREAM_URL', { UPSTREAM_URL: 'https://u:p@a.example', UPSTREAM_AUTH: 'none' }],
  ['UPSTREAM_URL', { UPSTREAM_URL: 'http://a.example', UPSTREAM_AUTH: 'none' }],
  ['UPSTREAM_URL', { UPSTREAM_URL: 'http://127.0.0.1', UPSTREAM_AUTH: 'none', EGRESS_ALLOW_PRIVATE: 'false' }],
  ['UPSTREAM_PASSWORD', { ...login, UPSTREAM_USERNAME: 'u' }],
  ['UPSTREAM_PASSWORD', { ...login, ...user, UPSTREAM_PASSWORD: 'the-secret\u0007password' }],
  ['UPSTREAM_PASSWORD', { ...login, UPSTREAM_CREDENTIALS: 'tenant', UPSTREAM_PASSWORD: 'the-secret-password' }],
  ['UPSTREAM_TOKEN_URL', { ...login, ...user, UPSTREAM_TOKEN_URL: 'https://a.example' }],
  ['UPSTREAM_LOGIN_PATH', { ...login, ...user, UPSTREAM_LOGIN_PATH: '/../login' }],
  ['UPSTREAM_LOGIN_PATH', { ...login, ...user, UPSTREAM_LOGIN_PATH: '//evil.example' }],
  ['UPSTREAM_LOGIN_FIELDS', { ...login, ...user, UPSTREAM_LOGIN_FIELDS: 'email,password' }],
  ['UPSTREAM_LOGIN_FIELDS', { ...login, ...user, UPSTREAM_LOGIN_FIELDS: 'a,b,__proto__.c,d,e' }],
  ['UPSTREAM_TOKEN_URL', client],
  ['UPSTREAM_TOKEN_URL', { ...client, UPSTREAM_TOKEN_URL: 'http://a.example/token' }],
  ['UPSTREAM_CLIENT_AUTH', { ...client, UPSTREAM_TOKEN_URL: 'https://a.example/token', UPSTREAM_CLIENT_AUTH: 'jwt' }],
  ['UPSTREAM_HEADER_VALUES', header],
  ['UPSTREAM_HEADER_VALUES', { ...header, UPSTREAM_HEADER_VALUES: 'the-secret-one\nthe-secret-two' }],
  ['UPSTREAM_HEADER_VALUES', { ...header, UPSTREAM_HEADER_VALUES: 'the-secret-ü' }],
  ['UPSTREAM_HEADER_NAMES', { ...header, UPSTREAM_HEADER_VALUES: 'x', UPSTREAM_HEADER_NAMES: 'Host' }],
  ['UPSTREAM_TIMEOUT', { UPSTREAM_URL: 'https://a.example', UPSTREAM_AUTH: 'none', UPSTREAM_TIMEOUT: '0' }],
  ['UPSTREAM_CRM_URL', { UPSTREAM_CRM_PASSWORD: 'the-secret-password' }],
  ['UPSTREAM_DEFAULT_URL', { UPSTREAM_DEFAULT_URL: 'https://a.example', UPSTREAM_DEFAULT_AUTH: 'none' }],
])('a mistake is told by its variable, %s, without any secret: %j', (variable, env: Record<string, string>) => {
  const problems = problemsOf(env)
  expect(problems.some((problem) => problem.startsWith(`${variable}: `))).toBe(true)
  expect(problems.join()).not.toContain('the-secret')
})

test('D30: a URL that a tenant may choose is https, port 443, a DNS name, without user, query or odd path', () => {
  expect(tenantUrl('https://CRM.acme.example/v2/')).toBe('https://crm.acme.example/v2')
  for (const url of [
    'http://crm.acme.example',
    'https://crm.acme.example:8443',
    'https://10.0.0.1',
    'https://[::1]',
    'https://localhost',
    'https://u@crm.acme.example',
    'https://crm.acme.example/?a',
    'https://crm.acme.example/%2e%2e',
    'https://crm.acme.example#x',
    'crm.acme.example',
  ])
    expect([url, tenantUrl(url)]).toEqual([url, null])
})
