import { z } from 'zod'
import { cursorOf, defineTool, encodeCursor, sql } from '#toolkit/tool.ts'
import { documentFields } from './shared/document.ts'
import { MOST_VERSIONS } from './shared/document-change.ts'
import { idOf, isoOf, only, person, timeOut } from './shared/fields.ts'
import { cut, limit, listText, pageOf, rowsFor } from './shared/page.ts'

const version = z.strictObject({
  version: z.int(),
  current: z.boolean().describe('Is it the present one?'),
  title: z.string(),
  content_length: z.int().describe('Characters of the whole content'),
  tags: z.array(z.string()),
  format: documentFields.format,
  saved_by: person,
  saved_at: timeOut,
})

type VersionRow = Omit<z.output<typeof version>, 'saved_at'> & { readonly saved_at: Date }

export default defineTool({
  title: 'List versions of a document',
  description: `Lists the versions of a document without their content, newest first: the present one and up to ${MOST_VERSIONS} before it. Read one with get_document and its version; bring one back with restore_document.`,
  scopes: ['documents:read'],
  access: 'read',
  input: z.object({
    id: idOf('document'),
    limit,
    cursor: cursorOf({ version: z.int().min(1).max(2_147_483_647) }).optional(),
  }),
  output: pageOf(version),
  run: async ({ id, limit, cursor }, { db }) => {
    only(await db.query(sql`SELECT id FROM documents WHERE id = ${id}::uuid`), 'document')
    const before = cursor?.version ?? null
    const rows = await db.query<VersionRow>(sql`
      WITH every AS (
        SELECT version, true AS current, title, content, tags, format, coalesce(updated_by, created_by) AS saved_by,
          updated_at AS saved_at FROM documents WHERE id = ${id}::uuid
        UNION ALL
        SELECT version, false, title, content, tags, format, saved_by, saved_at FROM document_versions
          WHERE document_id = ${id}::uuid
      ), page AS (
        SELECT * FROM every WHERE ${before}::integer IS NULL OR version < ${before}::integer
        ORDER BY version DESC LIMIT ${rowsFor(limit)}::integer
      )
      SELECT version, current, title, length(content) AS content_length, tags, format, saved_by, saved_at FROM page
      ORDER BY version DESC`)
    const page = cut(rows, limit, ({ version }) => encodeCursor({ version }))
    const items = page.rows.map((row) => ({ ...row, saved_at: isoOf(row.saved_at) }))
    const lines = items.map(
      (item) =>
        `version ${item.version}${item.current ? ' (present)' : ''}: ${item.title}, ${item.content_length} characters, by ${item.saved_by} at ${item.saved_at}`,
    )
    const { next_cursor } = page
    return { text: listText('versions', lines, next_cursor), structured: { items, next_cursor } }
  },
})
