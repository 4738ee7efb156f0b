import { defineResource, sql } from '#toolkit/tool.ts'
import { afterId, completeDocument, documentUri, DOCUMENTS, idIn, LISTED } from './shared/addresses.ts'

interface Listed {
  readonly id: string
  readonly title: string
  readonly format: string
  readonly updated_at: Date
}

const typeOf = (format: string): string => (format === 'markdown' ? 'text/markdown' : 'text/plain')

export default defineResource({
  uri: DOCUMENTS,
  title: 'Document',
  description: 'The whole text of one document, by its id.',
  scopes: ['documents:read'],
  access: 'read',
  complete: { id: async (typed, { db }) => await completeDocument(db, typed) },
  async list(after, { db }) {
    const rows = await db.query<Listed>(sql`
      SELECT id, title, format, updated_at FROM documents
      WHERE ${afterId(after)}::uuid IS NULL OR id < ${afterId(after)}::uuid ORDER BY id DESC LIMIT ${LISTED + 1}::integer`)
    const shown = rows.slice(0, LISTED)
    return {
      resources: shown.map(({ id, title, format, updated_at }) => ({
        uri: documentUri(id),
        name: title,
        mimeType: typeOf(format),
        changedAt: updated_at,
      })),
      next: rows.length > LISTED ? (shown.at(-1)?.id ?? null) : null,
    }
  },
  async read(variables, { db }) {
    const id = idIn(variables)
    if (id === null) return null
    const [found] = await db.query<{ content: string; format: string }>(
      sql`SELECT content, format FROM documents WHERE id = ${id}::uuid`,
    )
    return found === undefined ? null : { text: found.content, mimeType: typeOf(found.format) }
  },
})
