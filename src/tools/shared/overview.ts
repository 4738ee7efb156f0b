import { sql, type TenantDb } from '#toolkit/tool.ts'
import { documentUri } from './addresses.ts'
import { isoOf } from './fields.ts'

/** Entries of each list; of the rest the number. */
const MOST = 100

interface TodoLine {
  readonly title: string
  readonly status: string
  readonly assignee: string | null
  readonly due_at: Date | null
}

interface Facts {
  readonly name: string
  readonly description: string
  readonly status: string
  readonly todos: number
  readonly documents: number
}

/** A project with its todos and the titles of its documents, as Markdown; null: there is none. */
export async function projectOverview(db: TenantDb, id: string): Promise<string | null> {
  const [facts] = await db.query<Facts>(sql`
    SELECT name, description, status, (SELECT count(*)::integer FROM todos WHERE project_id = ${id}::uuid) AS todos,
      (SELECT count(*)::integer FROM documents WHERE project_id = ${id}::uuid) AS documents
    FROM projects WHERE id = ${id}::uuid`)
  if (facts === undefined) return null
  // What is still to be done comes first.
  const todos = await db.query<TodoLine>(sql`
    SELECT title, status, assignee, due_at FROM todos WHERE project_id = ${id}::uuid
    ORDER BY status IN ('done', 'cancelled'), due_at NULLS LAST, id LIMIT ${MOST}::integer`)
  const documents = await db.query<{ id: string; title: string }>(sql`
    SELECT id, title FROM documents WHERE project_id = ${id}::uuid ORDER BY id DESC LIMIT ${MOST}::integer`)
  return [
    `# ${line(facts.name)}${facts.status === 'archived' ? ' (archived)' : ''}`,
    ...(facts.description === '' ? [] : ['', facts.description]),
    '',
    `## Todos (${facts.todos})`,
    '',
    ...todos.map(todoLine),
    ...rest(facts.todos - todos.length, 'list_todos'),
    '',
    `## Documents (${facts.documents})`,
    '',
    ...documents.map((one) => `- [${line(one.title)}](${documentUri(one.id)})`),
    ...rest(facts.documents - documents.length, 'list_documents'),
  ].join('\n')
}

function todoLine({ title, status, assignee, due_at }: TodoLine): string {
  const done = status === 'done' || status === 'cancelled'
  const more = [
    ...(status === 'open' || status === 'done' ? [] : [status.replace('_', ' ')]),
    ...(due_at === null ? [] : [`due ${isoOf(due_at)}`]),
    ...(assignee === null ? [] : [`for ${line(assignee)}`]),
  ]
  return `- [${done ? 'x' : ' '}] ${line(title)}${more.length === 0 ? '' : ` (${more.join(', ')})`}`
}

const rest = (count: number, tool: string): readonly string[] =>
  count > 0 ? [`- and ${count} more: call ${tool} with this project_id`] : []

/** A name that somebody chose, as part of one line: it can begin no heading and end no link. */
const line = (text: string): string => text.replaceAll(/\s+/g, ' ').replaceAll(/[[\]\\]/g, '\\$&')
