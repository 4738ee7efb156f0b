import { sql, ToolError, type TenantDb } from '#toolkit/tool.ts'
import { insertDocument, saveDocument, type DocumentFields, type Editor, type HeldDocument } from './document-change.ts'
import { MOST_CONTENT, tags as tagList, type Document } from './document.ts'

/** A file as it was read. */
export interface SourceFile {
  /** Its path below the folder that is imported, with `/`; at most 500 characters. */
  readonly path: string
  /** SHA-256 of its octets, hex. */
  readonly digest: string
  readonly title: string
  readonly content: string
  readonly format: Document['format']
}

/** Where files go. */
export interface SourcePlace {
  readonly project_id: string | null
  readonly tags: readonly string[]
}

export interface KnownSource {
  readonly source: string
  readonly source_digest: string
}

/** The files that a project has been given, by path, at most 1,000 after `after`. */
export const knownSources = async (
  db: TenantDb,
  project_id: string | null,
  after: string,
): Promise<readonly KnownSource[]> =>
  await db.query<KnownSource>(sql`
    SELECT source, source_digest FROM documents
    WHERE source IS NOT NULL AND source > ${after} AND project_id IS NOT DISTINCT FROM ${project_id}::uuid
    ORDER BY source LIMIT 1000`)

/**
 * Makes a document of a file, or a new version of the one that was made of the same path before; the same octets change nothing, whatever
 * was written here since. Throws ToolError for a text that no document can hold.
 */
export async function putSource(
  db: TenantDb,
  file: SourceFile,
  { project_id, tags }: SourcePlace,
  editor: Editor,
): Promise<{ readonly id: string; readonly done: 'created' | 'updated' | 'unchanged' }> {
  if (file.content.length > MOST_CONTENT) throw new ToolError(`it has more than ${MOST_CONTENT} characters`)
  if (file.content.includes('\0')) throw new ToolError('it has the character NUL, so it is no text')
  const { path, digest, title, content, format } = file
  const [held] = await db.query<HeldDocument & { source_digest: string }>(sql`
    SELECT id, title, content, project_id, tags, format, version, source_digest FROM documents
    WHERE source = ${path} AND project_id IS NOT DISTINCT FROM ${project_id}::uuid FOR UPDATE`)
  if (held?.source_digest === digest) return { id: held.id, done: 'unchanged' }
  const after: DocumentFields = {
    title,
    content,
    format,
    project_id,
    tags: tagList.parse([...(held?.tags ?? []), ...tags]),
  }
  if (held !== undefined) await saveDocument(db, held, after, editor)
  const id = held === undefined ? await insertDocument(db, after, editor) : held.id
  await db.query(sql`UPDATE documents SET source = ${path}, source_digest = ${digest} WHERE id = ${id}::uuid`)
  return { id, done: held === undefined ? 'created' : 'updated' }
}

/** A document as it is exported. */
export interface ExportedDocument extends DocumentFields {
  readonly id: string
  readonly version: number
  readonly source: string | null
  readonly created_by: string
  readonly created_at: Date
  readonly updated_by: string
  readonly updated_at: Date
}

/** Documents with their content in the order of their ids, at most 20 after `after`. @param project_id null: of the whole tenant. */
export const documentsAfter = async (
  db: TenantDb,
  project_id: string | null,
  after: string | null,
): Promise<readonly ExportedDocument[]> =>
  await db.query<ExportedDocument>(sql`
    SELECT id, title, content, project_id, tags, format, version, source, created_by, created_at,
      coalesce(updated_by, created_by) AS updated_by, updated_at
    FROM documents WHERE (${project_id}::uuid IS NULL OR project_id = ${project_id}::uuid)
      AND (${after}::uuid IS NULL OR id > ${after}::uuid) ORDER BY id LIMIT 20`)
