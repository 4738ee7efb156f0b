import { z } from 'zod'
import { defineTool } from '#toolkit/tool.ts'
import { changeText } from './shared/change.ts'
import { idOf } from './shared/fields.ts'
import { saveTodo } from './shared/save-todo.ts'
import { todo, todoFields } from './shared/todo.ts'

export default defineTool({
  title: 'Update todo',
  description: 'Changes a todo. Fields you leave out stay as they are; null clears assignee, due_at or project_id.',
  scopes: ['todos:write'],
  access: 'write',
  annotations: { destructiveHint: true, idempotentHint: true },
  input: z.object({ id: idOf('todo'), ...z.object(todoFields).partial().shape }),
  output: todo,
  run: async ({ id, ...given }, context) => {
    const { todo, fields } = await saveTodo(context, id, given)
    return { text: changeText('todo', todo.title, fields), structured: todo }
  },
})
