import { RegistryError } from './registry-error.ts'

/** What writes backwards (it shows one name as another) or ends a line, besides the control characters. */
const DISGUISE = /[\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/u

/**
 * A text someone chose: trimmed, 1..`most` characters of which one can be seen, no control characters (they would forge lines in logs and
 * terminals) and none that changes the direction of writing.
 */
export function boundedText(what: string, text: string, most: number, field: string | null = null): string {
  const trimmed = text.trim()
  if (!/[^\p{Cf}\p{Z}]/u.test(trimmed) || trimmed.length > most)
    throw new RegistryError('invalid', `${what} must have 1 to ${most} characters`, field)
  if (/\p{Cc}/u.test(trimmed) || DISGUISE.test(trimmed))
    throw new RegistryError('invalid', `${what} must not hold control characters`, field)
  return trimmed
}

/** What somebody else says about a person, to be shown: without what would forge a line or another name. */
export const shownText = (text: string): string =>
  text.replaceAll(/\p{Cc}/gu, '').replaceAll(new RegExp(DISGUISE, 'gu'), '')

/** Is that what somebody read and typed again? Nobody sees how many spaces there are, nor what has no width. */
export const isAsRead = (typed: string, shown: string): boolean => seen(typed) === seen(shown)

const seen = (text: string): string =>
  text
    .normalize('NFC')
    .replaceAll(/\p{Cf}/gu, '')
    .replaceAll(/\s+/gu, ' ')
    .trim()

/** A text somebody looks for, as a bound value can hold it; null: anything. Postgres holds no NUL. */
export function soughtText(text: string | undefined): string | null {
  const sought = (text ?? '')
    .replaceAll(/\p{Cc}/gu, '')
    .trim()
    .slice(0, 100)
  return sought === '' ? null : sought
}
