import { ConfigError } from '#base/config.ts'

/** What a slug may be: short enough for an identifier with every prefix before it (Postgres: 63 bytes), and in need of no quotes. */
const SLUG = /^[a-z][a-z0-9_]{0,40}$/
const PREFIX = /^([a-z][a-z0-9_]{0,13})?$/
const SCHEMA = /^tenant_[a-z][a-z0-9_]{0,55}$/

/** The roles a database knows besides its tenants'. They belong to the whole Postgres server; see `appRole` for the one that does not. */
export const ROLE = {
  /** Owns every table, so that a tenant's role can neither change nor drop them. */
  owner: 'gatehouse_owner',
  resolver: 'gatehouse_resolver',
  desk: 'gatehouse_desk',
  operator: 'gatehouse_operator',
} as const

/**
 * Name of a tenant's schema and of its role. Made once, at provisioning, and then read from the registry's row.
 * @param prefix config.database.slugPrefix; '' unless several databases share a Postgres server.
 */
export function schemaName(slug: string, prefix = ''): `tenant_${string}` {
  if (!SLUG.test(slug)) throw new TypeError(`not a slug: ${JSON.stringify(slug)}`)
  checkPrefix(prefix)
  return `tenant_${prefix}${slug}`
}

/** The pool's login role (D17). Its password belongs to one deployment, so databases that share a server have one each. */
export function appRole(prefix: string): string {
  checkPrefix(prefix)
  return prefix === '' ? 'gatehouse_app' : `gatehouse_app_${prefix.replace(/_$/, '')}`
}

function checkPrefix(prefix: string): void {
  if (!PREFIX.test(prefix)) throw new ConfigError([`DATABASE_SLUG_PREFIX: must match ${PREFIX.source}`])
}

/** Schema names are put into statements as identifiers: this is what makes that safe, whoever made the row. */
export function assertSchema(schema: string): asserts schema is `tenant_${string}` {
  if (!SCHEMA.test(schema)) throw new TypeError(`not a tenant's schema: ${JSON.stringify(schema)}`)
}
