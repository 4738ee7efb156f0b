/** What is mutated together, and the tests that must notice. `npm run mutate -- <name>` runs one of them. */
export interface Room {
  /** A folder of the source, or one file. */
  readonly source: string
  /** The files of the folder that belong to this room, as names without `.ts`; absent: all that no other room names. */
  readonly only?: readonly string[]
  /** Test files, as globs: the room's own, which are fast. A mutant runs those of their tests that reach it. */
  readonly tests: readonly string[]
  /** Do these tests need the real Postgres of tests/support/global.ts? */
  readonly postgres: boolean
}

/** Killed and timed out, in percent of all valid mutants: below this `npm run mutate` fails. */
export const LEAST = 85

export const rooms: Readonly<Record<string, Room>> = {
  // Parts, each with the few tests that are about it, as every test that reaches a mutant is run on it.
  'identity-words': {
    source: 'src/identity',
    only: [
      'algorithms',
      'api-key',
      'authenticate',
      'bearer',
      'breaker',
      'email',
      'identity',
      'json',
      'jwt-parse',
    ].concat(['refreshed', 'scopes', 'semaphore', 'token-digest', 'unavailable', 'unique-members', 'usable-keys']),
    // Not any-input.test.ts: a hundred inputs each take longer than all the others.
    tests: [
      'tests/identity/{algorithms,api-key,authenticate,bearer,breaker,email,jwt-parse}.test.ts',
      'tests/identity/{refreshed,scopes,semaphore,token-digest,usable-keys}.test.ts',
    ],
    postgres: false,
  },
  identity: {
    source: 'src/identity',
    tests: ['tests/identity/{discovery,jwks,jwt,opaque,signature}.test.ts'],
    postgres: false,
  },
  // Never seven-cases.test.ts: it waits out real time limits.
  'providers-words': {
    source: 'providers',
    only: ['api-key', 'claims', 'network', 'prefixes', 'static-key', 'upstream'],
    tests: ['tests/providers/{claims,facts,keys,network,upstream}.test.ts'],
    postgres: false,
  },
  'providers-entra': {
    source: 'providers',
    only: ['entra'],
    tests: ['tests/providers/entra.test.ts'],
    postgres: false,
  },
  'providers-github': {
    source: 'providers',
    only: ['github'],
    tests: ['tests/providers/{facts,github,sign-in}.test.ts'],
    postgres: false,
  },
  'providers-google': {
    source: 'providers',
    only: ['google', 'userinfo'],
    tests: ['tests/providers/{facts,google,sign-in}.test.ts'],
    postgres: false,
  },
  providers: {
    source: 'providers',
    tests: ['tests/providers/{audience,auth0,facts,index,oidc,service-token,shared-secret,sign-in}.test.ts'],
    postgres: false,
  },
  challenge: {
    source: 'src/http/challenge.ts',
    tests: ['tests/http/challenge.test.ts'],
    postgres: false,
  },
  // A mutant waits for every test that reaches it, and in tenancy nearly all reach nearly everything: each part has its own few tests.
  // What decides without a database is held by tests without one, which take a tenth of the time.
  'tenancy-words': {
    source: 'src/tenancy',
    only: [
      'audit',
      'digest',
      'domain-name',
      'evidence',
      'key-terms',
      'paging',
      'registry-cache',
      'roles',
      'seeds',
      'slug',
    ].concat(['standing', 'tenant-row', 'tenant', 'text', 'whoami']),
    tests: ['tests/tenancy/{audit-mac,domain-name,evidence,key-terms,paging,registry-cache,roles}.test.ts'],
    postgres: false,
  },
  'tenancy-standing': {
    source: 'src/tenancy',
    only: ['blocked', 'key-standing'],
    tests: ['tests/tenancy/key-standing.test.ts'],
    postgres: true,
  },
  'tenancy-people': {
    source: 'src/tenancy',
    only: ['candidate', 'memberships', 'provision', 'resolve', 'vacancy'],
    tests: ['tests/tenancy/{membership,provision,resolution}.test.ts'],
    postgres: true,
  },
  'tenancy-directory': {
    source: 'src/tenancy',
    only: ['directory', 'key-lookup', 'last-use'],
    tests: ['tests/tenancy/{cut-off,dropped}.test.ts'],
    postgres: true,
  },
  'tenancy-audit': {
    source: 'src/tenancy',
    only: ['audit-read', 'audit-verify', 'checkpoint'],
    tests: ['tests/tenancy/audit.test.ts'],
    postgres: true,
  },
  tenancy: {
    source: 'src/tenancy',
    tests: ['tests/tenancy/{registry,rights,told}.test.ts'],
    postgres: true,
  },
  'db-words': {
    source: 'src/db',
    only: ['admin-connection', 'change', 'database', 'errors', 'names', 'pool', 'scram', 'sql', 'statement'].concat([
      'tenant-door',
      'transaction',
    ]),
    tests: ['tests/db/{admin-connection,change,connection,errors,names,pool,statement,tenant-door}.test.ts'],
    postgres: false,
  },
  'db-schema': {
    source: 'src/db',
    only: ['inspect', 'migrations', 'tenant-schema', 'wall'],
    tests: ['tests/db/{migrations,wall}.test.ts'],
    postgres: true,
  },
  'db-hub': { source: 'src/db', only: ['hub'], tests: ['tests/db/hub.test.ts'], postgres: true },
  db: {
    source: 'src/db',
    tests: ['tests/db/{administration,cluster}.test.ts'],
    postgres: true,
  },
}

/** Globs of the files of a room, as Stryker reads them. */
export function filesOf({ source, only }: Room): readonly string[] {
  const among = (names: readonly string[]): string => `${source}/{${[...names, 'none'].join(',')}}.ts`
  if (source.endsWith('.ts')) return [source]
  if (only !== undefined) return [among(only)]
  const others = Object.values(rooms).flatMap((room) => (room.source === source ? (room.only ?? []) : []))
  // The embedded database is another process's: its tests take seconds each, and are not for thousands of mutants.
  return [`${source}/**/*.ts`, `!${among(others)}`, `!${source}/embedded/**`]
}

/** The room that a file or folder belongs to. */
export function roomOf(path: string): string | undefined {
  const named = Object.entries(rooms).filter(([, { source }]) => path === source || path.startsWith(`${source}/`))
  const own = named.find(([, { source, only }]) => only?.includes(path.slice(source.length + 1, -'.ts'.length)))
  return (own ?? named.find(([, { only }]) => only === undefined))?.[0]
}
