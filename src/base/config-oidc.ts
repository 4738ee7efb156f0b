import type { LoginCredentials, OidcConfig } from './config.ts'
import type { ConfigReader, Environment } from './config-reader.ts'
import { isEmailDomain, isIssuerUrl, isSlug, publicMailboxes } from './config-values.ts'
import { INSTANCE_NAME, settings, type SettingName } from './settings.ts'

const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
/** Ids of the other providers: an issuer of that name would speak in their name in `user_id` and `asserted_by`. */
const TAKEN = ['google', 'auth0', 'github', 'oidc', 'shared_secret', 'api_key', 'static_key', 'development']
const OIDC_SETTINGS = settings.filter(({ group }) => group === 'OpenID').map(({ name }) => name)
/** OIDC_<NAME>_ and the rest of any setting: one without its issuer must not be passed over in silence. */
const NAMED = new RegExp(
  `^OIDC_(${INSTANCE_NAME})_(?:${OIDC_SETTINGS.map((name) => name.slice('OIDC_'.length)).join('|')})(?:_FILE)?$`,
)
const PLAIN: ReadonlySet<string> = new Set(OIDC_SETTINGS.flatMap((name) => [name, `${name}_FILE`]))

/** OIDC_ISSUER and every OIDC_<NAME>_ISSUER, with what only holds between them (D6, D14). `alone`: no other issuer of JWTs. */
export function readIssuers(
  reader: ConfigReader,
  env: Environment,
  { production, alone }: { readonly production: boolean; readonly alone: boolean },
): readonly OidcConfig[] {
  const set = Object.keys(env).filter((variable) => !PLAIN.has(variable) && (env[variable] ?? '').trim() !== '')
  const names = [...new Set(set.flatMap((variable) => NAMED.exec(variable)?.[1] ?? []))].toSorted()
  const readers = [
    ...(OIDC_SETTINGS.some((name) => reader.has(name)) ? [{ id: 'oidc', reader }] : []),
    ...names.map((name) => ({ id: name.toLowerCase(), reader: reader.of(name) })),
  ].filter(
    ({ reader }) => reader.has('OIDC_ISSUER') || reader.problem('OIDC_ISSUER', 'needed by the other OIDC_ variables'),
  )
  const single = readers.length === 1 && alone

  const issuers = readers.map(({ id, reader }) => {
    const issuer = readIssuer(id, reader, production, single)
    if (readers.length > 1 && issuer.tenant === null && !reader.has('OIDC_DOMAINS'))
      reader.problem(
        'OIDC_DOMAINS',
        `needed with more than one issuer, or ${reader.variable('OIDC_TENANT')}: otherwise one could vouch for the people of another`,
      )
    return { reader, issuer }
  })
  const introspecting = issuers.filter(({ issuer }) => issuer.introspection !== null)
  for (const { reader } of introspecting.slice(1))
    reader.problem(
      'OIDC_INTROSPECTION',
      `only one issuer can be asked about opaque tokens; ${introspecting[0]?.reader.variable('OIDC_INTROSPECTION')} is one already`,
    )
  for (const [index, { reader, issuer }] of issuers.entries())
    if (issuers.slice(0, index).some((other) => other.issuer.issuer === issuer.issuer))
      reader.problem('OIDC_ISSUER', 'the same issuer is configured twice')
  return issuers.map(({ issuer }) => issuer)
}

function readIssuer(id: string, reader: ConfigReader, production: boolean, single: boolean): OidcConfig {
  const issuer = reader.text('OIDC_ISSUER') ?? ''
  if (!isIssuerUrl(issuer, production))
    reader.problem(
      'OIDC_ISSUER',
      production ? 'must be an https URL' : 'must be an https URL (http outside production only)',
    )
  if (TAKEN.includes(id) && reader.variable('OIDC_ISSUER') !== 'OIDC_ISSUER')
    reader.problem('OIDC_ISSUER', `${id} is the id of another provider; choose another name`)
  const audience = reader.list('OIDC_AUDIENCE')
  const login = readLogin(reader, 'OIDC_CLIENT_ID', 'OIDC_CLIENT_SECRET')
  if (audience.length === 0 && login === null)
    reader.problem('OIDC_AUDIENCE', 'needed: without it a token meant for any other service would open this one')
  const tenant = reader.text('OIDC_TENANT')
  if (tenant !== null && !isSlug(tenant))
    reader.problem('OIDC_TENANT', 'must be a slug: a letter, then at most 40 of a-z, 0-9 and _')
  const algorithms = reader.listOf(
    'OIDC_ALGORITHMS',
    (name) => ALGORITHMS.includes(name),
    `must be of ${ALGORITHMS.join(', ')}`,
  )
  const anyAddress = reader.text('OIDC_DOMAINS') === '*' || (!reader.has('OIDC_DOMAINS') && single && !production)
  return {
    id,
    issuer,
    audience,
    login,
    tokenUse: reader.choice('OIDC_TOKEN_USE', ['any', 'id_token', 'access_token'], 'any'),
    carriesScopes: reader.flag('OIDC_SCOPES', false),
    domains: anyAddress ? '*' : readDomains(reader, 'OIDC_DOMAINS'),
    tenant,
    organizationClaim: reader.claim('OIDC_ORGANIZATION_CLAIM'),
    tenantIds: reader.listOf(
      'OIDC_TENANT_IDS',
      (tid) => /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(tid),
      'must be directory ids (UUIDs)',
    ),
    introspection: readIntrospection(reader, production),
    algorithms: algorithms.length === 0 ? ALGORITHMS : algorithms,
  }
}

function readIntrospection(reader: ConfigReader, production: boolean): OidcConfig['introspection'] {
  const value = reader.text('OIDC_INTROSPECTION')
  if (value === null || value === 'false') return null
  const endpoint = value === 'true' ? null : value
  if (endpoint !== null && !isIssuerUrl(endpoint, production))
    reader.problem('OIDC_INTROSPECTION', 'must be true, false, or the https URL of the endpoint')
  const clientId = reader.text('OIDC_INTROSPECTION_CLIENT_ID') ?? reader.text('OIDC_CLIENT_ID')
  const clientSecret = reader.text('OIDC_INTROSPECTION_CLIENT_SECRET') ?? reader.text('OIDC_CLIENT_SECRET')
  if (clientId !== null && clientSecret !== null) return { endpoint, clientId, clientSecret }
  return reader.problem(
    'OIDC_INTROSPECTION',
    `needs ${reader.variable('OIDC_CLIENT_ID')} and ${reader.variable('OIDC_CLIENT_SECRET')}, or those of OIDC_INTROSPECTION_`,
  )
}

/** Domains an issuer is authoritative for; a public mailbox is nobody's (D6). */
export function readDomains(reader: ConfigReader, name: SettingName): readonly string[] {
  const domains = reader.listOf(name, isEmailDomain, 'must be domains in lower case, for example acme.com')
  const mailboxes = domains.length === 0 ? new Set() : publicMailboxes()
  const open = domains.filter((domain) => mailboxes.has(domain))
  if (open.length > 0)
    reader.problem(name, `${open.join(', ')}: anybody can get an address there, so no issuer speaks for it`)
  return domains
}

/** Both or nothing is not asked for: a public client has no secret. */
export function readLogin(reader: ConfigReader, id: SettingName, secret: SettingName): LoginCredentials | null {
  const clientId = reader.text(id)
  const clientSecret = reader.text(secret)
  if (clientId === null && clientSecret !== null) reader.problem(id, `needed by ${reader.variable(secret)}`)
  return clientId === null ? null : { clientId, clientSecret }
}
