import { z } from 'zod'
import { defineTool, sql } from '#toolkit/tool.ts'
import { expectedVersion } from './shared/document.ts'
import { assertVersion } from './shared/document-change.ts'
import { idOf, only } from './shared/fields.ts'

export default defineTool({
  title: 'Delete document',
  description: 'Deletes a document with all its versions for good. Cannot be undone: ask the user first.',
  scopes: ['documents:write'],
  access: 'write',
  annotations: { destructiveHint: true, idempotentHint: true },
  input: z.object({ id: idOf('document'), expected_version: expectedVersion }),
  output: z.strictObject({ id: z.uuid(), title: z.string() }),
  run: async ({ id, expected_version }, { db }) => {
    const rows = await db.query<{ title: string; version: number }>(
      sql`SELECT title, version FROM documents WHERE id = ${id}::uuid FOR UPDATE`,
    )
    const { title, version } = only(rows, 'document')
    assertVersion({ version }, expected_version)
    await db.query(sql`DELETE FROM documents WHERE id = ${id}::uuid`)
    return { text: `Deleted document "${title}".`, structured: { id, title } }
  },
})
