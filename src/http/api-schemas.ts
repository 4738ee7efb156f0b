import { isObject } from './message.ts'

/** JSON Schema, or a part of an OpenAPI document. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** Collects what has a title, so that it stands in the document once and programs made from it have one type for it. */
export interface Components {
  /**
   * The schema for its place in the document.
   * @param whole the schema itself may become a component, too.
   */
  take(schema: JsonSchema, whole?: boolean): JsonSchema
  schemas(): Readonly<Record<string, JsonSchema>>
}

/** A program must go on when an answer has a member that it does not know, so the document does not forbid them there. */
const OPEN = ['additionalProperties', '$schema']

/** The bounds of what JavaScript can count are no limit of ours. */
const isUnsafe = (value: unknown): boolean => typeof value === 'number' && Math.abs(value) === Number.MAX_SAFE_INTEGER

export function createComponents(): Components {
  const found = new Map<string, JsonSchema>()

  function hoist(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(hoist)
    if (!isObject(value)) return value
    const { title, type } = value
    const inner = inside(value)
    if (typeof title !== 'string' || type !== 'object') return inner
    const known = found.get(title)
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(inner))
      throw new Error(`two schemas have the title ${title}`)
    found.set(title, inner)
    return { $ref: `#/components/schemas/${title}` }
  }

  const inside = (schema: JsonSchema): JsonSchema =>
    Object.fromEntries(
      Object.entries(schema)
        .filter(([name, value]) => !(OPEN.includes(name) && !isObject(value)) && !isUnsafe(value))
        .map(([name, value]) => [name, hoist(value)]),
    )

  return {
    take(schema, whole = false) {
      const taken = whole ? hoist(schema) : inside(schema)
      return isObject(taken) ? taken : {}
    },
    schemas: () => Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1))),
  }
}
