import { randomBytes } from 'node:crypto'

/**
 * A UUIDv7 (RFC 9562 section 5.7): 48 bits of milliseconds, then 74 random bits. Made here and not by Postgres,
 * because Postgres has it only from 18 on. Sorts by creation time to the millisecond.
 */
export function uuidv7(now: number = Date.now()): string {
  const bytes = randomBytes(16)
  bytes.writeUIntBE(now, 0, 6)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** The least UUIDv7 of a moment: every id made before it is less. */
export const firstIdOf = (at: number): string => `${uuidv7(at).slice(0, 14)}7000-8000-000000000000`

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

export const isUuid = (value: string): boolean => UUID.test(value)
