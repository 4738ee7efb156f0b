import { z } from 'zod'
import { defineTool } from '#toolkit/tool.ts'
import { idOf } from './shared/fields.ts'
import { saveTodo } from './shared/save-todo.ts'
import { todo } from './shared/todo.ts'

export default defineTool({
  title: 'Complete todo',
  description:
    'Marks a todo as done and notes the time. Doing it again changes nothing. Reopen with update_todo and status "open".',
  scopes: ['todos:write'],
  access: 'write',
  annotations: { idempotentHint: true },
  input: z.object({ id: idOf('todo') }),
  output: todo,
  run: async ({ id }, context) => {
    const { todo, fields } = await saveTodo(context, id, { status: 'done' })
    const text = fields.length > 0 ? `Completed todo "${todo.title}".` : `Todo "${todo.title}" was done already.`
    return { text, structured: todo }
  },
})
