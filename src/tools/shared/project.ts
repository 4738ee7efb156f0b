import { z } from 'zod'
import { sql, type TenantDb } from '#toolkit/tool.ts'
import { isoOf, notFound, person, timeOut } from './fields.ts'

export const projectFields = {
  name: z.string().trim().min(1).max(200).describe('Name, 1 to 200 characters. Need not be unique.'),
  description: z.string().max(10_000).describe('What it is about, up to 10,000 characters.'),
  status: z.enum(['active', 'archived']).describe('Archived projects keep their todos and documents.'),
}

export const project = z.strictObject({
  id: z.uuid(),
  name: z.string(),
  description: z.string(),
  status: projectFields.status,
  created_by: person,
  created_at: timeOut,
  updated_at: timeOut,
})
export type Project = z.output<typeof project>

/** A row of `projects`. */
export type ProjectRow = Omit<Project, 'created_at' | 'updated_at'> & {
  readonly created_at: Date
  readonly updated_at: Date
}

export const toProject = (row: ProjectRow): Project => ({
  id: row.id,
  name: row.name,
  description: row.description,
  status: row.status,
  created_by: row.created_by,
  created_at: isoOf(row.created_at),
  updated_at: isoOf(row.updated_at),
})

export const projectLine = ({ id, name, status }: Project): string => `${name} (${status}, id ${id})`

/** Throws "project not found", and keeps the project from being deleted before this transaction ends. */
export async function holdProject(db: TenantDb, id: string | null): Promise<void> {
  if (id === null) return
  const rows = await db.query(sql`SELECT id FROM projects WHERE id = ${id}::uuid FOR KEY SHARE`)
  if (rows.length === 0) throw notFound('project')
}
