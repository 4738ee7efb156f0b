import { z } from 'zod'
import { defineTool, sql, userId, uuidv7 } from '#toolkit/tool.ts'
import { only } from './shared/fields.ts'
import { tellProject } from './shared/news.ts'
import { holdProject } from './shared/project.ts'
import { todo, todoFields, todoLine, toTodo, type TodoRow } from './shared/todo.ts'

export default defineTool({
  title: 'Create todo',
  description:
    'Creates a todo, alone or in a project, with an optional due date and assignee. Answers the todo with its id.',
  scopes: ['todos:write'],
  access: 'write',
  input: z.object({
    title: todoFields.title,
    notes: todoFields.notes.default(''),
    status: todoFields.status.default('open'),
    assignee: todoFields.assignee.default(null),
    due_at: todoFields.due_at.default(null),
    project_id: todoFields.project_id.default(null),
  }),
  output: todo,
  run: async ({ title, notes, status, assignee, due_at, project_id }, { db, principal, now, changed }) => {
    await holdProject(db, project_id)
    const at = new Date(now())
    const rows = await db.query<TodoRow>(sql`
      INSERT INTO todos (id, project_id, title, notes, status, assignee, due_at, completed_at, created_by, created_at, updated_at)
      VALUES (${uuidv7(now())}, ${project_id}, ${title}, ${notes}, ${status}, ${assignee}, ${due_at},
        ${status === 'done' ? at : null}, ${userId(principal.identity)}, ${at}, ${at}) RETURNING *`)
    const structured = toTodo(only(rows, 'todo'))
    tellProject({ changed }, project_id)
    return { text: `Created todo ${todoLine(structured)}.`, structured }
  },
})
