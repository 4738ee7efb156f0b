import { z } from 'zod'
import { cursorOf, defineTool, encodeCursor, sql } from '#toolkit/tool.ts'
import { cut, limit, listText, pageOf, rowsFor } from './shared/page.ts'
import { project, projectFields, projectLine, toProject, type ProjectRow } from './shared/project.ts'

export default defineTool({
  title: 'List projects',
  description: 'Lists projects, newest first, one page at a time. Without `status`, active and archived ones.',
  scopes: ['projects:read'],
  access: 'read',
  input: z.object({
    status: projectFields.status.optional(),
    name: z
      .string()
      .max(200)
      .optional()
      .describe('Only projects whose name contains this text, in upper or lower case.'),
    limit,
    cursor: cursorOf({ id: z.uuid() }).optional(),
  }),
  output: pageOf(project),
  run: async ({ status = null, name = null, limit, cursor }, { db }) => {
    const rows = await db.query<ProjectRow>(sql`
      SELECT * FROM projects
      WHERE (${status}::text IS NULL OR status = ${status}::text)
        AND (${name}::text IS NULL OR position(lower(${name}::text) in lower(name)) > 0)
        AND (${cursor?.id ?? null}::uuid IS NULL OR id < ${cursor?.id ?? null}::uuid)
      ORDER BY id DESC LIMIT ${rowsFor(limit)}::integer`)
    const page = cut(rows, limit, ({ id }) => encodeCursor({ id }))
    const items = page.rows.map(toProject)
    const { next_cursor } = page
    return { text: listText('projects', items.map(projectLine), next_cursor), structured: { items, next_cursor } }
  },
})
