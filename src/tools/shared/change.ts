import { ToolError } from '#toolkit/tool.ts'

/** What an update makes of a thing. */
export interface Change<Thing> {
  readonly after: Thing
  /** Names of the fields whose value differs now. */
  readonly fields: readonly string[]
}

/** A partial update: fields that were not given stay as they are. Throws ToolError when none was given. */
export function changed<Thing extends object>(
  before: Thing,
  given: { readonly [Field in keyof Thing]?: Thing[Field] | undefined },
): Change<Thing> {
  const told = Object.entries(given).filter(([, value]) => value !== undefined)
  if (told.length === 0)
    throw new ToolError(`Nothing to change: give at least one of ${Object.keys(before).join(', ')}.`)
  const old = new Map(Object.entries(before))
  return {
    after: { ...before, ...Object.fromEntries(told) },
    fields: told.filter(([name, value]) => !isSame(old.get(name), value)).map(([name]) => name),
  }
}

/** Lists are the same when their values are, in the same order. */
const isSame = (a: unknown, b: unknown): boolean =>
  Array.isArray(a) && Array.isArray(b)
    ? a.length === b.length && a.every((value, index) => value === b[index])
    : a === b

/** 'Updated project "X": name, status.' */
export const changeText = (thing: string, name: string, fields: readonly string[]): string =>
  fields.length === 0
    ? `Nothing changed: ${thing} "${name}" was like that already.`
    : `Updated ${thing} "${name}": ${fields.join(', ')}.`
