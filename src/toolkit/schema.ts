import { z } from 'zod'

/**
 * JSON Schema 2020-12 of what the caller sends (before transforms and defaults) or of what the tool answers, as tools/list
 * shows it. Throws when the schema has no such form.
 */
export function wireSchema(schema: z.ZodObject, side: 'input' | 'output'): { type: 'object'; [key: string]: unknown } {
  const json = z.toJSONSchema(schema, {
    io: side,
    // `format` says it; the pattern beside it is hundreds of characters in every model's context.
    override: ({ jsonSchema }) => {
      if (jsonSchema.format !== undefined) delete jsonSchema.pattern
    },
  })
  return { ...json, type: 'object' }
}
