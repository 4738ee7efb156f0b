import { createHmac } from 'node:crypto'

/**
 * What the audit keeps of a call's arguments: whoever has the arguments and the key can show that these were the ones, nobody
 * can read or guess them from it. Hex HMAC-SHA-256 over JSON with sorted members (as RFC 8785 orders them).
 */
export const argumentsDigest = (key: Buffer, args: unknown): string =>
  createHmac('sha256', key).update('arguments/v1\0').update(canonical(args)).digest('hex')

const canonical = (value: unknown): string =>
  JSON.stringify(value ?? {}, (_, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  )
