import type { ConfigReader } from './config-reader.ts'

/** How large a request and a result may be, and how long a call may take. A plan narrows the last two. */
export interface SizesConfig {
  /** Octets of a request's body at /mcp; the other addresses take less, and say themselves how much. */
  readonly bodyBytes: number
  /** Octets of a result as JSON (D33). */
  readonly resultBytes: number
  /** Milliseconds of a call whose tool names no time of its own. */
  readonly callMs: number
}

const KIBIBYTE = 1024
const MEBIBYTE = 1024 * KIBIBYTE

export function readSizes(reader: ConfigReader): SizesConfig {
  const sizes = [64 * KIBIBYTE, 64 * MEBIBYTE] as const
  return {
    bodyBytes: reader.count('BODY_LIMIT', MEBIBYTE, sizes),
    resultBytes: reader.count('RESULT_LIMIT', MEBIBYTE, sizes),
    callMs: reader.count('CALL_TIMEOUT', 15, [1, 300]) * 1000,
  }
}
