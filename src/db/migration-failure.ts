import { DatabaseUnavailable, type MigrationFailure } from './database.ts'
import { named, sqlState } from './errors.ts'
import { MigrationFailed } from './migrations.ts'

/** What a failure is told with at most; Postgres may repeat whole rows. */
const LONGEST = 500

/** What lies at the bottom: Postgres' own words under ours. */
export const rootOf = (error: unknown): unknown =>
  error instanceof Error && error.cause instanceof Error ? rootOf(error.cause) : error

/** SQLSTATE of what lies under an error; null when Postgres did not speak. */
export const stateUnder = (error: unknown): string | null => sqlState(rootOf(error))

/** Is the server away, so that no other tenant on it would do better? */
export const isAway = (error: unknown): boolean =>
  error instanceof DatabaseUnavailable || named(rootOf(error)) instanceof DatabaseUnavailable

/** Why a tenant could not be brought up, and what to do about it where that is known. */
export function failureOf(
  { schema, slug }: { readonly schema: string; readonly slug: string },
  error: unknown,
): MigrationFailure {
  const root = rootOf(error)
  const sqlstate = sqlState(root)
  const file = fileOf(error)
  const said = root instanceof Error ? root.message : String(root)
  return { schema, slug, file, error: said.slice(0, LONGEST), sqlstate, hint: hintFor(sqlstate, said) }
}

const fileOf = (error: unknown): string | null => {
  if (error instanceof MigrationFailed) return error.file
  return error instanceof Error && error.cause !== undefined ? fileOf(error.cause) : null
}

/** By SQLSTATE, or its class. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [
    /^55P03$/,
    'something holds a table of this tenant: a long call, an open psql, a backup. Run again at a quieter hour, or with a longer --lock-timeout',
  ],
  [/^57014$/, 'one statement took longer than --statement-timeout. Give it more'],
  [
    /^(42P07|42701|42710|42P06)$/,
    'it is there already: somebody made it by hand in this schema. Remove or rename it, then run again',
  ],
  [
    /^(42P01|42703|42704|3F000)$/,
    'something the migration builds on is missing in this schema. Compare it with another tenant, or restore a backup',
  ],
  [
    /^23/,
    'rows of this tenant do not fit the new rule. Correct the rows, or write the migration so that it can live with them',
  ],
  [
    /^42501$/,
    'gatehouse_owner does not own what is to be changed. Give it back with ALTER ... OWNER TO gatehouse_owner',
  ],
  [/^53/, 'the server is out of disk, memory or connections'],
  [/^40P01$/, 'it met another transaction again and again. Run again at a quieter hour'],
]

function hintFor(state: string | null, said: string): string | null {
  if (/was changed after it was applied/.test(said))
    return 'put the file back as it was released: a correction is a migration of its own'
  return HINTS.find(([pattern]) => state !== null && pattern.test(state))?.[1] ?? null
}
