import { z } from 'zod'
import { defineTool, sql } from '#toolkit/tool.ts'
import { idOf, only } from './shared/fields.ts'

export default defineTool({
  title: 'Delete document',
  description: 'Deletes a document for good. Cannot be undone: ask the user first.',
  scopes: ['documents:write'],
  access: 'write',
  annotations: { destructiveHint: true, idempotentHint: true },
  input: z.object({ id: idOf('document') }),
  output: z.strictObject({ id: z.uuid(), title: z.string() }),
  run: async ({ id }, { db }) => {
    const rows = await db.query<{ title: string }>(sql`DELETE FROM documents WHERE id = ${id}::uuid RETURNING title`)
    const { title } = only(rows, 'document')
    return { text: `Deleted document "${title}".`, structured: { id, title } }
  },
})
