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
/** Values and members in it: to check and answer many more holds up everybody else. */
const VALUES = 20_000

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isParent = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

export function parseMessage(text: string): Message {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { text, value: undefined, problem: null }
  }
  if (Array.isArray(value)) return { text, value, problem: 'batches are not served' }
  return { text, value, problem: problemOf(value) }
}

/** Walks at most VALUES values. */
function problemOf(message: unknown): string | null {
  let left = VALUES
  const walk = (value: unknown, levels: number): string | null => {
    left -= 1
    if (left < 0) return `more than ${VALUES} values`
    if (!isParent(value)) return null
    if (levels === 0) return `nested deeper than ${DEPTH} levels`
    // No list of the values is made: this is done with every request.
    for (const name in value) {
      const problem = walk(value[name], levels - 1)
      if (problem !== null) return problem
    }
    return null
  }
  return walk(message, DEPTH)
}
