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
  let members = ''
  for (const name of sorted(Object.keys(value))) {
    const text = written(Reflect.get(value, name))
    if (text !== undefined) members += `${members === '' ? '' : ','}${JSON.stringify(name)}:${text}`
  }
  return `{${members}}`
}

/** By code units, as RFC 8785 section 3.2.3 asks, and as Array.prototype.sort does. Most come sorted already. */
function sorted(names: string[]): readonly string[] {
  for (let at = 1; at < names.length; at++) if ((names[at - 1] ?? '') > (names[at] ?? '')) return names.sort()
  return names
}
