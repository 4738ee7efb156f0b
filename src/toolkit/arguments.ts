import { z } from 'zod'
import type { Soon } from '#base/soon.ts'
import type { Tool } from './tool.ts'

/** Problems named in one answer. */
const MOST = 10

/** The arguments do not fit the tool's input: JSON-RPC -32602. The message names each field; no argument's value is in it. */
export class InvalidArguments extends Error {
  override readonly name = 'InvalidArguments'
}

/** Schemas with checks that wait for something: zod tells by throwing at the first attempt. */
const waiting = new WeakSet<z.ZodType>()

/** The arguments as the tool's input schema reads them. Throws InvalidArguments, or rejects with it. */
export function readArguments(tool: Pick<Tool, 'name' | 'input'>, args: unknown): Soon<Record<string, unknown>> {
  const given = args ?? {}
  refuseUnstorable(tool.name, given)
  const { input } = tool
  if (!waiting.has(input)) {
    try {
      return dataOf(tool.name, input.safeParse(given))
    } catch (error) {
      if (!(error instanceof z.core.$ZodAsyncError)) throw error
      waiting.add(input)
    }
  }
  return input.safeParseAsync(given).then((parsed) => dataOf(tool.name, parsed))
}

function dataOf(name: string, parsed: z.ZodSafeParseResult<Record<string, unknown>>): Record<string, unknown> {
  if (parsed.success) return parsed.data
  const { issues } = parsed.error
  const lines = issues.slice(0, MOST).map((issue) => `${pathText(namedPath(issue))}: ${issue.message}`)
  if (issues.length > MOST) lines.push(`and ${issues.length - MOST} more`)
  throw new InvalidArguments(`Invalid arguments for ${name}: ${lines.join('; ').slice(0, 2000)}`)
}

/** Throws InvalidArguments when some text in it is one that Postgres cannot hold. */
export function refuseUnstorable(name: string, given: unknown): void {
  const unstorable = pathOfUnstorable(given)
  if (unstorable === null) return
  throw new InvalidArguments(
    `Invalid arguments for ${name}: ${pathText(unstorable)}: text with the character NUL or half of a surrogate pair cannot be stored; leave it out`,
  )
}

/** An unknown argument is a problem of the object around it; its own name says more. */
const namedPath = (issue: z.core.$ZodIssue): readonly PropertyKey[] =>
  issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : issue.path

const pathText = (path: readonly PropertyKey[]): string =>
  path.length === 0 ? 'arguments' : path.map(String).join('.').slice(0, 200)

/** Where a text stands that Postgres cannot hold as it is; null: nowhere. */
export function pathOfUnstorable(value: unknown): readonly PropertyKey[] | null {
  if (typeof value === 'string') return UNSTORABLE.test(value) ? [] : null
  if (typeof value !== 'object' || value === null) return null
  // No path is made on the way down: nearly always there is nothing to be found.
  for (const key of Object.keys(value)) {
    if (UNSTORABLE.test(key)) return []
    const found = pathOfUnstorable(Reflect.get(value, key))
    if (found !== null) return [key, ...found]
  }
  return null
}

// oxlint-disable-next-line no-control-regex -- NUL is what is looked for
const UNSTORABLE = /[\0\p{Surrogate}]/u
