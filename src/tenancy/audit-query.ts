import { isUuid } from '#base/id.ts'
import { RegistryError } from './registry-error.ts'
import type { AuditRow } from './audit.ts'

/** Where an entry lies. `tools`: tool calls and refused requests, in the tenant's own schema; `admin`: changes, in the registry. */
export const AUDIT_SOURCES = ['tools', 'admin'] as const
export type AuditSource = (typeof AUDIT_SOURCES)[number]
export const AUDIT_OUTCOMES = ['ok', 'refused', 'failed'] as const

/** What to look for; everything absent matches. */
export interface AuditQuery {
  /** One action, or all that begin so: `domain.*`, `delete_*`. */
  readonly action?: string
  /** A user id (`provider:sub`), a member's email address or row id, an API key's id or name, or `operator:<name>`. */
  readonly actor?: string
  /** Exactly this, or the email address of a member whom it was about. */
  readonly target?: string
  readonly outcome?: AuditRow['outcome']
  readonly source?: AuditSource
  /** Inclusive; milliseconds since the epoch. */
  readonly since?: number
  /** Exclusive. */
  readonly until?: number
}

/** A place in the list: when it happened, to the microsecond in UTC, and the id. Later places are greater, also as text. */
export interface AuditPlace {
  readonly at: string
  readonly id: string
}

const LEAST = '00000000-0000-0000-0000-000000000000'
const PLACE = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/

/** Is `a` the later one? */
export const isLater = (a: AuditPlace, b: AuditPlace): boolean => (a.at === b.at ? a.id > b.id : a.at > b.at)

/** The text that `placeOf` reads: sort keys and nothing else, so it grants nothing (D34). */
export const cursorOf = ({ at, id }: AuditPlace): string => Buffer.from(`${at} ${id}`).toString('base64url')

/** invalid: the cursor is none of ours. */
function placeOf(cursor: string): AuditPlace {
  const [at = '', id = '', ...more] = cursor.length > 128 ? [] : Buffer.from(cursor, 'base64url').toString().split(' ')
  const is = more.length === 0 && PLACE.test(at) && isTime(at) && isUuid(id)
  if (!is) throw new RegistryError('invalid', 'the cursor is none of ours', 'cursor')
  return { at, id }
}

/** One of the calendar: Date takes 30 February for 2 March and knows a year 0, Postgres refuses both. */
function isTime(at: string): boolean {
  const date = new Date(at)
  return !at.startsWith('0000') && !Number.isNaN(date.getTime()) && date.toISOString().slice(0, 23) === at.slice(0, 23)
}

/** Below which place to begin, and down to which time; null: the latest, and all there is. */
export function rangeOf(
  query: AuditQuery,
  cursor: string | undefined,
): { readonly before: AuditPlace | null; readonly since: string | null } {
  const until = query.until === undefined ? null : { at: exact('until', query.until), id: LEAST }
  const after = cursor === undefined ? null : placeOf(cursor)
  return {
    before: until !== null && (after === null || isLater(after, until)) ? until : after,
    since: query.since === undefined ? null : exact('since', query.since),
  }
}

function exact(name: 'since' | 'until', at: number): string {
  // What text sorts by: four digits of the year.
  const date = new Date(at)
  if (!(date.getUTCFullYear() >= 1 && date.getUTCFullYear() <= 9999))
    throw new RegistryError('invalid', `\`${name}\` is not a time that can be`, name)
  return date.toISOString().replace('Z', '000Z')
}

/** The one action that is meant, or how all that are meant begin. invalid: too long, or a star that is not at the end. */
export function actionsOf({ action }: AuditQuery): { action: string | null; prefix: string | null } {
  if (action === undefined) return { action: null, prefix: null }
  const name = action.endsWith('*') ? action.slice(0, -1) : action
  if (name.length > 128 || name.includes('*') || /[\p{Cc}\p{Surrogate}]/u.test(name))
    throw new RegistryError(
      'invalid',
      'an action is a name such as delete_project, or the beginning of one such as domain.*',
      'action',
    )
  if (name === action) return { action, prefix: null }
  return { action: null, prefix: name === '' ? null : name }
}

/** invalid: longer than anything that is stored, or with characters that are stored nowhere. */
export function wordOf(name: 'actor' | 'target', text: string | undefined): string | null {
  if (text === undefined) return null
  if (text === '' || text.length > 2048 || /[\p{Cc}\p{Surrogate}]/u.test(text))
    throw new RegistryError('invalid', `this is no ${name} that can be looked for`, name)
  return text
}
