import { generateKeyPairSync } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { ConfigError } from '#base/config.ts'
import { loadConfig } from '#base/config-load.ts'
import { gatehouse } from '../support/command.ts'

const folder = mkdtempSync(join(tmpdir(), 'mistakes-'))
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
const at = (name: string): string => join(folder, name)

/** Never to be seen: stands in every secret of the table below. */
const HIDDEN = 'hunter2'
const STRONG = `${HIDDEN}-Zk3vQ9xW2mT7pL5nR8sB4cJ6hF1dG0aY`

type Environment = Readonly<Record<string, string>>

/** A good production configuration; the database is never reached, because each mistake ends the start before. */
const PRODUCTION: Environment = {
  NODE_ENV: 'production',
  PUBLIC_URL: 'https://mcp.example.com',
  HOST: '127.0.0.1',
  PORT: '3000',
  DATABASE_URL: `postgres://gatehouse:${STRONG}@127.0.0.1:1/gatehouse`,
  SESSION_SECRET: STRONG,
  GOOGLE_CLIENT_ID: '1234-abc.apps.googleusercontent.com',
  OPERATORS: 'google:ops@example.com',
  DATA_DIR: at('data'),
}
const DEVELOPMENT: Environment = { DATA_DIR: at('data'), SESSION_SECRET: STRONG }

const file = (name: string, text: string, mode = 0o600): string => {
  writeFileSync(at(name), text)
  chmodSync(at(name), mode)
  return at(name)
}
const tools = (name: string, mode: number, text: string): string => {
  mkdirSync(at(name))
  writeFileSync(join(at(name), 'greet.js'), text)
  chmodSync(join(at(name), 'greet.js'), mode)
  chmodSync(at(name), 0o555)
  return at(name)
}
const rsa = String(
  generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
)

/** One mistake: the variable that is named, what is set (undefined takes away), and the words that say what is wrong. */
type Mistake = readonly [name: string, change: Readonly<Record<string, string | undefined>>, says: RegExp]

/** The package that runs it is not installed here, so a folder that is right is a mistake as well. */
const model = (...files: readonly string[]): string => {
  const models = at(`models-${files.length}`)
  mkdirSync(join(models, 'org', 'tiny', 'onnx'), { recursive: true })
  for (const name of files) writeFileSync(join(models, 'org', 'tiny', name), '{}')
  return models
}
const LOCAL = { EMBEDDINGS_MODEL: 'org/tiny', EMBEDDINGS_DIMENSIONS: '384' }
const FILES = ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'onnx/model.onnx']

const IN_PRODUCTION: readonly Mistake[] = [
  ['PUBLIC_URL', { PUBLIC_URL: undefined }, /needed in production/],
  ['PUBLIC_URL', { PUBLIC_URL: 'https://mcp.example.com/mcp' }, /origin without path/],
  ['PUBLIC_URL', { PUBLIC_URL: 'http://mcp.example.com' }, /must be https/],
  ['PUBLIC_URL', { PUBLIC_URL: 'mcp.example.com' }, /origin/],
  ['PUBLIC_URL', { PUBLIC_URL: 'https://user:pass@mcp.example.com' }, /without path, query or user/],
  ['PUBLIC_URL', { PUBLIC_URL: 'https://mcp.example.com?x=1' }, /without path, query or user/],
  ['SESSION_SECRET', { SESSION_SECRET: undefined }, /needed in production/],
  ['SESSION_SECRET', { SESSION_SECRET: HIDDEN }, /at least 32 characters/],
  ['SESSION_SECRET', { SESSION_SECRET: `${STRONG},${HIDDEN}` }, /at least 32 characters \(entry 2\)/],
  ['SESSION_SECRET', { SESSION_SECRET: ',,' }, /nothing but commas/],
  ['SESSION_SECRET', { SESSION_SECRET: undefined, SESION_SECRET: STRONG }, /SESION_SECRET is set, and nothing reads/],
  ['SESSION_SECRET', { SESSION_SECRET: undefined, session_secret: STRONG }, /session_secret is set, and nothing reads/],
  ['SESSION_SECRET', { SESSION_SECRET_FILE: at('secret') }, /either SESSION_SECRET or SESSION_SECRET_FILE, not both/],
  [
    'SESSION_SECRET',
    { SESSION_SECRET: undefined, SESSION_SECRET_FILE: at('is-not-there') },
    /the file of SESSION_SECRET_FILE cannot be read/,
  ],
  ['SESSION_SECRET', { SESSION_SECRET: undefined, SESSION_SECRET_FILE: STRONG }, /cannot be read/],
  ['SESSION_SECRET', { SESSION_SECRET: undefined, SESSION_SECRET_FILE: file('empty', ' \n') }, /is empty/],
  ['DATABASE_URL', { DATABASE_URL: undefined }, /needed in production/],
  ['DATABASE_URL', { DATABASE_URL: `mysql://root:${STRONG}@db/x` }, /must be a postgresql:\/\/ URL/],
  ['DATABASE_URL', { DATABASE_URL: `gatehouse:${STRONG}@db:5432` }, /must be a postgresql:\/\/ URL/],
  ['DATABASE_URL', { DATABASE_URL: undefined, DATABASE_UTL: 'postgres://a/b' }, /DATABASE_UTL is set, and nothing/],
  ['DATABASE_ADMIN_URL', { DATABASE_ADMIN_URL: `http://admin:${STRONG}@db` }, /must be a postgresql:\/\/ URL/],
  ['DATABASE_DIRECT_URL', { DATABASE_DIRECT_URL: 'db.internal:5432' }, /must be a postgresql:\/\/ URL/],
  ['DATABASE_URL_EU', { DATABASE_URL_EU: `mysql://${STRONG}@eu/x` }, /must be a postgresql:\/\/ URL/],
  ['DATABASE_URL_DEFAULT', { DATABASE_URL_DEFAULT: 'postgres://eu/x' }, /the placement default is DATABASE_URL itself/],
  ['DATABASE_APP_PASSWORD', { DATABASE_APP_PASSWORD: HIDDEN }, /at least 16 characters/],
  ['DATABASE_APP_PASSWORD', { DATABASE_APP_PASSWORD: STRONG, DATABASE_APP_ROLE: 'off' }, /of no use/],
  ['DATABASE_SLUG_PREFIX', { DATABASE_SLUG_PREFIX: 'Staging-' }, /at most 14 of a-z/],
  ['DATABASE_POOL_MAX', { DATABASE_POOL_MAX: '0' }, /whole number from 2 to 1000/],
  ['DATABASE_POOL_MAX', { DATABASE_POOL_MAX: 'ten' }, /whole number/],
  ['GOOGLE_CLIENT_ID', { GOOGLE_CLIENT_ID: undefined }, /no provider is configured/],
  ['GOOGLE_CLIENT_ID', { GOOGLE_CLIENT_ID: ', ,' }, /nothing but commas/],
  ['GITHUB_CLIENT_SECRET', { GITHUB_CLIENT_ID: 'Iv1.0123456789abcdef' }, /needed by GITHUB_CLIENT_ID/],
  ['AUTH0_AUDIENCE', { AUTH0_DOMAIN: 'acme.eu.auth0.com' }, /needed by AUTH0_DOMAIN/],
  ['AUTH0_DOMAIN', { AUTH0_DOMAIN: 'https://acme.eu.auth0.com/', AUTH0_AUDIENCE: 'x' }, /must be a host name/],
  ['OIDC_ISSUER', { OIDC_AUDIENCE: 'x' }, /needed by the other OIDC_ variables/],
  ['OIDC_ISSUER', { OIDC_ISSUER: 'http://idp.example.com', OIDC_AUDIENCE: 'x' }, /must be an https URL/],
  ['OIDC_AUDIENCE', { OIDC_ISSUER: 'https://idp.example.com' }, /a token meant for any other service/],
  [
    'OIDC_ISSUER',
    { OIDC_ISSUER: 'https://accounts.google.com', OIDC_AUDIENCE: 'x', OIDC_DOMAINS: 'acme.com' },
    /the issuer that GOOGLE_CLIENT_ID stands for/,
  ],
  [
    'OIDC_CORP_ISSUER',
    {
      AUTH0_DOMAIN: 'acme.eu.auth0.com',
      AUTH0_AUDIENCE: 'x',
      OIDC_CORP_ISSUER: 'https://acme.eu.auth0.com/',
      OIDC_CORP_AUDIENCE: 'x',
    },
    /the issuer that AUTH0_DOMAIN stands for/,
  ],
  [
    'OIDC_B_ISSUER',
    {
      OIDC_A_ISSUER: 'https://idp.example.com',
      OIDC_A_AUDIENCE: 'x',
      OIDC_A_DOMAINS: 'acme.com',
      OIDC_B_ISSUER: 'https://idp.example.com',
      OIDC_B_AUDIENCE: 'y',
      OIDC_B_DOMAINS: 'globex.com',
    },
    /configured twice/,
  ],
  [
    'OIDC_B_DOMAINS',
    {
      OIDC_A_ISSUER: 'https://a.example.com',
      OIDC_A_AUDIENCE: 'x',
      OIDC_A_DOMAINS: 'acme.com',
      OIDC_B_ISSUER: 'https://b.example.com',
      OIDC_B_AUDIENCE: 'y',
    },
    /needed with more than one issuer/,
  ],
  ['OIDC_DOMAINS', { OIDC_ISSUER: 'https://i.example', OIDC_AUDIENCE: 'x', OIDC_DOMAINS: 'gmail.com' }, /anybody can/],
  ['OIDC_ALGORITHMS', { OIDC_ISSUER: 'https://i.example', OIDC_AUDIENCE: 'x', OIDC_ALGORITHMS: 'HS256' }, /must be of/],
  [
    'OIDC_TENANT_IDS',
    { OIDC_ISSUER: 'https://login.microsoftonline.com/common/v2.0', OIDC_AUDIENCE: 'x' },
    /lets every Entra tenant in/,
  ],
  ['OIDC_INTROSPECTION', { OIDC_ISSUER: 'https://i.example', OIDC_AUDIENCE: 'x', OIDC_INTROSPECTION: 'true' }, /needs/],
  ['JWT_SECRET_KEY', { JWT_SECRET_KEY: HIDDEN, JWT_ISSUER: 'https://us.example' }, /at least 32 bytes/],
  ['JWT_ISSUER', { JWT_SECRET_KEY: STRONG }, /needed by JWT_SECRET_KEY/],
  ['API_KEY', { API_KEY: HIDDEN, API_KEY_TENANT: 'acme' }, /at least 32 characters in production/],
  ['API_KEY', { API_KEY: `gh_key_${STRONG}`, API_KEY_TENANT: 'acme' }, /another provider's token/],
  ['API_KEY_TENANT', { API_KEY: STRONG }, /needed by API_KEY/],
  ['API_KEY_TENANT', { API_KEY: STRONG, API_KEY_TENANT: 'Acme Ltd' }, /must be a slug/],
  ['API_KEY_ROLE', { API_KEY: STRONG, API_KEY_TENANT: 'acme', API_KEY_ROLE: 'owner' }, /must be one of viewer/],
  ['SIGNING_KEY', { SIGNING_KEY: `-----BEGIN ${HIDDEN}-----` }, /must be an Ed25519 private key/],
  ['SIGNING_KEY', { SIGNING_KEY: rsa }, /must be an Ed25519 private key/],
  ['METRICS_TOKEN', { METRICS_TOKEN: HIDDEN }, /at least 16 characters/],
  ['OPERATORS', { OPERATORS: 'ops@example.com' }, /an address alone names nobody/],
  ['OPERATORS', { OPERATORS: 'somebody' }, /iss\|sub or provider:email/],
  ['TRUST_PROXY', { TRUST_PROXY: '1' }, /must be networks/],
  ['TRUST_PROXY', { TRUST_PROXY: '10.0.0.0/33' }, /must be networks/],
  ['TRUST_PROXY', { TRUST_PROXY: 'true' }, /must be networks/],
  ['CLIENT_IP_HEADER', { CLIENT_IP_HEADER: 'fly-client-ip' }, /needs TRUST_PROXY/],
  ['CLIENT_IP_HEADER', { CLIENT_IP_HEADER: 'X Real IP', TRUST_PROXY: '10.0.0.0/8' }, /the name of a header/],
  ['ALLOWED_HOSTS', { ALLOWED_HOSTS: 'https://healthcheck.railway.app' }, /must be host names/],
  ['CORS_ORIGINS', { CORS_ORIGINS: 'app.example.com' }, /origins/],
  ['DNS_SERVERS', { DNS_SERVERS: 'dns.example.com' }, /must be IP addresses/],
  ['LOGIN', { LOGIN: 'brokered' }, /must be one of auto, broker, direct/],
  [
    'LOGIN',
    { LOGIN: 'broker', GOOGLE_CLIENT_ID: undefined, API_KEY: STRONG, API_KEY_TENANT: 'acme' },
    /broker needs a provider to sign in with/,
  ],
  ['LOGIN_REDIRECT_SCHEMES', { LOGIN_REDIRECT_SCHEMES: 'javascript' }, /own schemes/],
  ['LOGIN_ALLOWED_CLIENTS', { LOGIN_ALLOWED_CLIENTS: 'http://client.example' }, /https URLs/],
  ['LOGIN_BLOCKED_HOSTS', { LOGIN_BLOCKED_HOSTS: 'https://evil.example.com' }, /must be host names/],
  ['REQUIRED_SCOPES', { REQUIRED_SCOPES: 'projects:read "x"' }, /must be scopes/],
  ['RATE_LIMIT_STORE', { RATE_LIMIT_STORE: 'memcached' }, /\S/],
  ['TENANT_LOGIN_CONNECTIONS', { TENANT_LOGIN_CONNECTIONS: '1' }, /whole number from 2 to 1000/],
  ['UPSTREAM_URL', { UPSTREAM_AUTH: 'none' }, /needed by the other variables of this upstream/],
  ['UPSTREAM_CRM_URL', { UPSTREAM_CRM_URL: 'http://crm.example.com', UPSTREAM_CRM_AUTH: 'none' }, /must be https/],
  ['UPSTREAM_CRM_AUTH', { UPSTREAM_CRM_URL: 'https://crm.example.com' }, /needed: one of none, header/],
  [
    'UPSTREAM_CRM_PASSWORD',
    { UPSTREAM_CRM_URL: 'https://crm.example.com', UPSTREAM_CRM_AUTH: 'login', UPSTREAM_CRM_USERNAME: 'u' },
    /needed by login/,
  ],
  [
    'UPSTREAM_CRM_PASSWORD',
    { UPSTREAM_CRM_URL: 'https://crm.example.com', UPSTREAM_CRM_AUTH: 'none', UPSTREAM_CRM_PASSWORD: STRONG },
    /means nothing with UPSTREAM_CRM_AUTH=none/,
  ],
  ['TOOLS_DIR', { TOOLS_DIR: 'tools' }, /absolute path/],
  ['TOOLS_DIR', { TOOLS_DIR: at('no-such-folder') }, /there is no folder/],
  ['TOOLS_DIR', { TOOLS_DIR: tools('writable', 0o644, 'export default 1') }, /may be changed by the server's own user/],
  [
    'EMBEDDINGS_FOLDER',
    { ...LOCAL, EMBEDDINGS_FOLDER: at('m'), EMBEDDINGS_URL: 'https://e.example/v1' },
    /either EMBEDDINGS_URL or/,
  ],
  ['EMBEDDINGS_FOLDER', { ...LOCAL, EMBEDDINGS_FOLDER: at('no-models') }, /there is no folder/],
  ['EMBEDDINGS_FOLDER', { ...LOCAL, EMBEDDINGS_FOLDER: model(...FILES) }, /npm install @huggingface\/transformers/],
  ['EMBEDDINGS_MODEL', { ...LOCAL, EMBEDDINGS_FOLDER: model('config.json') }, /there is no tokenizer\.json in/],
  ['EMBEDDINGS_MODEL', { ...LOCAL, EMBEDDINGS_FOLDER: model(...FILES.slice(0, 3)) }, /there is no onnx\/model/],
  ['EMBEDDINGS_MODEL', { ...LOCAL, EMBEDDINGS_FOLDER: at('m'), EMBEDDINGS_MODEL: '../x' }, /the name of a model in/],
]

const IN_DEVELOPMENT: readonly Mistake[] = [
  ['PORT', { PORT: '70000' }, /whole number from 1 to 65535/],
  ['PORT', { PORT: '3000/tcp' }, /whole number/],
  ['LOG_LEVEL', { LOG_LEVEL: 'verbose' }, /must be one of fatal, error/],
  ['SHUTDOWN_TIMEOUT', { SHUTDOWN_TIMEOUT: '25s' }, /whole number from 1 to 600/],
  ['RATE_LIMIT', { RATE_LIMIT: 'maybe' }, /must be true or false/],
  ['RATE_LIMIT_PER_TENANT', { RATE_LIMIT_PER_TENANT: '-1' }, /whole number/],
  ['RATE_LIMIT_STORE', { RATE_LIMIT_STORE: 'postgres' }, /needs DATABASE_URL/],
  ['CONCURRENT_CALLS', { CONCURRENT_CALLS: '0' }, /whole number/],
  ['MAX_EVENT_LOOP_DELAY', { MAX_EVENT_LOOP_DELAY: 'fast' }, /whole number/],
  ['MAX_HEAP', { MAX_HEAP: '-1' }, /whole number/],
  ['USAGE_RETENTION_DAYS', { USAGE_RETENTION_DAYS: '0' }, /whole number from 1 to 3650/],
  ['AUDIT_RETENTION_DAYS', { AUDIT_RETENTION_DAYS: '1' }, /whole number from 30 to 3650/],
  ['PROVISION_LIMIT', { PROVISION_LIMIT: '1e3' }, /whole number/],
  ['TENANT_DELETE_DAYS', { TENANT_DELETE_DAYS: '365' }, /whole number from 0 to 90/],
  ['EGRESS_ALLOW_PRIVATE', { EGRESS_ALLOW_PRIVATE: 'yes' }, /must be true or false/],
  ['UNMAPPED_DOMAINS', { UNMAPPED_DOMAINS: 'accept' }, /must be one of reject, provision/],
  ['PERSONAL_TENANTS', { PERSONAL_TENANTS: 'on' }, /must be one of per-user/],
  ['TENANT_LOGIN', { TENANT_LOGIN: 'true' }, /needs DATABASE_URL/],
  ['DATABASE_ADMIN_URL', { DATABASE_ADMIN_URL: `postgres://admin:${STRONG}@db/x` }, /needs DATABASE_URL/],
  ['DATABASE_URL', { DATABASE_URL_EU: `postgres://${STRONG}@eu/x` }, /needed by the placements eu/],
  ['TOOLS_DIR', { TOOLS_DIR: tools('open', 0o666, 'export default 1') }, /may be changed by every user/],
  ['DATA_DIR', { DATA_DIR: join(file('a-file', 'x'), 'data') }, /cannot be written/],
  ['DATA_DIR', { DATA_DIR: join(at('a-file'), 'data'), SESSION_SECRET: undefined }, /cannot be written/],
]

/** One problem, on a line of its own: the variable, what is wrong, an example; and nowhere the value of a secret. */
function expectOneLine(
  { exit, stdout, stderr }: { exit: number | null; stdout: string; stderr: string },
  name: string,
): string {
  expect(exit, stderr).toBe(78)
  // At most the log's warnings were written: nothing was served.
  for (const written of stdout.split('\n').filter((each) => each !== ''))
    expect(JSON.parse(written)).toMatchObject({ level: 'warn' })
  const [head, line = '', ...rest] = stderr.split('\n').filter((each) => !each.startsWith('warning: '))
  expect(head).toBe('error: one problem in the configuration')
  expect(rest).toEqual([''])
  expect(line).toMatch(new RegExp(`^  ${name}: \\S.+, for example \\S`))
  expect(stdout + stderr).not.toContain(HIDDEN)
  return line
}

function changed(good: Environment, change: Mistake[1]): Environment {
  const all: Readonly<Record<string, string | undefined>> = { ...good, ...change }
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}

test('what the table starts from is right: neither configuration has a problem of its own', () => {
  for (const good of [PRODUCTION, DEVELOPMENT]) expect(() => loadConfig(good)).not.toThrow(ConfigError)
  expect(IN_PRODUCTION.length + IN_DEVELOPMENT.length).toBeGreaterThanOrEqual(50)
})

describe.each([
  ['production', PRODUCTION, IN_PRODUCTION],
  ['development', DEVELOPMENT, IN_DEVELOPMENT],
] as const)('starting in %s with a single mistake ends with 78 and a line with an example', (_, good, mistakes) => {
  test.each(mistakes)('%s %j', async (name, change, says) => {
    const line = expectOneLine(await gatehouse({ env: changed(good, change), cwd: folder }, 'serve'), name)
    expect(line).toMatch(says)
  })
})
