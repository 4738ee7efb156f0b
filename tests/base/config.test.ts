import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { ConfigError, type Config } from '#base/config.ts'
import { loadConfig } from '#base/config-load.ts'
import type { Environment } from '#base/config-reader.ts'
import { settings } from '#base/settings.ts'

const SECRET = 'a secret of more than thirty-two characters'
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-config-'))
afterAll(() => rmSync(folder, { recursive: true }))

const load = (env: Environment): Config => loadConfig(env, { cwd: folder })

function problems(env: Environment): readonly string[] {
  try {
    load(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

/** The least that production demands. */
const production = {
  NODE_ENV: 'production',
  PUBLIC_URL: 'https://mcp.example.com',
  DATABASE_URL: 'postgresql://user:pass@db/gatehouse',
  SESSION_SECRET: SECRET,
  GOOGLE_CLIENT_ID: 'app.apps.googleusercontent.com',
}

describe('without any variable', () => {
  test('it is development on loopback, embedded, with development sign-in', () => {
    expect(load({})).toMatchObject({
      production: false,
      developmentSignIn: true,
      host: '127.0.0.1',
      port: 3000,
      publicUrl: 'http://127.0.0.1:3000',
      corsOrigins: 'loopback',
      dataDir: join(folder, '.gatehouse'),
      sessionSecrets: [],
      shutdownTimeout: 25_000,
      rateLimit: { on: true, perIp: 300, perTenant: 6000, perPrincipal: 1200 },
      database: { url: null, migrateOnStart: true, poolMaxLifetime: 1_800_000 },
      warnings: [],
    })
  })

  test('an empty variable is an absent one', () => {
    expect(load({ PORT: '', GOOGLE_CLIENT_ID: '  ', PUBLIC_URL: '' })).toEqual(load({}))
  })

  test('nothing of it can be changed afterwards', () => {
    const config = load({ OIDC_ISSUER: 'https://idp.example', OIDC_AUDIENCE: 'a' })
    const frozen = (value: unknown): boolean =>
      typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(frozen))
    expect(frozen(config)).toBe(true)
  })
})

describe('what makes it production', () => {
  test.each<[string, Environment]>([
    ['NODE_ENV', { NODE_ENV: 'production' }],
    ['NODE_ENV in capitals', { NODE_ENV: 'Production' }],
    ['NODE_ENV, abbreviated', { NODE_ENV: 'prod' }],
    ['a public PUBLIC_URL', { PUBLIC_URL: 'https://mcp.example.com' }],
    ['a public PUBLIC_URL, whatever NODE_ENV says', { PUBLIC_URL: 'https://mcp.example.com', NODE_ENV: 'development' }],
    ['a HOST others can reach', { HOST: '0.0.0.0' }],
    ['the HOST ::', { HOST: '::' }],
    ['Railway', { RAILWAY_ENVIRONMENT_ID: 'x' }],
    ['Fly', { FLY_MACHINE_ID: 'x' }],
    ['Render', { RENDER: 'true' }],
    ['Kubernetes', { KUBERNETES_SERVICE_HOST: '10.0.0.1' }],
  ])('%s', (_, env) => {
    expect(problems(env)).toContain('SESSION_SECRET: needed in production: openssl rand -base64 48')
    expect(load({ ...production, ...env, NODE_ENV: 'test' }).production).toBe(true)
    expect(load({ ...production, ...env }).developmentSignIn).toBe(false)
  })

  test.each<Environment>([
    { HOST: '::1' },
    { HOST: '[::1]' },
    { PUBLIC_URL: 'http://localhost:3000' },
    { HOST: '127.0.0.2' },
    { RENDERER: 'x' },
  ])('not %j', (env) => expect(load(env).production).toBe(false))

  test('a provider ends the development sign-in, in development too (D1)', () => {
    expect(load({ API_KEY: 'short', API_KEY_TENANT: 'acme' }).developmentSignIn).toBe(false)
  })
})

describe('PUBLIC_URL', () => {
  test.each<[string, Environment]>([
    ['https://x.up.railway.app', { RAILWAY_PUBLIC_DOMAIN: 'x.up.railway.app' }],
    ['https://x.fly.dev', { FLY_APP_NAME: 'x' }],
    ['https://x.onrender.com', { RENDER_EXTERNAL_URL: 'https://x.onrender.com' }],
    ['https://own.example', { PUBLIC_URL: 'https://OWN.example/', FLY_APP_NAME: 'x' }],
  ])('%s', (expected, env) => {
    expect(load({ ...production, PUBLIC_URL: '', ...env }).publicUrl).toBe(expected)
  })

  test('a loopback one may be http in production too', () => {
    expect(load({ ...production, PUBLIC_URL: 'http://localhost:3000' }).publicUrl).toBe('http://localhost:3000')
  })
})

describe('a bad environment', () => {
  test.each<[Environment, readonly string[]]>([
    [
      { HOST: '0.0.0.0', PORT: '-1' },
      [
        'PORT: must be a whole number from 1 to 65535',
        'PUBLIC_URL: needed in production, for example https://mcp.example.com',
        'GOOGLE_CLIENT_ID: no provider is configured: production needs one of Google, Auth0, GitHub, OIDC, JWT_ or API_KEY',
        'DATABASE_URL: needed in production; ALLOW_EMBEDDED=true keeps the data in DATA_DIR instead',
        'SESSION_SECRET: needed in production: openssl rand -base64 48',
      ],
    ],
    [
      { ...production, PUBLIC_URL: 'http://mcp.example.com' },
      ['PUBLIC_URL: must be https; http is for this machine only'],
    ],
    [
      { ...production, PUBLIC_URL: 'https://mcp.example.com/base' },
      ['PUBLIC_URL: must be an origin without path, query or user, for example https://mcp.example.com'],
    ],
    // C17: every object has a member of these names.
    [
      { ...production, OIDC_ISSUER: 'https://i.test', OIDC_AUDIENCE: 'a', OIDC_ORGANIZATION_CLAIM: '__proto__' },
      ['OIDC_ORGANIZATION_CLAIM: cannot be the name of a claim'],
    ],
    [
      {
        ...production,
        JWT_ISSUER: 'https://j.test',
        JWT_SECRET_KEY: SECRET,
        JWT_DOMAINS: 'acme.com',
        JWT_SUBJECT_CLAIM: 'constructor',
      },
      ['JWT_SUBJECT_CLAIM: cannot be the name of a claim'],
    ],
    // A list of nothing passes for given, and no secret at all would be used.
    [{ ...production, SESSION_SECRET: ' , ' }, ['SESSION_SECRET: holds nothing but commas']],
    [{ ...production, GOOGLE_CLIENT_ID: ',' }, ['GOOGLE_CLIENT_ID: holds nothing but commas']],
    [{ ...production, SESSION_SECRET: 'short' }, ['SESSION_SECRET: must have at least 32 characters']],
    [
      { ...production, SESSION_SECRET: `${SECRET},short` },
      ['SESSION_SECRET: must have at least 32 characters (entry 2)'],
    ],
    [{ DATABASE_URL: 'mysql://root:hunter2@db/x' }, ['DATABASE_URL: must be a postgresql:// URL']],
    [
      { DATABASE_ADMIN_URL: 'postgres://a/b' },
      [expect.stringMatching(/^DATABASE_ADMIN_URL: needs DATABASE_URL, for example DATABASE_URL=postgresql:/)],
    ],
    [{ DATABASE_URL_EU: 'postgres://a/b' }, ['DATABASE_URL: needed by the placements eu']],
    [
      { TENANT_LOGIN: 'true' },
      [expect.stringMatching(/^TENANT_LOGIN: needs DATABASE_URL, for .*: the embedded database has no logins$/)],
    ],
    [{ GOOGLE_CLIENT_SECRET: 'x' }, ['GOOGLE_CLIENT_ID: needed by GOOGLE_CLIENT_SECRET']],
    [{ AUTH0_DOMAIN: 'acme.eu.auth0.com' }, ['AUTH0_AUDIENCE: needed by AUTH0_DOMAIN']],
    [
      { AUTH0_DOMAIN: 'https://acme.eu.auth0.com/', AUTH0_AUDIENCE: 'x' },
      ['AUTH0_DOMAIN: must be a host name, for example acme.eu.auth0.com'],
    ],
    [{ GITHUB_CLIENT_ID: 'x' }, ['GITHUB_CLIENT_SECRET: needed by GITHUB_CLIENT_ID']],
    [{ OIDC_AUDIENCE: 'x' }, ['OIDC_ISSUER: needed by the other OIDC_ variables']],
    [{ OIDC_CORP_AUDIENCE: 'x' }, ['OIDC_CORP_ISSUER: needed by the other OIDC_ variables']],
    [{ OIDC_CORP_INTROSPECTION_CLIENT_ID: 'x' }, ['OIDC_CORP_ISSUER: needed by the other OIDC_ variables']],
    [
      { OIDC_ISSUER: 'https://i' },
      ['OIDC_AUDIENCE: needed: without it a token meant for any other service would open this one'],
    ],
    [{ ...production, OIDC_ISSUER: 'http://i', OIDC_AUDIENCE: 'x' }, ['OIDC_ISSUER: must be an https URL']],
    [
      { OIDC_ISSUER: 'https://i', OIDC_AUDIENCE: 'x', OIDC_ALGORITHMS: 'HS256' },
      [expect.stringMatching(/^OIDC_ALGORITHMS: must be of RS256/)],
    ],
    [
      { OIDC_GOOGLE_ISSUER: 'https://i', OIDC_GOOGLE_AUDIENCE: 'x' },
      ['OIDC_GOOGLE_ISSUER: google is the id of another provider; choose another name'],
    ],
    [
      { OIDC_ISSUER: 'https://i', OIDC_AUDIENCE: 'x', OIDC_DOMAINS: 'acme.com,gmail.com' },
      ['OIDC_DOMAINS: gmail.com: anybody can get an address there, so no issuer speaks for it'],
    ],
    [
      { OIDC_ISSUER: 'https://i', OIDC_AUDIENCE: 'x', OIDC_INTROSPECTION: 'true' },
      ['OIDC_INTROSPECTION: needs OIDC_CLIENT_ID and OIDC_CLIENT_SECRET, or those of OIDC_INTROSPECTION_'],
    ],
    [
      { JWT_SECRET_KEY: 'short', JWT_ISSUER: 'i' },
      ['JWT_SECRET_KEY: must have at least 32 bytes (RFC 7518 section 3.2)'],
    ],
    [{ JWT_SECRET_KEY: SECRET }, ['JWT_ISSUER: needed by JWT_SECRET_KEY']],
    [{ API_KEY: 'x' }, ['API_KEY_TENANT: needed by API_KEY']],
    [
      { ...production, API_KEY: 'x', API_KEY_TENANT: 'acme' },
      ['API_KEY: must have at least 32 characters in production'],
    ],
    [
      { SIGNING_KEY: 'short' },
      ['SIGNING_KEY: must be an Ed25519 private key in PEM or JWK: openssl genpkey -algorithm ed25519'],
    ],
    [{ METRICS_TOKEN: 'short' }, ['METRICS_TOKEN: must have at least 16 characters']],
    [{ TRUST_PROXY: '1' }, ['TRUST_PROXY: must be networks, for example 10.0.0.0/8']],
    [
      { TRUST_PROXY: '10.0.0.0/8, 10.0.0.0/33, ::/129' },
      ['TRUST_PROXY: must be networks, for example 10.0.0.0/8 (entries 2, 3)'],
    ],
    [{ SHUTDOWN_TIMEOUT: '-5' }, ['SHUTDOWN_TIMEOUT: must be a whole number from 1 to 600']],
    [{ PROVISION_LIMIT: '-1' }, ['PROVISION_LIMIT: must be a whole number from 0 to 1000000']],
    [{ RATE_LIMIT: 'maybe' }, ['RATE_LIMIT: must be true or false']],
    [
      { RATE_LIMIT_STORE: 'postgres' },
      ['RATE_LIMIT_STORE: postgres needs DATABASE_URL: the embedded database has one process, which counts in memory'],
    ],
    [{ LOG_LEVEL: 'loud' }, ['LOG_LEVEL: must be one of fatal, error, warn, info, debug, trace, silent']],
    [{ UNMAPPED_DOMAINS: 'accept' }, ['UNMAPPED_DOMAINS: must be one of reject, provision']],
    [
      { CORS_ORIGINS: 'https://a.example/path' },
      ['CORS_ORIGINS: must be *, loopback, or origins, for example https://app.example.com'],
    ],
    [{ ALLOWED_HOSTS: 'http://a' }, ['ALLOWED_HOSTS: must be host names, perhaps with a port']],
    [{ DATABASE_SLUG_PREFIX: 'Staging-' }, [expect.stringMatching(/^DATABASE_SLUG_PREFIX: /)]],
    [
      { SESSION_SECRET: SECRET, SESSION_SECRET_FILE: 'x' },
      ['SESSION_SECRET: give either SESSION_SECRET or SESSION_SECRET_FILE, not both'],
    ],
    [{ SESSION_SECRET_FILE: 'nowhere' }, ['SESSION_SECRET: the file of SESSION_SECRET_FILE cannot be read']],
  ])('%j', (env, expected) => {
    expect(problems(env)).toEqual(expected)
  })

  test('no problem ever shows the value of a secret', () => {
    const secrets = settings.filter(({ secret }) => secret === true).flatMap(({ name }) => [name, `${name}_FILE`])
    // A value of letters that no message contains by chance.
    const value = fc
      .string({ minLength: 8, maxLength: 60, unit: fc.constantFrom('Q', 'Z', 'X', '7', ',', ' ', '.', '/') })
      .map((text) => `Q7${text}Z`)
    const broken = { ...production, PORT: 'x', OIDC_ISSUER: 'https://i', OIDC_INTROSPECTION: 'true' }
    const hidden = fc.property(
      fc.uniqueArray(fc.constantFrom(...secrets), { minLength: 1 }),
      value,
      (names, secret) => {
        const lines = problems({ ...broken, ...Object.fromEntries(names.map((name) => [name, secret])) }).join('\n')
        return !secret.split(',').some((part) => part.trim().length > 2 && lines.includes(part.trim()))
      },
    )
    expect(() => fc.assert(hidden)).not.toThrow()
  })
})

describe('secrets in files', () => {
  test('every secret can be one, and a line break at its end is no part of it', () => {
    writeFileSync(join(folder, 'secret'), `${SECRET}\n`)
    expect(load({ SESSION_SECRET_FILE: 'secret' }).sessionSecrets).toEqual([SECRET])
    const config = load({
      OIDC_ACME_ISSUER: 'https://i',
      OIDC_ACME_CLIENT_ID: 'c',
      OIDC_ACME_CLIENT_SECRET_FILE: join(folder, 'secret'),
    })
    expect(config.providers.oidc[0]?.login).toEqual({ clientId: 'c', clientSecret: SECRET })
  })

  test('DATABASE_URL_FILE is the file of DATABASE_URL, not a placement', () => {
    writeFileSync(join(folder, 'url'), 'postgresql://db/main')
    const { database } = load({ DATABASE_URL_FILE: 'url', DATABASE_URL_EU_FILE: 'url' })
    expect(database).toMatchObject({ url: 'postgresql://db/main', placements: { eu: 'postgresql://db/main' } })
  })
})

describe('.env', () => {
  const env = join(folder, '.env')
  afterAll(() => rmSync(env, { force: true }))

  test('is read in development, and the environment wins over it', () => {
    writeFileSync(env, 'PORT=4000\nLOG_LEVEL=debug\n')
    const config = loadConfig({ LOG_LEVEL: 'warn' }, { cwd: folder, dotenv: true })
    expect(config).toMatchObject({ port: 4000, logLevel: 'warn' })
  })

  test('is not read in production, nor for an environment that was handed in', () => {
    writeFileSync(env, 'PORT=4000\n')
    expect(loadConfig(production, { cwd: folder, dotenv: true }).port).toBe(3000)
    expect(load({}).port).toBe(3000)
  })
})

test.each([
  ['GOOGLE_CLIENTID', 'GOOGLE_CLIENT_ID'],
  ['DATABASE_URI', 'DATABASE_URL'],
  ['SESION_SECRET', 'SESSION_SECRET'],
  ['SESSION_SERCET', 'SESSION_SECRET'],
  ['public_url', 'PUBLIC_URL'],
])('%s is not read, and a warning asks whether %s was meant', (typed, meant) => {
  expect(load({ [typed]: 'x' }).warnings).toEqual([`${typed}: is not read; did you mean ${meant}?`])
})

test('variables of other programs are left in peace', () => {
  expect(
    load({
      PATH: '/bin',
      HOSTNAME: 'x',
      GITHUB_TOKEN: 'x',
      GOOGLE_APPLICATION_CREDENTIALS: 'x',
      POSTGRES_URL: 'x',
      npm_config_cache: 'x',
    }).warnings,
  ).toEqual([])
})

test.each(['redis', 'redis://', 'rediss:///0', 'http://user:hunter2@cache.example.com'])(
  'RATE_LIMIT_STORE=%s is no store, and what was given is not shown',
  (store) => {
    expect(problems({ RATE_LIMIT_STORE: store })).toEqual([
      'RATE_LIMIT_STORE: must be memory, postgres, or a URL, for example rediss://user:password@cache.example.com:6379',
    ])
  },
)

test('RATE_LIMIT_STORE is memory, postgres, or the URL of a Redis or Valkey', () => {
  expect(loadConfig({}).rateLimitStore).toEqual({ kind: 'memory' })
  expect(loadConfig({ RATE_LIMIT_STORE: 'postgres', DATABASE_URL: 'postgres://a/b' }).rateLimitStore).toEqual({
    kind: 'postgres',
  })
  for (const url of ['redis://cache:6379', 'rediss://user:secret@cache.example.com:6380/2', 'valkey://cache'])
    expect(loadConfig({ RATE_LIMIT_STORE: url }).rateLimitStore).toEqual({ kind: 'redis', url })
})

test('fewer calls at once in all are fewer of a tenant, unless it is said how many', () => {
  expect(load({}).concurrency).toMatchObject({ total: 256, perTenant: 64 })
  expect(load({ CONCURRENT_CALLS: '10' }).concurrency).toMatchObject({ total: 10, perTenant: 10 })
  expect(() => load({ CONCURRENT_CALLS: '10', CONCURRENT_CALLS_PER_TENANT: '11' })).toThrow(ConfigError)
})

test('D2: production has strict defaults and needs ALLOW_EMBEDDED to run without DATABASE_URL', () => {
  const strict = { tenancy: { unmappedDomains: 'reject', personalTenants: 'off' }, egressAllowPrivate: false }
  const open = { tenancy: { unmappedDomains: 'provision', personalTenants: 'per-user' }, egressAllowPrivate: true }
  expect(load(production)).toMatchObject(strict)
  expect(load({})).toMatchObject(open)
  expect(problems({ ...production, DATABASE_URL: '' })).toHaveLength(1)
  const embedded = load({ ...production, DATABASE_URL: '', ALLOW_EMBEDDED: 'true' })
  expect(embedded).toMatchObject({ ...strict, database: { url: null, migrateOnStart: true } })
  expect(embedded.warnings).toHaveLength(1)
  expect(load(production).database.migrateOnStart).toBe(false)
})

test('D3: an operator is iss|sub or provider:email; a bare address stops the boot in production', () => {
  const operators = 'google:ops@example.com,https://acme.eu.auth0.com/|auth0|123'
  expect(load({ ...production, OPERATORS: operators }).operators).toEqual(operators.split(','))
  expect(problems({ ...production, OPERATORS: 'ops@example.com' })).toEqual([
    'OPERATORS: an address alone names nobody: write iss|sub or provider:email',
  ])
  expect(load({ OPERATORS: 'ops@example.com' }).warnings).toHaveLength(1)
  const google = { GOOGLE_CLIENT_ID: '1-a.apps.googleusercontent.com' }
  expect(load({ ...google, OPERATORS: 'google:ops@example.com,https://issuer.test|a:b@c.d' }).warnings).toEqual([])
  for (const provider of ['github', 'gogle', 'shared-secret'])
    expect(load({ ...google, OPERATORS: `${provider}:ops@example.com` }).warnings).toEqual([
      `OPERATORS: ${provider}:email names nobody: ${provider} is not configured, or speaks for no domain now; write iss|sub`,
    ])
  expect(problems({ OPERATORS: 'somebody' })).toEqual(['OPERATORS: must be iss|sub or provider:email'])
})

test('D4: CLIENT_IP_HEADER without TRUST_PROXY stops the boot, in development too', () => {
  expect(problems({ CLIENT_IP_HEADER: 'fly-client-ip' })).toEqual([
    'CLIENT_IP_HEADER: needs TRUST_PROXY, for example TRUST_PROXY=10.0.0.0/8: otherwise any client could name its own address',
  ])
  expect(load({ CLIENT_IP_HEADER: 'Fly-Client-IP', TRUST_PROXY: '172.16.0.0/12,fdaa::/16' })).toMatchObject({
    clientIpHeader: 'fly-client-ip',
    trustProxy: ['172.16.0.0/12', 'fdaa::/16'],
  })
  expect(load({ TRUST_PROXY: '0.0.0.0/0' }).warnings).toHaveLength(1)
})

test('D5: TOOLS_DIR has no default and must be absolute', () => {
  expect(load({}).toolsDir).toBeNull()
  expect(problems({ TOOLS_DIR: 'tools' })).toEqual(['TOOLS_DIR: must be an absolute path'])
  expect(problems({ TOOLS_DIR: '/app/../etc' })).toEqual(['TOOLS_DIR: must be an absolute path'])
  expect(load({ TOOLS_DIR: '/app/tools' }).toolsDir).toBe('/app/tools')
})

test('D6: of several issuers each says whom it speaks for; only a single one in development speaks for all', () => {
  const one = { OIDC_ISSUER: 'https://a', OIDC_AUDIENCE: 'x' }
  const two = { ...one, OIDC_B_ISSUER: 'https://b', OIDC_B_AUDIENCE: 'x' }
  const domains = (env: Environment) => load(env).providers.oidc.map((issuer) => issuer.domains)
  expect(domains(one)).toEqual(['*'])
  expect(domains({ ...production, ...one })).toEqual([[]])
  const wanted = 'otherwise one could vouch for the people of another'
  expect(problems(two)).toEqual([
    `OIDC_DOMAINS: needed with more than one issuer, or OIDC_TENANT: ${wanted}`,
    `OIDC_B_DOMAINS: needed with more than one issuer, or OIDC_B_TENANT: ${wanted}`,
  ])
  expect(domains({ ...two, OIDC_DOMAINS: '*', OIDC_B_TENANT: 'b' })).toEqual(['*', []])
  const shared = { ...one, JWT_SECRET_KEY: SECRET, JWT_ISSUER: 'https://app' }
  expect(problems(shared)).toEqual([expect.stringMatching(/^JWT_DOMAINS: needed beside other issuers/)])
  expect(domains({ ...shared, JWT_DOMAINS: 'acme.com' })).toEqual([[]])
})

test('D10: at most 20 new tenants an hour unless PROVISION_LIMIT says otherwise', () => {
  expect(load({}).tenancy.provisionLimit).toBe(20)
  expect(load({ ...production, PROVISION_LIMIT: '0' }).tenancy.provisionLimit).toBe(0)
})

test('D14: two issuers with introspection stop the boot', () => {
  const issuer = (name: string) => ({
    [`OIDC_${name}_ISSUER`]: `https://${name}`,
    [`OIDC_${name}_CLIENT_ID`]: 'c',
    [`OIDC_${name}_CLIENT_SECRET`]: 's',
    [`OIDC_${name}_TENANT`]: name.toLowerCase(),
    [`OIDC_${name}_INTROSPECTION`]: 'true',
  })
  expect(load(issuer('A')).providers.oidc[0]?.introspection).toEqual({
    endpoint: null,
    clientId: 'c',
    clientSecret: 's',
  })
  expect(problems({ ...issuer('A'), ...issuer('B') })).toEqual([
    'OIDC_B_INTROSPECTION: only one issuer can be asked about opaque tokens; OIDC_A_INTROSPECTION is one already',
  ])
})

test('D17: the names of the database roles’ variables and what holds without them', () => {
  const url = 'postgresql://user@db/gatehouse'
  expect(load({ DATABASE_URL: url }).database).toMatchObject({
    url,
    adminUrl: url,
    directUrl: url,
    appPassword: null,
    appRole: true,
    slugPrefix: '',
  })
  const { database, warnings } = load({
    DATABASE_URL: url,
    DATABASE_ADMIN_URL: 'postgresql://admin@db/gatehouse',
    DATABASE_DIRECT_URL: 'postgresql://user@direct/gatehouse',
    DATABASE_APP_ROLE: 'off',
    DATABASE_SLUG_PREFIX: 'staging_',
  })
  expect(database).toMatchObject({
    adminUrl: 'postgresql://admin@db/gatehouse',
    directUrl: 'postgresql://user@direct/gatehouse',
    appRole: false,
    slugPrefix: 'staging_',
  })
  expect(warnings).toEqual([expect.stringMatching(/^DATABASE_APP_ROLE: /)])
  expect(load({ DATABASE_URL: url, DATABASE_APP_PASSWORD: 'sixteen letters!' }).database.appPassword).toBe(
    'sixteen letters!',
  )
})

test('D23: API_KEY looks like nobody else’s token, and its role is member unless said otherwise', () => {
  const staticKey = { API_KEY: SECRET.replaceAll(' ', '-'), API_KEY_TENANT: 'acme' }
  expect(load({ ...production, ...staticKey }).providers.staticKey).toMatchObject({ tenant: 'acme', role: 'member' })
  // K7: it stands in plain text where it is configured.
  expect(load({ ...production, ...staticKey }).warnings).toEqual([
    expect.stringMatching(/^API_KEY: one key in plain text/),
  ])
  for (const key of ['gh_key_', 'gho_', 'github_pat_', 'ya29.', 'aaaa.bbbb.'])
    expect(problems({ ...staticKey, API_KEY: `${key}0123456789012345678901234567890123` })).toEqual([
      "API_KEY: looks like another provider's token; choose a random value",
    ])
  expect(problems({ ...staticKey, API_KEY_ROLE: 'owner' })).toEqual([
    'API_KEY_ROLE: must be one of viewer, member, admin',
  ])
})
