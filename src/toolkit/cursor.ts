import { z } from 'zod'
import { pathOfUnstorable } from './arguments.ts'

/**
 * A list's cursor (D34): base64url of JSON that holds sort keys only, so it grants nothing and needs no seal. It comes back
 * through the caller's hands and is checked like every other argument: one that does not fit is an invalid argument.
 */
export function cursorOf<Keys extends z.ZodRawShape>(keys: Keys) {
  const shape = z.strictObject(keys)
  return z
    .string()
    .max(1024)
    .transform((text, context) => {
      const parsed = shape.safeParse(decode(text))
      // What no row can hold is in no list; Postgres would refuse the question.
      if (parsed.success && pathOfUnstorable(parsed.data) === null) return parsed.data
      context.addIssue({ code: 'custom', message: 'not a cursor of this list; pass next_cursor as it was answered' })
      return z.NEVER
    })
    .describe('Where to go on: `next_cursor` of the answer before. Leave out for the first page.')
}

/** The text that `cursorOf` with the same keys reads. */
export const encodeCursor = (keys: Readonly<Record<string, unknown>>): string =>
  Buffer.from(JSON.stringify(keys)).toString('base64url')

function decode(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString())
  } catch {
    return undefined
  }
}
