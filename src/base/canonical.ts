/**
 * JSON with the members of every object sorted (as RFC 8785 orders them), so that equal values give equal text. Whoever has words of its own for JSON
 * (`toJSON`) is asked for them. Answers 'null' for what JSON cannot say, as JSON.stringify does inside a list.
 */
export function canonicalJson(value: unknown): string {
  return written(value) ?? 'null'
}

/** undefined: not to be said. */
function written(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if ('toJSON' in value && typeof value.toJSON === 'function') return written(JSON.parse(JSON.stringify(value)))
  if (Array.isArray(value)) return `[${value.map((item) => written(item) ?? 'null').join(',')}]`
  const members: string[] = []
  for (const [name, member] of Object.entries(value).sort(byName)) {
    const text = written(member)
    if (text !== undefined) members.push(`${JSON.stringify(name)}:${text}`)
  }
  return `{${members.join(',')}}`
}

/** By code units, as RFC 8785 section 3.2.3 asks. */
const byName = ([a]: [string, unknown], [b]: [string, unknown]): number => (a < b ? -1 : 1)
