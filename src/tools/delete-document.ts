import { z } from 'zod'
import { defineTool, sql } from '#toolkit/tool.ts'
import { expectedVersion } from './shared/document.ts'
import { assertVersion } from './shared/document-change.ts'
import { idOf, only } from './shared/fields.ts'
import { tellDocument } from './shared/news.ts'

export default defineTool({
  title: 'Delete document',
  description: 'Deletes a document with all its versions for good. Cannot be undone: ask the user first.',
  scopes: ['documents:write'],
  access: 'write',
  annotations: { destructiveHint: true, idempotentHint: true },
  input: z.object({ id: idOf('document'), expected_version: expectedVersion }),
  output: z.strictObject({ id: z.uuid(), title: z.string() }),
  run: async ({ id, expected_version }, { db, changed }) => {
    const rows = await db.query<{ title: string; version: number; project_id: string | null }>(
      sql`SELECT title, version, project_id FROM documents WHERE id = ${id}::uuid FOR UPDATE`,
    )
    const { title, version, project_id } = only(rows, 'document')
    assertVersion({ version }, expected_version)
    await db.query(sql`DELETE FROM documents WHERE id = ${id}::uuid`)
    tellDocument({ changed }, id, project_id)
    return { text: `Deleted document "${title}".`, structured: { id, title } }
  },
})
