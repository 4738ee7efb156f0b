import type { Setting } from './settings.ts'

/** Where the data lives, and who gets a tenant of their own there. */
export const DATABASE_SETTINGS = {
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
  DATABASE_REPLICA_URL: {
    group: 'Database',
    about:
      'A streaming replica: tools that only read go there when it has all that was written before. The named form is of DATABASE_URL_<NAME>.',
    default: 'none',
    example: 'postgresql://user:password@replica:5432/gatehouse',
    secret: true,
    named: 'DATABASE_REPLICA_URL_<NAME>',
  },
  DATABASE_CITUS: {
    group: 'Database',
    about: 'DATABASE_URL is the coordinator of a Citus cluster: a schema per tenant on its workers, called directly.',
    default: 'false',
    example: 'true',
  },
  DATABASE_APP_PASSWORD: {
    group: 'Database',
    about: 'Password of the login role gatehouse_app, at least 16 characters. Make one: openssl rand -hex 32',
    default: 'derived from SESSION_SECRET',
    example: '...',
    secret: true,
  },
  DATABASE_APP_ROLE: {
    group: 'Database',
    about: '`off` where a platform cannot make login roles: calls then log in as the user of DATABASE_URL.',
    default: 'on',
    example: 'off',
  },
  DATABASE_POOL_MAX: {
    group: 'Database',
    about: 'Connections of one process to each server, for calls.',
    default: '10',
    example: '20',
  },
  DATABASE_POOL_TOTAL: {
    group: 'Database',
    about:
      'Connections of one process to all servers together, for calls; idle ones are given up for those that are needed. WORKERS share it.',
    default: 'twice DATABASE_POOL_MAX, times WORKERS',
    example: '40',
  },
  DEFAULT_PLACEMENT: {
    group: 'Database',
    about: 'The server that new tenants live on: the NAME of a DATABASE_URL_<NAME>, lower case.',
    default: 'default',
    example: 'eu',
  },
  DATABASE_POOL_MAX_LIFETIME: {
    group: 'Database',
    about: 'Seconds after which a connection is replaced; 0: never.',
    default: '1800',
    example: '1800',
  },
  DATABASE_POOL_MAX_USES: {
    group: 'Database',
    about:
      'Transactions after which a connection is replaced, as its memory in Postgres grows with each tenant; 0: never.',
    default: '5000',
    example: '5000',
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
  TENANT_LOGIN_CONNECTIONS: {
    group: 'Database',
    about: 'With TENANT_LOGIN: connections of all tenants together in one process, two for each that is active.',
    default: '50',
    example: '50',
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
} as const satisfies Record<string, Setting>
