import { RegistryError } from './registry-error.ts'

/** A text someone chose: trimmed, 1..`most` characters, no control characters (they would forge lines in logs and terminals). */
export function boundedText(what: string, text: string, most: number, field: string | null = null): string {
  const trimmed = text.trim()
  if (trimmed === '' || trimmed.length > most)
    throw new RegistryError('invalid', `${what} must have 1 to ${most} characters`, field)
  if (/\p{Cc}/u.test(trimmed)) throw new RegistryError('invalid', `${what} must not hold control characters`, field)
  return trimmed
}

/** A text somebody looks for, as a bound value can hold it; null: anything. Postgres holds no NUL. */
export function soughtText(text: string | undefined): string | null {
  const sought = (text ?? '')
    .replaceAll(/\p{Cc}/gu, '')
    .trim()
    .slice(0, 100)
  return sought === '' ? null : sought
}
