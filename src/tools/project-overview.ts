import { defineResource, sql } from '#toolkit/tool.ts'
import { afterId, completeProject, idIn, LISTED, projectUri, PROJECTS } from './shared/addresses.ts'
import { projectOverview } from './shared/overview.ts'

interface Listed {
  readonly id: string
  readonly name: string
  readonly status: string
  readonly updated_at: Date
}

export default defineResource({
  uri: PROJECTS,
  title: 'Project',
  description: 'One project as Markdown, by its id: what it is about, its todos, and links to its documents.',
  mimeType: 'text/markdown',
  // It shows all three.
  scopes: ['documents:read', 'projects:read', 'todos:read'],
  access: 'read',
  complete: { id: async (typed, { db }) => await completeProject(db, typed) },
  async list(after, { db }) {
    const rows = await db.query<Listed>(sql`
      SELECT id, name, status, updated_at FROM projects
      WHERE ${afterId(after)}::uuid IS NULL OR id < ${afterId(after)}::uuid ORDER BY id DESC LIMIT ${LISTED + 1}::integer`)
    const shown = rows.slice(0, LISTED)
    return {
      resources: shown.map(({ id, name, status, updated_at }) => ({
        uri: projectUri(id),
        name,
        ...(status === 'archived' ? { description: 'archived' } : {}),
        changedAt: updated_at,
      })),
      next: rows.length > LISTED ? (shown.at(-1)?.id ?? null) : null,
    }
  },
  async read(variables, { db }) {
    const id = idIn(variables)
    const text = id === null ? null : await projectOverview(db, id)
    return text === null ? null : { text }
  },
})
