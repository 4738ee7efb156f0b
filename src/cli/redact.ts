import type { Config } from '#base/config.ts'

/** Members of Config whose values are secrets, wherever they stand. */
const SECRET = new Set([
  'sessionSecrets',
  'signingKey',
  'appPassword',
  'metricsToken',
  'clientSecret',
  'exporterHeaders',
  'secrets',
  'key',
  // Of an upstream: who we are there.
  'shared',
])
/** Members that are URLs with a password in them. */
const URLS = new Set(['url', 'adminUrl', 'directUrl', 'placements', 'replicas'])

/** The configuration for people to read: of a secret only whether it is there, of a database URL only where it leads. */
export function redact(config: Config): unknown {
  return without(config, '')
}

function without(value: unknown, name: string): unknown {
  if (value === null || (Array.isArray(value) && value.length === 0)) return value
  if (SECRET.has(name)) return '(set)'
  if (typeof value === 'string') return URLS.has(name) ? place(value) : value
  if (Array.isArray(value)) return value.map((item: unknown) => without(item, name))
  if (typeof value !== 'object') return value
  // A placement's name is its operator's: what counts is under what it stands.
  return Object.fromEntries(
    Object.entries(value).map(([member, inner]) => [
      member,
      without(inner, name === 'placements' || name === 'replicas' ? name : member),
    ]),
  )
}

/** Host, port and database; nothing of user, password or query, where libpq allows a password too. */
function place(url: string): string {
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname}`
}
