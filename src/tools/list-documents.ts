import { z } from 'zod'
import { cursorOf, defineTool, encodeCursor, sql } from '#toolkit/tool.ts'
import { documentLine, documentSummary, toSummary, withTags, type SummaryRow } from './shared/document.ts'
import { cut, limit, listText, pageOf, rowsFor } from './shared/page.ts'

export default defineTool({
  title: 'List documents',
  description:
    'Lists documents without their content, newest first, one page at a time. To find words in them use search_documents.',
  scopes: ['documents:read'],
  access: 'read',
  input: z.object({
    project_id: z.uuid().optional().describe('Only documents of this project.'),
    tags: withTags,
    limit,
    cursor: cursorOf({ id: z.uuid() }).optional(),
  }),
  output: pageOf(documentSummary),
  run: async ({ project_id = null, tags, limit, cursor }, { db }) => {
    const after = cursor?.id ?? null
    const rows = await db.query<SummaryRow>(sql`
      SELECT id, title, project_id, length(content) AS content_length, version, tags, format,
        created_by, created_at, coalesce(updated_by, created_by) AS updated_by, updated_at FROM documents
      WHERE (${project_id}::uuid IS NULL OR project_id = ${project_id}::uuid) AND tags @> ${tags}::text[] AND (${after}::uuid IS NULL OR id < ${after}::uuid)
      ORDER BY id DESC LIMIT ${rowsFor(limit)}::integer`)
    const page = cut(rows, limit, ({ id }) => encodeCursor({ id }))
    const items = page.rows.map(toSummary)
    const { next_cursor } = page
    return { text: listText('documents', items.map(documentLine), next_cursor), structured: { items, next_cursor } }
  },
})
