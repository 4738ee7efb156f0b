import { z } from 'zod'
import { idOf, isoOf, person, time, timeOut } from './fields.ts'

export const todoFields = {
  title: z.string().trim().min(1).max(500).describe('What is to be done, 1 to 500 characters.'),
  notes: z.string().max(10_000).describe('Details, up to 10,000 characters.'),
  status: z.enum(['open', 'in_progress', 'done', 'cancelled']).describe('Where it stands.'),
  assignee: z
    .string()
    .trim()
    .min(1)
    .max(320)
    .nullable()
    .describe('Who does it: an email, a user_id or a name; null: nobody.'),
  due_at: time
    .nullable()
    .describe('When it is due, RFC 3339 with offset, for example 2026-12-24T17:00:00Z; null: no date.'),
  project_id: idOf('project').nullable().describe('Project it belongs to; null: none.'),
}

export const todo = z.strictObject({
  id: z.uuid(),
  title: z.string(),
  notes: z.string(),
  status: todoFields.status,
  assignee: z.string().nullable(),
  due_at: timeOut.nullable(),
  project_id: z.uuid().nullable(),
  completed_at: timeOut.nullable().describe('When it became done; null in every other status'),
  created_by: person,
  created_at: timeOut,
  updated_at: timeOut,
})
export type Todo = z.output<typeof todo>

/** A row of `todos`. */
export interface TodoRow extends Omit<Todo, 'due_at' | 'completed_at' | 'created_at' | 'updated_at'> {
  readonly due_at: Date | null
  readonly completed_at: Date | null
  readonly created_at: Date
  readonly updated_at: Date
}

export const toTodo = (row: TodoRow): Todo => ({
  id: row.id,
  title: row.title,
  notes: row.notes,
  status: row.status,
  assignee: row.assignee,
  due_at: row.due_at === null ? null : isoOf(row.due_at),
  project_id: row.project_id,
  completed_at: row.completed_at === null ? null : isoOf(row.completed_at),
  created_by: row.created_by,
  created_at: isoOf(row.created_at),
  updated_at: isoOf(row.updated_at),
})

export function todoLine({ id, title, status, due_at, assignee }: Todo): string {
  const facts = [status, due_at === null ? '' : `due ${due_at}`, assignee === null ? '' : `for ${assignee}`, `id ${id}`]
  return `${title} (${facts.filter((fact) => fact !== '').join(', ')})`
}
