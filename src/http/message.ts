/** A body as it came and, when it is JSON, what it says. */
export interface Message {
  readonly text: string
  /** undefined: not JSON; the SDK words that answer. */
  readonly value: unknown
  /** Why this JSON is not served; null when it may be. */
  readonly problem: string | null
  /** A member is named `__proto__`, however that is written and wherever it stands: the SDK drops it. */
  readonly prototypical: boolean
}

/** Levels of nesting a message may have (D33). */
const DEPTH = 64
const OBJECT = '{'.charCodeAt(0)
const LIST = '['.charCodeAt(0)
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
    return { text, value: undefined, problem: null, prototypical: false }
  }
  if (Array.isArray(value)) return { text, value, problem: 'batches are not served', prototypical: false }
  return isPlain(text) ? { text, value, problem: null, prototypical: false } : { text, value, ...lookAt(value) }
}

/**
 * Too short for too many values and too deep a nesting, and without the letters of `__proto__`: then nobody need walk through what it says. Most
 * requests are.
 */
function isPlain(text: string): boolean {
  // The shortest value takes one character, and one that parts it from the next.
  if (text.length > VALUES || text.includes('__proto__') || text.includes('\\u')) return false
  let parents = 0
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === OBJECT || code === LIST) parents += 1
  }
  return parents <= DEPTH
}

/** Walks at most VALUES values. */
function lookAt(message: unknown): Pick<Message, 'problem' | 'prototypical'> {
  let left = VALUES
  let prototypical = false
  const walk = (value: unknown, levels: number): string | null => {
    left -= 1
    if (left < 0) return `more than ${VALUES} values`
    if (!isParent(value)) return null
    if (levels === 0) return `nested deeper than ${DEPTH} levels`
    // No list of the values is made: this is done with every request.
    for (const name in value) {
      if (name === '__proto__') prototypical = true
      const problem = walk(value[name], levels - 1)
      if (problem !== null) return problem
    }
    return null
  }
  const problem = walk(message, DEPTH)
  return { problem, prototypical }
}
