import { randomUUID } from 'node:crypto'

/**
 * A UUIDv7 (RFC 9562 section 5.7): 48 bits of milliseconds, then 74 random bits. Made here and not by Postgres,
 * because Postgres has it only from 18 on. Sorts by creation time to the millisecond.
 */
export function uuidv7(now: number = Date.now()): string {
  const time = Math.floor(now).toString(16).padStart(12, '0')
  // Its random bits, taken from the operating system many at a time; the variant is the same in both versions.
  const random = randomUUID()
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(15, 18)}-${random.slice(19)}`
}

/** The least UUIDv7 of a moment: every id made before it is less. */
export const firstIdOf = (at: number): string => `${uuidv7(at).slice(0, 14)}7000-8000-000000000000`

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

export const isUuid = (value: string): boolean => UUID.test(value)
