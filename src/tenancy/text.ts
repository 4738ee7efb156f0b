import { RegistryError } from './registry-error.ts'

/** A text someone chose: trimmed, 1..`most` characters, no control characters (they would forge lines in logs and terminals). */
export function boundedText(what: string, text: string, most: number, field: string | null = null): string {
  const trimmed = text.trim()
  if (trimmed === '' || trimmed.length > most)
    throw new RegistryError('invalid', `${what} must have 1 to ${most} characters`, field)
  if (/\p{Cc}/u.test(trimmed)) throw new RegistryError('invalid', `${what} must not hold control characters`, field)
  return trimmed
}
