import { bareHost, isLoopbackHost, urlOf } from './address.ts'
import type { ConfigReader, Environment } from './config-reader.ts'
import { isScope } from './config-values.ts'
import { INSTANCE_NAME, settings, type SettingName } from './settings.ts'
import {
  fieldProblem,
  fieldsOf,
  HEADER_NAME,
  isPlainPath,
  LOGIN_FIELDS,
  TRANSPORT_HEADERS,
  type UpstreamAuth,
  type UpstreamConfig,
  type UpstreamFields,
} from './upstream.ts'

const UPSTREAM = settings.filter(({ group }) => group === 'Upstreams').map(({ name }) => name)
const NAMED = new RegExp(
  `^UPSTREAM_(${INSTANCE_NAME})_(?:${UPSTREAM.map((name) => name.slice('UPSTREAM_'.length)).join('|')})(?:_FILE)?$`,
)
const PLAIN: ReadonlySet<string> = new Set(UPSTREAM.flatMap((name) => [name, `${name}_FILE`]))

const KINDS = ['none', 'header', 'client_credentials', 'login'] as const
type Kind = (typeof KINDS)[number]

/** Where each variable that is not for all kinds belongs. */
const ONLY_FOR: Partial<Record<SettingName, readonly Kind[]>> = {
  UPSTREAM_CREDENTIALS: ['header', 'client_credentials', 'login'],
  UPSTREAM_TENANT_MAY: ['header', 'client_credentials', 'login'],
  UPSTREAM_HEADER_NAMES: ['header'],
  UPSTREAM_HEADER_VALUES: ['header'],
  UPSTREAM_TOKEN_URL: ['client_credentials'],
  UPSTREAM_CLIENT_ID: ['client_credentials'],
  UPSTREAM_CLIENT_SECRET: ['client_credentials'],
  UPSTREAM_CLIENT_AUTH: ['client_credentials'],
  UPSTREAM_SCOPE: ['client_credentials'],
  UPSTREAM_AUDIENCE: ['client_credentials'],
  UPSTREAM_RESOURCE: ['client_credentials'],
  UPSTREAM_USERNAME: ['login'],
  UPSTREAM_PASSWORD: ['login'],
  UPSTREAM_LOGIN_PATH: ['login'],
  UPSTREAM_REFRESH_PATH: ['login'],
  UPSTREAM_LOGIN_FIELDS: ['login'],
  UPSTREAM_TOKEN_SCHEME: ['client_credentials', 'login'],
}

/** UPSTREAM_URL and every UPSTREAM_<NAME>_URL, with what each kind of credentials needs and nothing that it does not. */
export function readUpstreams(
  reader: ConfigReader,
  env: Environment,
  allowPrivate: boolean,
): readonly UpstreamConfig[] {
  const set = Object.keys(env).filter((variable) => !PLAIN.has(variable) && (env[variable] ?? '').trim() !== '')
  const names = [...new Set(set.flatMap((variable) => NAMED.exec(variable)?.[1] ?? []))].toSorted()
  return [
    ...(UPSTREAM.some((name) => reader.has(name)) ? [{ name: 'default', reader }] : []),
    ...names.map((name) => ({ name: name.toLowerCase(), reader: reader.of(name) })),
  ].flatMap(({ name, reader: of }) => {
    if (name === 'default' && of.variable('UPSTREAM_URL') !== 'UPSTREAM_URL')
      of.problem(
        'UPSTREAM_URL',
        'default is what UPSTREAM_URL is called; choose another name, for example UPSTREAM_CRM_URL',
      )
    const upstream = readUpstream(name, of, allowPrivate)
    return upstream === null ? [] : [upstream]
  })
}

function readUpstream(name: string, reader: ConfigReader, allowPrivate: boolean): UpstreamConfig | null {
  if (!reader.has('UPSTREAM_URL'))
    return reader.problem(
      'UPSTREAM_URL',
      'needed by the other variables of this upstream, for example https://api.example.com',
    )
  const url = readUrl(reader, 'UPSTREAM_URL', allowPrivate)
  if (!reader.has('UPSTREAM_AUTH')) reader.problem('UPSTREAM_AUTH', `needed: one of ${KINDS.join(', ')}`)
  const kind = reader.choice('UPSTREAM_AUTH', KINDS, 'none')
  for (const [variable, kinds] of Object.entries(ONLY_FOR))
    if (!kinds.includes(kind) && reader.has(settingOf(variable)) && reader.has('UPSTREAM_AUTH'))
      reader.problem(
        settingOf(variable),
        `means nothing with ${reader.variable('UPSTREAM_AUTH')}=${kind}; it is for ${kinds.join(', ')}`,
      )
  const auth = readAuth(kind, reader, allowPrivate)
  return {
    name,
    url,
    auth,
    shared: readShared(auth, reader),
    tenantMay: reader.choice('UPSTREAM_TENANT_MAY', ['nothing', 'credentials', 'url'], 'nothing'),
    timeout: reader.count('UPSTREAM_TIMEOUT', 10, [1, 300]) * 1000,
    concurrency: reader.count('UPSTREAM_CONCURRENCY', 10, [1, 1000]),
    maxBytes: reader.count('UPSTREAM_MAX_BYTES', 1_048_576, [1024, 67_108_864]),
  }
}

function settingOf(name: string): SettingName {
  const found = UPSTREAM.find((one) => one === name)
  if (found === undefined) throw new Error(`${name} is no setting of upstreams`)
  return found
}

/** The rule of the outbound guard, at start, so that it is not found out at night. */
function readUrl(reader: ConfigReader, name: 'UPSTREAM_URL' | 'UPSTREAM_TOKEN_URL', allowPrivate: boolean): string {
  const text = reader.text(name) ?? ''
  const url = urlOf(text)
  const plain = url !== null && url.username === '' && url.password === '' && !/[?#\\\s]/.test(text)
  if (!plain) {
    reader.problem(name, 'must be a URL without user, query or fragment, for example https://api.example.com/v1')
    return ''
  }
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && allowPrivate && isLoopbackHost(bareHost(url))))
    reader.problem(name, 'must be https; http is for this machine only, with EGRESS_ALLOW_PRIVATE=true')
  return url.href.replace(/\/+$/, '')
}

function readAuth(kind: Kind, reader: ConfigReader, allowPrivate: boolean): UpstreamAuth {
  if (kind === 'none') return { kind }
  if (kind === 'header') {
    const valid = (name: string): boolean =>
      HEADER_NAME.test(name) && !(name in {}) && !TRANSPORT_HEADERS.has(name.toLowerCase())
    const names = reader.listOf('UPSTREAM_HEADER_NAMES', valid, 'must be names of headers, for example X-Api-Key')
    if (new Set(names.map((name) => name.toLowerCase())).size < names.length)
      reader.problem('UPSTREAM_HEADER_NAMES', 'names a header twice')
    return { kind, names: names.length === 0 ? ['Authorization'] : names }
  }
  const scheme = reader.text('UPSTREAM_TOKEN_SCHEME') ?? 'Bearer'
  if (!HEADER_NAME.test(scheme)) reader.problem('UPSTREAM_TOKEN_SCHEME', 'must be one word, for example Bearer')
  if (kind === 'login') return readLogin(reader, scheme)
  if (!reader.has('UPSTREAM_TOKEN_URL'))
    reader.problem(
      'UPSTREAM_TOKEN_URL',
      'needed by client_credentials, for example https://auth.example.com/oauth/token',
    )
  const scopes = reader.listOf('UPSTREAM_SCOPE', isScope, 'must be scopes, separated by commas')
  return {
    kind,
    tokenUrl: reader.has('UPSTREAM_TOKEN_URL') ? readUrl(reader, 'UPSTREAM_TOKEN_URL', allowPrivate) : '',
    method: reader.choice('UPSTREAM_CLIENT_AUTH', ['basic', 'post'], 'basic'),
    scope: scopes.length === 0 ? null : scopes.join(' '),
    audience: reader.text('UPSTREAM_AUDIENCE'),
    resource: reader.text('UPSTREAM_RESOURCE'),
    scheme,
  }
}

function readLogin(reader: ConfigReader, scheme: string): UpstreamAuth {
  const path = (name: 'UPSTREAM_LOGIN_PATH' | 'UPSTREAM_REFRESH_PATH', otherwise: string): string => {
    const value = reader.text(name) ?? otherwise
    if (!isPlainPath(value)) reader.problem(name, `must be a path under the base URL, for example ${otherwise}`)
    return value
  }
  const names = reader.listOf(
    'UPSTREAM_LOGIN_FIELDS',
    (field) => /^[\w-]+(?:\.[\w-]+)*$/.test(field) && field.split('.').every((part) => !(part in {})),
    'must be names of JSON fields',
  )
  if (names.length !== 0 && names.length !== LOGIN_FIELDS.length)
    reader.problem('UPSTREAM_LOGIN_FIELDS', `must be five names: those for ${LOGIN_FIELDS.join(',')}`)
  const at = (index: 0 | 1 | 2 | 3 | 4): string => names[index] ?? LOGIN_FIELDS[index]
  return {
    kind: 'login',
    loginPath: path('UPSTREAM_LOGIN_PATH', '/auth/login'),
    refreshPath:
      reader.text('UPSTREAM_REFRESH_PATH') === 'none' ? null : path('UPSTREAM_REFRESH_PATH', '/auth/refresh'),
    names: { username: at(0), password: at(1), access_token: at(2), refresh_token: at(3), expires_in: at(4) },
    scheme,
  }
}

const VARIABLES = {
  client_id: 'UPSTREAM_CLIENT_ID',
  client_secret: 'UPSTREAM_CLIENT_SECRET',
  username: 'UPSTREAM_USERNAME',
  password: 'UPSTREAM_PASSWORD',
} as const

/** The operator's own credentials: all of them, or none when tenants bring theirs. */
function readShared(auth: UpstreamAuth, reader: ConfigReader): UpstreamFields | null {
  if (auth.kind === 'none') return {}
  const tenants = reader.choice('UPSTREAM_CREDENTIALS', ['shared', 'tenant'], 'shared') === 'tenant'
  const wanted: readonly SettingName[] =
    auth.kind === 'header'
      ? ['UPSTREAM_HEADER_VALUES']
      : auth.kind === 'login'
        ? ['UPSTREAM_USERNAME', 'UPSTREAM_PASSWORD']
        : ['UPSTREAM_CLIENT_ID', 'UPSTREAM_CLIENT_SECRET']
  for (const name of wanted) {
    if (tenants && reader.has(name))
      reader.problem(
        name,
        `would never be used with ${reader.variable('UPSTREAM_CREDENTIALS')}=tenant; leave one of them out`,
      )
    if (!tenants && !reader.has(name))
      reader.problem(name, `needed by ${auth.kind}, or say ${reader.variable('UPSTREAM_CREDENTIALS')}=tenant`)
  }
  if (tenants) return null
  const values = auth.kind === 'header' ? headerValues(auth.names, reader) : valuesOf(auth, reader)
  for (const [variable, value] of values) {
    const problem = value === null ? null : fieldProblem(auth, value)
    if (problem !== null) reader.problem(variable, problem)
  }
  return Object.fromEntries(fieldsOf(auth).map((field, index) => [field, values[index]?.[1] ?? '']))
}

type Read = readonly [SettingName, string | null]

const valuesOf = (auth: UpstreamAuth, reader: ConfigReader): readonly Read[] =>
  fieldsOf(auth).map((field) => {
    const variable =
      VARIABLES[field === 'client_id' || field === 'client_secret' || field === 'username' ? field : 'password']
    return [variable, reader.text(variable)]
  })

function headerValues(names: readonly string[], reader: ConfigReader): readonly Read[] {
  const text = reader.text('UPSTREAM_HEADER_VALUES')
  if (text === null) return []
  const lines = text.split(/\r?\n/).map((line) => line.trim())
  if (lines.length !== names.length)
    reader.problem('UPSTREAM_HEADER_VALUES', `must have one line for each of ${names.join(', ')}`)
  return lines.map((line) => ['UPSTREAM_HEADER_VALUES', line])
}
