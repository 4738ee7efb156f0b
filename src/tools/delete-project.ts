import { z } from 'zod'
import { defineTool, sql } from '#toolkit/tool.ts'
import { documentUri } from './shared/addresses.ts'
import { idOf, only } from './shared/fields.ts'
import { tellProject } from './shared/news.ts'

interface Counted {
  readonly name: string
  readonly todos: number
  readonly documents: readonly string[]
}

export default defineTool({
  title: 'Delete project',
  description:
    'Deletes a project for good, with all its todos and documents. Cannot be undone: ask the user first, or archive it with update_project instead.',
  scopes: ['projects:write'],
  access: 'write',
  annotations: { destructiveHint: true, idempotentHint: true },
  input: z.object({ id: idOf('project') }),
  output: z.strictObject({
    id: z.uuid(),
    name: z.string(),
    deleted_todos: z.int(),
    deleted_documents: z.int(),
  }),
  run: async ({ id }, { db, changed }) => {
    // Locked first, so that nothing can be added to it between the count and the end.
    only(await db.query(sql`SELECT id FROM projects WHERE id = ${id}::uuid FOR UPDATE`), 'project')
    const rows = await db.query<Counted>(sql`
      SELECT name, (SELECT count(*)::integer FROM todos WHERE project_id = ${id}::uuid) AS todos,
        array(SELECT id FROM documents WHERE project_id = ${id}::uuid)::text[] AS documents
      FROM projects WHERE id = ${id}::uuid`)
    const { name, todos, documents } = only(rows, 'project')
    await db.query(sql`DELETE FROM projects WHERE id = ${id}::uuid`)
    const text = `Deleted project "${name}" with ${todos} todos and ${documents.length} documents.`
    changed('resources')
    tellProject({ changed }, id)
    for (const document of documents) changed({ resource: documentUri(document) })
    return { text, structured: { id, name, deleted_todos: todos, deleted_documents: documents.length } }
  },
})
