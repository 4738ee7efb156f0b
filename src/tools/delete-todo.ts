import { z } from 'zod'
import { defineTool, sql } from '#toolkit/tool.ts'
import { idOf, only } from './shared/fields.ts'
import { tellProject } from './shared/news.ts'

export default defineTool({
  title: 'Delete todo',
  description:
    'Deletes a todo for good. To keep it in the history use complete_todo, or update_todo with status "cancelled".',
  scopes: ['todos:write'],
  access: 'write',
  annotations: { destructiveHint: true, idempotentHint: true },
  input: z.object({ id: idOf('todo') }),
  output: z.strictObject({ id: z.uuid(), title: z.string() }),
  run: async ({ id }, { db, changed }) => {
    const rows = await db.query<{ title: string; project_id: string | null }>(
      sql`DELETE FROM todos WHERE id = ${id}::uuid RETURNING title, project_id`,
    )
    const { title, project_id } = only(rows, 'todo')
    tellProject({ changed }, project_id)
    return { text: `Deleted todo "${title}".`, structured: { id, title } }
  },
})
