import { z } from 'zod'
import { sql, ToolError, type TenantDb } from '#toolkit/tool.ts'

export const DOCUMENTS = 'gatehouse://documents/{id}'
export const PROJECTS = 'gatehouse://projects/{id}'

/** Entries of a resource list's page. */
export const LISTED = 100
/** One more than are shown, so that it can be said that there are more. */
const COMPLETED = 101

export const documentUri = (id: string): string => DOCUMENTS.replace('{id}', id)
export const projectUri = (id: string): string => PROJECTS.replace('{id}', id)

const uuid = z.uuid().toLowerCase()

/** The id in an address; null when it is none, so that nothing can be there. */
export function idIn(variables: Readonly<Record<string, string>>): string | null {
  const read = uuid.safeParse(variables['id'])
  return read.success ? read.data : null
}

/** Where a list goes on: the id of the last one shown. Throws ToolError for what this list never gave. */
export function afterId(after: string | null): string | null {
  if (after === null) return null
  const read = uuid.safeParse(after)
  if (!read.success) throw new ToolError('That is no cursor of this list.')
  return read.data
}

/** Ids of what has the text in its name, or an id that begins with it; newest first. People type names, what is filled in is the id. */
export async function completeDocument(db: TenantDb, typed: string): Promise<readonly string[]> {
  const { inside, start } = patternsOf(typed)
  const rows = await db.query<{ id: string }>(sql`
    SELECT id FROM documents WHERE title ILIKE ${inside} OR id::text LIKE ${start} ORDER BY id DESC LIMIT ${COMPLETED}::integer`)
  return rows.map(({ id }) => id)
}

/** The same of projects. */
export async function completeProject(db: TenantDb, typed: string): Promise<readonly string[]> {
  const { inside, start } = patternsOf(typed)
  const rows = await db.query<{ id: string }>(sql`
    SELECT id FROM projects WHERE name ILIKE ${inside} OR id::text LIKE ${start} ORDER BY id DESC LIMIT ${COMPLETED}::integer`)
  return rows.map(({ id }) => id)
}

/** What was typed stands for itself: % and _ are no wildcards. */
function patternsOf(typed: string): { readonly inside: string; readonly start: string } {
  const text = typed
    .trim()
    .slice(0, 300)
    .replace(/[\\%_]/g, '\\$&')
  return { inside: `%${text}%`, start: `${text.toLowerCase()}%` }
}
