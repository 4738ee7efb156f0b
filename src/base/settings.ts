/** One variable of the environment. The table below is what is read, what `.env.example` shows and what docs/configuration.md lists. */
export interface Setting {
  readonly group: string
  /** One sentence: what it is. */
  readonly about: string
  /** What holds when it is absent, in words; '' when there is nothing. */
  readonly default: string
  readonly example: string
  /** A secret is never printed, and can be given as a file: NAME_FILE. */
  readonly secret?: true
  /** The same for one more of its kind, with <NAME> in upper case. */
  readonly named?: `${string}<NAME>${string}`
}

/** Every variable that is read. Groups and rows in the order in which people meet them. */
export const SETTINGS = {
  NODE_ENV: {
    group: 'Server',
    about: '`production` makes it production; so do a public PUBLIC_URL or HOST, or a variable of a hosting platform.',
    default: '',
    example: 'production',
  },
  PUBLIC_URL: {
    group: 'Server',
    about: 'The origin people type: https, or http for this machine only. The MCP endpoint is this followed by /mcp.',
    default: 'what Railway, Fly or Render say; in development http://127.0.0.1:PORT',
    example: 'https://mcp.example.com',
  },
  HOST: {
    group: 'Server',
    about: 'The address to listen on.',
    default: '127.0.0.1; in production 0.0.0.0',
    example: '0.0.0.0',
  },
  PORT: { group: 'Server', about: 'The port to listen on.', default: '3000', example: '3000' },
  ALLOWED_HOSTS: {
    group: 'Server',
    about: 'More Host headers to answer to, for example of a platform probe. PUBLIC_URL is always one.',
    default: '',
    example: 'healthcheck.railway.app',
  },
  CORS_ORIGINS: {
    group: 'Server',
    about: 'Origins whose pages may call: `*`, `loopback`, or a list. Cookies never count.',
    default: '`*`; `loopback` when PUBLIC_URL is loopback',
    example: 'https://inspector.example.com',
  },
  TRUST_PROXY: {
    group: 'Server',
    about: 'Networks (CIDR) of the proxies in front, whose word on the client address counts.',
    default: 'none',
    example: '10.0.0.0/8',
  },
  CLIENT_IP_HEADER: {
    group: 'Server',
    about: 'The header in which those proxies name the client, instead of X-Forwarded-For. Needs TRUST_PROXY.',
    default: 'X-Forwarded-For',
    example: 'fly-client-ip',
  },
  DATA_DIR: {
    group: 'Server',
    about: 'Where the embedded database and development keys live.',
    default: '.gatehouse',
    example: '/var/lib/gatehouse',
  },
  SESSION_SECRET: {
    group: 'Server',
    about: 'At least 32 characters; all other keys derive from it. A list: the first seals, all open.',
    default: 'outside production made once in DATA_DIR',
    example: 'the output of: openssl rand -base64 48',
    secret: true,
  },
  OPERATORS: {
    group: 'Server',
    about: 'Who operates this server: `iss|sub` or `provider:email`, separated by commas.',
    default: 'none',
    example: 'google:ops@example.com',
  },
  LOG_LEVEL: {
    group: 'Server',
    about: 'fatal, error, warn, info, debug, trace or silent. Requests are info, refusals warn.',
    default: 'info',
    example: 'info',
  },
  METRICS_TOKEN: {
    group: 'Server',
    about:
      'Bearer token for /metrics and the details of /readyz, at least 16 characters. Without it only this machine sees them.',
    default: '',
    example: 'the output of: openssl rand -hex 32',
    secret: true,
  },
  SHUTDOWN_TIMEOUT: {
    group: 'Server',
    about: 'Seconds to finish calls in flight after SIGTERM.',
    default: '25',
    example: '25',
  },
  TOOLS_DIR: {
    group: 'Server',
    about: 'Absolute path of a folder with tools of your own. Trusted code: in production read-only for the server.',
    default: 'none',
    example: '/app/tools',
  },
  EGRESS_ALLOW_PRIVATE: {
    group: 'Server',
    about: 'May configured issuers be at private addresses?',
    default: 'true; in production false',
    example: 'true',
  },
  RATE_LIMIT: {
    group: 'Limits',
    about: '`off` ends every limit that counts requests, never those of size, time and concurrency.',
    default: 'on',
    example: 'on',
  },
  RATE_LIMIT_PER_IP: {
    group: 'Limits',
    about: 'Failed or anonymous requests per minute and address.',
    default: '300',
    example: '300',
  },
  RATE_LIMIT_PER_TENANT: { group: 'Limits', about: 'Calls per minute and tenant.', default: '6000', example: '6000' },
  RATE_LIMIT_PER_PRINCIPAL: {
    group: 'Limits',
    about: 'Calls per minute and person or key.',
    default: '1200',
    example: '1200',
  },
  PROVISION_LIMIT: {
    group: 'Limits',
    about: 'New tenants per hour that may come into being by sign-in.',
    default: '20',
    example: '20',
  },
  DATABASE_URL: {
    group: 'Database',
    about: 'Postgres 15 to 18. The named form holds tenants with that placement.',
    default: 'embedded in DATA_DIR',
    example: 'postgresql://user:password@localhost:5432/gatehouse',
    secret: true,
    named: 'DATABASE_URL_<NAME>',
  },
  DATABASE_ADMIN_URL: {
    group: 'Database',
    about: 'Migrates and provisions: needs CREATEROLE, and CREATE on the database.',
    default: 'DATABASE_URL',
    example: 'postgresql://admin:password@localhost:5432/gatehouse',
    secret: true,
  },
  DATABASE_DIRECT_URL: {
    group: 'Database',
    about: 'Past a transaction pooler: for LISTEN.',
    default: 'DATABASE_URL',
    example: 'postgresql://user:password@localhost:5432/gatehouse',
    secret: true,
  },
  DATABASE_APP_PASSWORD: {
    group: 'Database',
    about: 'Password of the login role gatehouse_app, at least 16 characters.',
    default: 'derived from SESSION_SECRET',
    example: 'the output of: openssl rand -hex 32',
    secret: true,
  },
  DATABASE_APP_ROLE: {
    group: 'Database',
    about: '`off` where a platform cannot make login roles: calls then log in as the user of DATABASE_URL.',
    default: 'on',
    example: 'off',
  },
  DATABASE_POOL_MAX: { group: 'Database', about: 'Connections of one process.', default: '10', example: '20' },
  DATABASE_POOL_MAX_LIFETIME: {
    group: 'Database',
    about: 'Seconds after which a connection is replaced; 0: never.',
    default: '1800',
    example: '1800',
  },
  DATABASE_PIPELINE: {
    group: 'Database',
    about: 'Sends prelude and first query in one round trip; not every pooler allows it.',
    default: 'false',
    example: 'true',
  },
  DATABASE_SLUG_PREFIX: {
    group: 'Database',
    about: 'Goes before the slug in role and schema names, for databases that share one Postgres server.',
    default: 'none',
    example: 'staging_',
  },
  TENANT_LOGIN: {
    group: 'Database',
    about: 'A login role and connections of its own per tenant: the hard wall, for tools that are not trusted.',
    default: 'false',
    example: 'true',
  },
  MIGRATE_ON_START: {
    group: 'Database',
    about: 'May `serve` migrate DATABASE_URL? Otherwise it waits, not ready. The embedded database is always migrated.',
    default: 'true; in production false',
    example: 'true',
  },
  ALLOW_EMBEDDED: {
    group: 'Database',
    about: 'Production without DATABASE_URL: one process, one disk.',
    default: 'false',
    example: 'true',
  },
  UNMAPPED_DOMAINS: {
    group: 'Tenants',
    about: 'Somebody of a company nobody knows: `reject`, or `provision` a tenant for the domain.',
    default: 'provision; in production reject',
    example: 'reject',
  },
  PERSONAL_TENANTS: {
    group: 'Tenants',
    about: 'Somebody with a public mailbox (gmail.com ...): `per-user`, `shared` or `off`.',
    default: 'per-user; in production off',
    example: 'off',
  },
  REQUIRED_SCOPES: {
    group: 'Tenants',
    about: 'Scopes of which every token must have some, where its issuer carries ours.',
    default: 'none',
    example: 'projects:read',
  },
  GOOGLE_CLIENT_ID: {
    group: 'Google',
    about: 'OAuth client ids of this deployment alone, separated by commas.',
    default: '',
    example: '1234567890-abc.apps.googleusercontent.com',
  },
  GOOGLE_CLIENT_SECRET: {
    group: 'Google',
    about: 'Its secret, for sign-in in the browser; proving tokens does not need it.',
    default: '',
    example: 'GOCSPX-...',
    secret: true,
  },
  GOOGLE_SCOPES: {
    group: 'Google',
    about: 'Do its tokens carry our scopes, and so narrow?',
    default: 'false',
    example: 'false',
  },
  AUTH0_DOMAIN: { group: 'Auth0', about: 'The tenant: a host name.', default: '', example: 'acme.eu.auth0.com' },
  AUTH0_AUDIENCE: {
    group: 'Auth0',
    about: 'Identifiers of the API of this deployment alone, separated by commas.',
    default: '',
    example: 'https://mcp.example.com/mcp',
  },
  AUTH0_CLIENT_ID: {
    group: 'Auth0',
    about: 'An application: its ID tokens are accepted too.',
    default: '',
    example: 'AbCdEf123456',
  },
  AUTH0_CLIENT_SECRET: { group: 'Auth0', about: 'Its secret.', default: '', example: '...', secret: true },
  AUTH0_EMAIL_DOMAINS: {
    group: 'Auth0',
    about: 'Domains whose addresses Auth0 may speak for as their own issuer.',
    default: 'none',
    example: 'acme.com',
  },
  AUTH0_EMAIL_CLAIM: {
    group: 'Auth0',
    about: 'A claim of your own that holds the address; NAME_verified beside it says whether it is verified.',
    default: '',
    example: 'https://acme.com/email',
  },
  AUTH0_SCOPES: {
    group: 'Auth0',
    about: 'Do its tokens carry our scopes, and so narrow?',
    default: 'false',
    example: 'true',
  },
  GITHUB_CLIENT_ID: {
    group: 'GitHub',
    about: 'The OAuth app or GitHub App of this deployment alone.',
    default: '',
    example: 'Iv1.0123456789abcdef',
  },
  GITHUB_CLIENT_SECRET: {
    group: 'GitHub',
    about: 'Its secret: GitHub tells whose a token is only to the app itself.',
    default: '',
    example: '...',
    secret: true,
  },
  GITHUB_ALLOW_PERSONAL_TOKENS: {
    group: 'GitHub',
    about: 'Accepts personal access tokens, for which nothing proves that they were meant for us.',
    default: 'false',
    example: 'false',
  },
  OIDC_ISSUER: {
    group: 'OpenID',
    about: 'The issuer, byte for byte as its discovery document says it.',
    default: '',
    example: 'https://idp.example.com',
    named: 'OIDC_<NAME>_ISSUER',
  },
  OIDC_AUDIENCE: {
    group: 'OpenID',
    about: 'Accepted audiences, separated by commas.',
    default: '',
    example: 'https://mcp.example.com/mcp',
    named: 'OIDC_<NAME>_AUDIENCE',
  },
  OIDC_CLIENT_ID: {
    group: 'OpenID',
    about: 'A client: its ID tokens are accepted too.',
    default: '',
    example: 'gatehouse',
    named: 'OIDC_<NAME>_CLIENT_ID',
  },
  OIDC_CLIENT_SECRET: {
    group: 'OpenID',
    about: 'Its secret, for sign-in and introspection.',
    default: '',
    example: '...',
    secret: true,
    named: 'OIDC_<NAME>_CLIENT_SECRET',
  },
  OIDC_TOKEN_USE: {
    group: 'OpenID',
    about: '`any`, `id_token` or `access_token`.',
    default: 'any',
    example: 'access_token',
    named: 'OIDC_<NAME>_TOKEN_USE',
  },
  OIDC_SCOPES: {
    group: 'OpenID',
    about: 'Do its tokens carry our scopes, and so narrow?',
    default: 'false',
    example: 'true',
    named: 'OIDC_<NAME>_SCOPES',
  },
  OIDC_DOMAINS: {
    group: 'OpenID',
    about: 'Email domains it is authoritative for, or `*` for every address it asserts.',
    default: 'none; `*` for a single issuer in development',
    example: 'acme.com',
    named: 'OIDC_<NAME>_DOMAINS',
  },
  OIDC_TENANT: {
    group: 'OpenID',
    about: 'Slug of the tenant that everyone of this issuer belongs to.',
    default: '',
    example: 'acme',
    named: 'OIDC_<NAME>_TENANT',
  },
  OIDC_ORGANIZATION_CLAIM: {
    group: 'OpenID',
    about: 'The claim that names the organisation.',
    default: '',
    example: 'organization',
    named: 'OIDC_<NAME>_ORGANIZATION_CLAIM',
  },
  OIDC_TENANT_IDS: {
    group: 'OpenID',
    about: 'Microsoft Entra: the directories (tid) let in, separated by commas.',
    default: '',
    example: '11111111-2222-3333-4444-555555555555',
    named: 'OIDC_<NAME>_TENANT_IDS',
  },
  OIDC_INTROSPECTION: {
    group: 'OpenID',
    about:
      'Accepts opaque tokens by asking the issuer (RFC 7662): `true`, or the URL of the endpoint. One issuer only.',
    default: 'false',
    example: 'true',
    named: 'OIDC_<NAME>_INTROSPECTION',
  },
  OIDC_INTROSPECTION_CLIENT_ID: {
    group: 'OpenID',
    about: 'Who asks.',
    default: 'OIDC_CLIENT_ID',
    example: 'gatehouse-api',
    named: 'OIDC_<NAME>_INTROSPECTION_CLIENT_ID',
  },
  OIDC_INTROSPECTION_CLIENT_SECRET: {
    group: 'OpenID',
    about: 'The secret of who asks.',
    default: 'OIDC_CLIENT_SECRET',
    example: '...',
    secret: true,
    named: 'OIDC_<NAME>_INTROSPECTION_CLIENT_SECRET',
  },
  OIDC_ALGORITHMS: {
    group: 'OpenID',
    about: 'Accepted signature algorithms, asymmetric only.',
    default: 'RS256, PS256, ES256, EdDSA and their longer kin',
    example: 'RS256',
    named: 'OIDC_<NAME>_ALGORITHMS',
  },
  JWT_SECRET_KEY: {
    group: 'Shared secret',
    about: 'At least 32 bytes; signs HS256 tokens of a system of your own. A list: all verify.',
    default: '',
    example: 'the output of: openssl rand -base64 48',
    secret: true,
  },
  JWT_ISSUER: {
    group: 'Shared secret',
    about: 'The `iss` of those tokens.',
    default: '',
    example: 'https://app.example.com',
  },
  JWT_AUDIENCE: {
    group: 'Shared secret',
    about: 'Accepted audiences, separated by commas.',
    default: 'PUBLIC_URL/mcp',
    example: 'https://mcp.example.com/mcp',
  },
  JWT_SUBJECT_CLAIM: {
    group: 'Shared secret',
    about: 'The claim that says who it is.',
    default: 'sub',
    example: 'user_id',
  },
  JWT_DOMAINS: {
    group: 'Shared secret',
    about: 'Email domains it is authoritative for, separated by commas.',
    default: 'none',
    example: 'acme.com',
  },
  JWT_TRUST_TENANT_CLAIM: {
    group: 'Shared secret',
    about: 'Believes the `tenant` claim: that system decides who belongs where.',
    default: 'false',
    example: 'true',
  },
  JWT_SCOPES: {
    group: 'Shared secret',
    about: 'Do its tokens carry our scopes, and so narrow?',
    default: 'false',
    example: 'true',
  },
  API_KEY: {
    group: 'Static key',
    about: 'One key for one tenant, at least 32 characters in production. `key create` makes better ones.',
    default: '',
    example: 'the output of: openssl rand -hex 32',
    secret: true,
  },
  API_KEY_TENANT: { group: 'Static key', about: 'Slug of its tenant.', default: '', example: 'acme' },
  API_KEY_ROLE: { group: 'Static key', about: '`viewer`, `member` or `admin`.', default: 'member', example: 'viewer' },
  RAILWAY_PUBLIC_DOMAIN: {
    group: 'Platforms (set by them)',
    about: 'Railway: PUBLIC_URL is https:// and this. Any RAILWAY_ variable makes it production.',
    default: '',
    example: 'gatehouse.up.railway.app',
  },
  FLY_APP_NAME: {
    group: 'Platforms (set by them)',
    about: 'Fly: PUBLIC_URL is https://NAME.fly.dev. Any FLY_ variable makes it production.',
    default: '',
    example: 'gatehouse',
  },
  RENDER_EXTERNAL_URL: {
    group: 'Platforms (set by them)',
    about: 'Render: PUBLIC_URL.',
    default: '',
    example: 'https://gatehouse.onrender.com',
  },
  RENDER: { group: 'Platforms (set by them)', about: 'Render: makes it production.', default: '', example: 'true' },
} as const satisfies Record<string, Setting>

export type SettingName = keyof typeof SETTINGS

/** All rows with their names, as the plain type. */
export const settings: readonly (Setting & { readonly name: SettingName })[] = Object.entries(SETTINGS).map(
  ([name, setting]) => ({ ...setting, name: settingName(name) }),
)

function settingName(name: string): SettingName {
  if (isSettingName(name)) return name
  throw new Error(`${name} is no setting`)
}

function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(SETTINGS, name)
}

/** What may stand for <NAME>: also an id and a path segment once in lower case. FILE would be read as a secret's file. */
export const INSTANCE_NAME = '(?!FILE$|FILE_)[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*?'

/** The variable of a setting, or of one more of its kind: ('OIDC_ISSUER', 'ACME') is OIDC_ACME_ISSUER. */
export function variableOf(name: SettingName, instance: string | null = null): string {
  const setting: Setting = SETTINGS[name]
  return instance === null ? name : (setting.named ?? name).replace('<NAME>', instance)
}

/** Is this variable read: a setting, one more of its kind, or its NAME_FILE? */
export const isSetting = (variable: string): boolean => readable.some((pattern) => pattern.test(variable))

const readable: readonly RegExp[] = settings.flatMap(({ name, named, secret }) =>
  [name, ...(named === undefined ? [] : [named.replace('<NAME>', INSTANCE_NAME)])].map(
    (form) => new RegExp(`^${form}${secret === true ? '(?:_FILE)?' : ''}$`),
  ),
)
