import { z } from 'zod'
import { cursorOf, defineTool, encodeCursor, sql } from '#toolkit/tool.ts'
import { isoOf, time } from './shared/fields.ts'
import { cut, limit, listText, pageOf, rowsFor } from './shared/page.ts'
import { todo, todoFields, todoLine, toTodo, type TodoRow } from './shared/todo.ts'

export default defineTool({
  title: 'List todos',
  description:
    'Lists todos one page at a time; all filters given must hold. Overdue todos: status "open" and due_before now, sort "due".',
  scopes: ['todos:read'],
  access: 'read',
  input: z.object({
    status: todoFields.status.optional(),
    project_id: z.uuid().optional().describe('Only todos of this project.'),
    assignee: z.string().trim().max(320).optional().describe('Only todos for exactly this assignee.'),
    due_after: time.optional().describe('Only todos due at this time or later.'),
    due_before: time.optional().describe('Only todos due before this time.'),
    sort: z
      .enum(['newest', 'due'])
      .default('newest')
      .describe('newest: last created first; due: next due first, without date last.'),
    limit,
    cursor: cursorOf({ id: z.uuid(), due_at: time.nullable().optional() }).optional(),
  }),
  output: pageOf(todo),
  run: async (
    { status = null, project_id = null, assignee = null, due_after = null, due_before = null, sort, limit, cursor },
    { db },
  ) => {
    const after = cursor?.id ?? null
    const afterDue = cursor?.due_at ?? null
    const rows = await db.query<TodoRow>(
      sort === 'newest'
        ? sql`
          SELECT * FROM todos
          WHERE (${status}::text IS NULL OR status = ${status}::text)
            AND (${project_id}::uuid IS NULL OR project_id = ${project_id}::uuid)
            AND (${assignee}::text IS NULL OR assignee = ${assignee}::text)
            AND (${due_after}::timestamptz IS NULL OR due_at >= ${due_after}::timestamptz)
            AND (${due_before}::timestamptz IS NULL OR due_at < ${due_before}::timestamptz)
            AND (${after}::uuid IS NULL OR id < ${after}::uuid)
          ORDER BY id DESC LIMIT ${rowsFor(limit)}::integer`
        : sql`
          SELECT * FROM todos
          WHERE (${status}::text IS NULL OR status = ${status}::text)
            AND (${project_id}::uuid IS NULL OR project_id = ${project_id}::uuid)
            AND (${assignee}::text IS NULL OR assignee = ${assignee}::text)
            AND (${due_after}::timestamptz IS NULL OR due_at >= ${due_after}::timestamptz)
            AND (${due_before}::timestamptz IS NULL OR due_at < ${due_before}::timestamptz)
            AND (${after}::uuid IS NULL
              OR (coalesce(due_at, 'infinity'), id) > (coalesce(${afterDue}::timestamptz, 'infinity'), ${after}::uuid))
          ORDER BY coalesce(due_at, 'infinity'), id LIMIT ${rowsFor(limit)}::integer`,
    )
    const page = cut(rows, limit, ({ id, due_at }) =>
      encodeCursor(sort === 'newest' ? { id } : { id, due_at: due_at === null ? null : isoOf(due_at) }),
    )
    const items = page.rows.map(toTodo)
    const { next_cursor } = page
    return { text: listText('todos', items.map(todoLine), next_cursor), structured: { items, next_cursor } }
  },
})
