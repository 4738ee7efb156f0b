import type {
  Auth0Config,
  GithubConfig,
  GoogleConfig,
  ProvidersConfig,
  SharedSecretConfig,
  StaticKeyConfig,
} from './config.ts'
import { readDomains, readIssuers, readLogin } from './config-oidc.ts'
import type { ConfigReader, Environment } from './config-reader.ts'
import { isHostName, isSlug } from './config-values.ts'
import type { SettingName } from './settings.ts'

/** What other providers' tokens look like: an API_KEY of that form would be ambiguous (D23). */
const OTHER_TOKEN = /^(?:gh_key_|gh[a-z]_|github_pat_|ya29\.|[\w-]+\.[\w-]+\.[\w-]*$)/

/** Who may vouch for people (DESIGN section 6), each null when not configured. */
export function readProviders(reader: ConfigReader, env: Environment, production: boolean): ProvidersConfig {
  const sharedSecret = readSharedSecret(reader)
  const oidc = readIssuers(reader, env, { production, alone: sharedSecret === null })
  if (sharedSecret !== null && sharedSecret.domains.length === 0 && !sharedSecret.trustTenantClaim) {
    const wanted = 'JWT_DOMAINS or JWT_TRUST_TENANT_CLAIM=true says whom those tokens may speak for'
    if (oidc.length > 0) reader.problem('JWT_DOMAINS', `needed beside other issuers: ${wanted}`)
    else reader.warn('JWT_DOMAINS', `nobody is mapped by address: ${wanted}`)
  }
  if (sharedSecret !== null && oidc.some(({ issuer }) => issuer === sharedSecret.issuer))
    reader.problem('JWT_ISSUER', 'another issuer has the same name')
  const google = readGoogle(reader)
  const auth0 = readAuth0(reader)
  // Whoever spoke first would answer for both.
  const taken = [
    ...(google === null ? [] : [['https://accounts.google.com', 'GOOGLE_CLIENT_ID'] as const]),
    ...(auth0 === null ? [] : [[`https://${auth0.domain}`, 'AUTH0_DOMAIN'] as const]),
  ]
  for (const { id, issuer } of oidc)
    for (const [, other] of taken.filter(([url]) => url === issuer.replace(/\/$/, '').toLowerCase()))
      (id === 'oidc' ? reader : reader.of(id.toUpperCase())).problem(
        'OIDC_ISSUER',
        `is the issuer that ${other} stands for already: take one of the two away`,
      )
  return {
    google,
    auth0,
    github: readGithub(reader),
    oidc,
    sharedSecret,
    staticKey: readStaticKey(reader, production),
  }
}

export const hasProvider = ({ google, auth0, github, oidc, sharedSecret, staticKey }: ProvidersConfig): boolean =>
  oidc.length > 0 || [google, auth0, github, sharedSecret, staticKey].some((provider) => provider !== null)

/** False, with one problem for each, when something of a provider is said but not what it cannot be without. */
function isConfigured(reader: ConfigReader, needed: readonly SettingName[], others: readonly SettingName[]): boolean {
  const said = [...needed, ...others].filter((name) => reader.has(name))
  const missing = needed.filter((name) => !reader.has(name))
  if (said.length > 0) for (const name of missing) reader.problem(name, `needed by ${said.join(', ')}`)
  return said.length > 0 && missing.length === 0
}

function readGoogle(reader: ConfigReader): GoogleConfig | null {
  if (!isConfigured(reader, ['GOOGLE_CLIENT_ID'], ['GOOGLE_CLIENT_SECRET', 'GOOGLE_SCOPES'])) return null
  return {
    clientIds: reader.list('GOOGLE_CLIENT_ID'),
    clientSecret: reader.text('GOOGLE_CLIENT_SECRET'),
    carriesScopes: reader.flag('GOOGLE_SCOPES', false),
  }
}

function readAuth0(reader: ConfigReader): Auth0Config | null {
  const others = [
    'AUTH0_CLIENT_ID',
    'AUTH0_CLIENT_SECRET',
    'AUTH0_EMAIL_DOMAINS',
    'AUTH0_EMAIL_CLAIM',
    'AUTH0_SCOPES',
  ] as const
  if (!isConfigured(reader, ['AUTH0_DOMAIN', 'AUTH0_AUDIENCE'], others)) return null
  const domain = reader.text('AUTH0_DOMAIN') ?? ''
  if (!isHostName(domain)) reader.problem('AUTH0_DOMAIN', 'must be a host name, for example acme.eu.auth0.com')
  return {
    domain: domain.toLowerCase(),
    audience: reader.list('AUTH0_AUDIENCE'),
    login: readLogin(reader, 'AUTH0_CLIENT_ID', 'AUTH0_CLIENT_SECRET'),
    emailDomains: readDomains(reader, 'AUTH0_EMAIL_DOMAINS'),
    emailClaim: reader.claim('AUTH0_EMAIL_CLAIM'),
    carriesScopes: reader.flag('AUTH0_SCOPES', false),
  }
}

function readGithub(reader: ConfigReader): GithubConfig | null {
  if (!isConfigured(reader, ['GITHUB_CLIENT_ID', 'GITHUB_CLIENT_SECRET'], ['GITHUB_ALLOW_PERSONAL_TOKENS'])) return null
  const allowPersonalTokens = reader.flag('GITHUB_ALLOW_PERSONAL_TOKENS', false)
  if (allowPersonalTokens)
    reader.warn(
      'GITHUB_ALLOW_PERSONAL_TOKENS',
      'personal tokens are accepted although nothing proves they were meant for us',
    )
  return {
    clientId: reader.text('GITHUB_CLIENT_ID') ?? '',
    clientSecret: reader.text('GITHUB_CLIENT_SECRET') ?? '',
    allowPersonalTokens,
  }
}

function readSharedSecret(reader: ConfigReader): SharedSecretConfig | null {
  const others = ['JWT_AUDIENCE', 'JWT_SUBJECT_CLAIM', 'JWT_DOMAINS', 'JWT_TRUST_TENANT_CLAIM', 'JWT_SCOPES'] as const
  if (!isConfigured(reader, ['JWT_SECRET_KEY', 'JWT_ISSUER'], others)) return null
  return {
    secrets: reader.listOf(
      'JWT_SECRET_KEY',
      (secret) => Buffer.byteLength(secret) >= 32,
      'must have at least 32 bytes (RFC 7518 section 3.2)',
    ),
    issuer: reader.text('JWT_ISSUER') ?? '',
    audience: reader.list('JWT_AUDIENCE'),
    subjectClaim: reader.claim('JWT_SUBJECT_CLAIM') ?? 'sub',
    domains: readDomains(reader, 'JWT_DOMAINS'),
    trustTenantClaim: reader.flag('JWT_TRUST_TENANT_CLAIM', false),
    carriesScopes: reader.flag('JWT_SCOPES', false),
  }
}

function readStaticKey(reader: ConfigReader, production: boolean): StaticKeyConfig | null {
  if (!isConfigured(reader, ['API_KEY', 'API_KEY_TENANT'], ['API_KEY_ROLE'])) return null
  const key = reader.text('API_KEY') ?? ''
  const tenant = reader.text('API_KEY_TENANT') ?? ''
  if (production && key.length < 32) reader.problem('API_KEY', 'must have at least 32 characters in production')
  if (OTHER_TOKEN.test(key)) reader.problem('API_KEY', "looks like another provider's token; choose a random value")
  if (/\s|[^\u0021-\u007e]/.test(key)) reader.problem('API_KEY', 'must be printable ASCII without spaces')
  reader.warn(
    'API_KEY',
    'one key in plain text, for good: `key create` makes keys that are stored as digests, expire and can be revoked',
  )
  if (!isSlug(tenant)) reader.problem('API_KEY_TENANT', 'must be a slug: a letter, then at most 40 of a-z, 0-9 and _')
  return { key, tenant, role: reader.choice('API_KEY_ROLE', ['viewer', 'member', 'admin'], 'member') }
}
