import { createHmac } from 'node:crypto'
import { canonicalJson } from '#base/canonical.ts'

/**
 * What the audit keeps of a call's arguments: whoever has the arguments and the key can show that these were the ones, nobody
 * can read or guess them from it. Hex HMAC-SHA-256 over JSON with sorted members (as RFC 8785 orders them).
 */
export const argumentsDigest = (key: Buffer, args: unknown): string =>
  createHmac('sha256', key)
    .update('arguments/v1\0')
    .update(canonicalJson(args ?? {}))
    .digest('hex')
