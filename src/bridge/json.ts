/** A JSON value of others is unknown until it was looked at. */
export type JsonObject = Readonly<Record<string, unknown>>

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The value of a JSON text, or undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)

export const textsOf = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : []

/** Scopes of a space-separated list (RFC 6749 section 3.3), each once. */
export const scopesOf = (value: unknown): readonly string[] => union((textOf(value) ?? '').split(' '))

/** Every scope of the lists once, in order. */
export const union = (...lists: readonly (readonly string[])[]): readonly string[] => [
  ...new Set(lists.flat().filter((one) => one !== '')),
]
