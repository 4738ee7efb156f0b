/** What is mutated together, and the tests that must notice. `npm run mutate -- <name>` runs one of them. */
export interface Room {
  /** A folder of the source, or one file. */
  readonly source: string
  /** Test files, as globs: the room's own, which are fast. A mutant runs those of their tests that reach it. */
  readonly tests: readonly string[]
  /** Do these tests need the real Postgres of tests/support/global.ts? */
  readonly postgres: boolean
}

/** Killed and timed out, in percent of all valid mutants: below this `npm run mutate` fails. */
export const LEAST = 85

export const rooms: Readonly<Record<string, Room>> = {
  identity: {
    source: 'src/identity',
    tests: ['tests/identity/**/*.test.ts', 'tests/properties/{classifier,encodings,scopes}.test.ts'],
    postgres: false,
  },
  providers: {
    source: 'providers',
    // Not seven-cases.test.ts: it waits out real time limits.
    tests: ['tests/providers/{auth0,entra,github,google,index,keys,network,oidc,shared-secret}.test.ts'],
    postgres: false,
  },
  challenge: {
    source: 'src/http/challenge.ts',
    tests: ['tests/http/challenge.test.ts'],
    postgres: false,
  },
  tenancy: {
    source: 'src/tenancy',
    tests: ['tests/tenancy/**/*.test.ts', 'tests/properties/domains.test.ts'],
    postgres: true,
  },
  db: {
    source: 'src/db',
    tests: ['tests/db/**/*.test.ts'],
    postgres: true,
  },
}
