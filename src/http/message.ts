/** A body as it came and, when it is JSON, what it says. */
export interface Message {
  readonly text: string
  /** undefined: not JSON; the SDK words that answer. */
  readonly value: unknown
  /** Why this JSON is not served; null when it may be. */
  readonly problem: string | null
}

/** Levels of nesting a message may have (D33). */
const DEPTH = 64

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export function parseMessage(text: string): Message {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { text, value: undefined, problem: null }
  }
  if (Array.isArray(value)) return { text, value, problem: 'batches are not served' }
  return { text, value, problem: fits(value, DEPTH) ? null : `nested deeper than ${DEPTH} levels` }
}

const fits = (value: unknown, levels: number): boolean =>
  typeof value !== 'object' ||
  value === null ||
  (levels > 0 && Object.values(value).every((inner) => fits(inner, levels - 1)))
