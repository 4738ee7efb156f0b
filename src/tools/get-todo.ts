import { z } from 'zod'
import { defineTool, sql } from '#toolkit/tool.ts'
import { idOf, only } from './shared/fields.ts'
import { todo, todoLine, toTodo, type TodoRow } from './shared/todo.ts'

export default defineTool({
  title: 'Get todo',
  description: 'Answers one todo by its id, with its notes.',
  scopes: ['todos:read'],
  access: 'read',
  input: z.object({ id: idOf('todo') }),
  output: todo,
  run: async ({ id }, { db }) => {
    const structured = toTodo(only(await db.query<TodoRow>(sql`SELECT * FROM todos WHERE id = ${id}::uuid`), 'todo'))
    return { text: [todoLine(structured), structured.notes].filter((line) => line !== '').join('\n\n'), structured }
  },
})
