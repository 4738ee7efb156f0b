import { sql, type ToolContext } from '#toolkit/tool.ts'
import { changed } from './change.ts'
import { isoOf, only } from './fields.ts'
import { tellProject } from './news.ts'
import { holdProject } from './project.ts'
import { toTodo, type Todo, type TodoRow } from './todo.ts'

/** What of a todo can be changed. */
export type TodoChange = {
  readonly [Field in 'title' | 'notes' | 'status' | 'assignee' | 'due_at' | 'project_id']?: Todo[Field] | undefined
}

/**
 * A partial update of one todo. `completed_at` follows the status: set when it becomes done, cleared when it becomes anything else.
 * Throws ToolError "todo not found", "project not found", or when nothing was given.
 */
export async function saveTodo(
  { db, now, changed: tell }: ToolContext,
  id: string,
  given: TodoChange,
): Promise<{ todo: Todo; fields: readonly string[] }> {
  const before = only(await db.query<TodoRow>(sql`SELECT * FROM todos WHERE id = ${id}::uuid FOR UPDATE`), 'todo')
  const { title, notes, status, assignee, project_id } = before
  const due_at = before.due_at === null ? null : isoOf(before.due_at)
  const { after, fields } = changed({ title, notes, status, assignee, due_at, project_id }, given)
  if (fields.includes('project_id')) await holdProject(db, after.project_id)
  const at = new Date(now())
  const completed_at = after.status === 'done' ? (before.completed_at ?? at) : null
  const saved = await db.query<TodoRow>(sql`
    UPDATE todos SET title = ${after.title}, notes = ${after.notes}, status = ${after.status}, assignee = ${after.assignee},
      due_at = ${after.due_at}, project_id = ${after.project_id}, completed_at = ${completed_at},
      updated_at = ${fields.length > 0 ? at : before.updated_at}
    WHERE id = ${id}::uuid RETURNING *`)
  if (fields.length > 0) tellProject({ changed: tell }, project_id, after.project_id)
  return { todo: toTodo(only(saved, 'todo')), fields }
}
