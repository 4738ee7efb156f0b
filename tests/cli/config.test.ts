import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { settings } from '#base/settings.ts'
import { COMMANDS } from '#cli/commands.ts'
import { gatehouse } from '../support/command.ts'

const SECRET = 'Zk3vQ9xW2mT7pL5nR8sB4cJ6hF1dG0aY'

/** Every secret there is at once, each a value of its own. */
const secrets = Object.fromEntries(
  settings
    .filter(({ secret }) => secret === true)
    .map(({ name }, index) => [name, `${SECRET}${String(index).padStart(2, '0')}`]),
)
secrets['SIGNING_KEY'] = JSON.stringify({
  ...generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }),
  kid: SECRET,
})
const urls = Object.fromEntries(
  Object.keys(secrets)
    .filter((name) => name.endsWith('_URL'))
    .map((name) => [name, `postgresql://user:${secrets[name]}@db.example:5432/gatehouse?password=${secrets[name]}`]),
)
const env = {
  ...secrets,
  ...urls,
  DATABASE_URL_EU: urls['DATABASE_URL'] ?? '',
  GOOGLE_CLIENT_ID: 'g',
  AUTH0_DOMAIN: 'acme.eu.auth0.com',
  AUTH0_AUDIENCE: 'a',
  AUTH0_CLIENT_ID: 'a',
  GITHUB_CLIENT_ID: 'h',
  OIDC_ISSUER: 'https://idp.example',
  OIDC_CLIENT_ID: 'o',
  OIDC_INTROSPECTION: 'true',
  OIDC_INTROSPECTION_CLIENT_ID: 'i',
  JWT_ISSUER: 'https://app.example',
  JWT_DOMAINS: 'acme.com',
  OIDC_DOMAINS: 'acme.com',
  API_KEY_TENANT: 'acme',
  RATE_LIMIT_STORE: `redis://user:${secrets['RATE_LIMIT_STORE'] ?? ''}@cache.example:6379`,
  UPSTREAM_URL: 'https://api.example',
  UPSTREAM_AUTH: 'header',
  UPSTREAM_CLIENT_SECRET: '',
  UPSTREAM_PASSWORD: '',
  UPSTREAM_BILLING_URL: 'https://billing.example',
  UPSTREAM_BILLING_AUTH: 'client_credentials',
  UPSTREAM_BILLING_TOKEN_URL: 'https://billing.example/token',
  UPSTREAM_BILLING_CLIENT_ID: 'b',
  UPSTREAM_BILLING_CLIENT_SECRET: secrets['UPSTREAM_CLIENT_SECRET'] ?? '',
  UPSTREAM_CRM_URL: 'https://crm.example',
  UPSTREAM_CRM_AUTH: 'login',
  UPSTREAM_CRM_USERNAME: 'c',
  UPSTREAM_CRM_PASSWORD: secrets['UPSTREAM_PASSWORD'] ?? '',
  EMBEDDINGS_URL: 'https://embeddings.example/v1',
  EMBEDDINGS_MODEL: 'm',
  EMBEDDINGS_DIMENSIONS: '384',
  OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
  OTEL_EXPORTER_OTLP_HEADERS: `x-api-key=${secrets['OTEL_EXPORTER_OTLP_HEADERS'] ?? ''}`,
}

test('config print shows everything and of secrets only that they are set', async () => {
  const ran = await gatehouse({ env }, 'config print --json')
  expect(ran).toMatchObject({ exit: 0, stderr: expect.stringMatching(/^warning: API_KEY: .*\n$/) })
  expect(ran.json()).toMatchObject({
    sessionSecrets: '(set)',
    metricsToken: '(set)',
    database: {
      url: 'postgresql://db.example:5432/gatehouse',
      placements: { eu: 'postgresql://db.example:5432/gatehouse' },
    },
    providers: { google: { clientIds: ['g'], clientSecret: '(set)' }, staticKey: { key: '(set)', tenant: 'acme' } },
  })
  const text = await gatehouse({ env }, 'config print')
  expect(text.stdout).toMatch(/^providers\.github\.clientSecret +\(set\)$/m)
  for (const output of [ran.stdout, ran.stderr, text.stdout]) expect(output).not.toContain(SECRET)
})

test('a configuration that cannot be used: every problem at once on stderr, nothing on stdout, exit 78', async () => {
  const bad = { PORT: '0', CLIENT_IP_HEADER: 'x-real-ip', SESSION_SECRET: 'hunter2' }
  for (const line of [
    'config print',
    'doctor',
    'migrate',
    'serve',
    'tenant list --json',
    'dev-token alice@acme.test',
  ]) {
    const ran = await gatehouse({ env: bad }, line)
    expect(ran, line).toMatchObject({ exit: 78, stdout: '' })
    expect(ran.stderr.split('\n')).toEqual([
      'error: 3 problems in the configuration',
      '  PORT: must be a whole number from 1 to 65535, for example PORT=3000',
      '  SESSION_SECRET: must have at least 32 characters, for example SESSION_SECRET="$(openssl rand -base64 48)"',
      '  CLIENT_IP_HEADER: needs TRUST_PROXY, for example TRUST_PROXY=10.0.0.0/8: otherwise any client could name its own address',
      '',
    ])
  }
})

test.each([
  ['tenent list', "error: unknown command 'tenent'\n(Did you mean tenant?)\n"],
  ['tenant lst', "error: unknown command 'lst'\n(Did you mean list?)\n"],
  ['tenant list --jsn', "error: unknown option '--jsn'\n(Did you mean --json?)\n"],
  ['config print extra', "error: too many arguments for 'print'. Expected 0 arguments but got 1.\n"],
])('%s is a usage error that suggests', async (line, stderr) => {
  expect(await gatehouse({ env: {} }, line)).toEqual({ exit: 2, stdout: '', stderr, json: expect.any(Function) })
})

test.each(['--help', '-h', 'help', ...Object.keys(COMMANDS).flatMap((name) => [`help ${name}`, `${name} --help`])])(
  '%s goes to stdout and is done',
  async (line) => {
    expect(await gatehouse({ env: {} }, line)).toMatchObject({
      exit: 0,
      stderr: '',
      stdout: expect.stringMatching(/^Usage: gatehouse/),
    })
  },
)

test('without a command, or with half of one, the help goes to stderr and it is a usage error', async () => {
  for (const line of [[], ['tenant'], ['token']])
    expect(await gatehouse({ env: {} }, line)).toMatchObject({
      exit: 2,
      stdout: '',
      stderr: expect.stringContaining('Usage: gatehouse'),
    })
})

test('the version is that of the package', async () => {
  expect((await gatehouse({ env: {} }, '--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
})
