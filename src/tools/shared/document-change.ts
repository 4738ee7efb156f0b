import { sql, ToolError, uuidv7, type TenantDb } from '#toolkit/tool.ts'
import { indexed, type Document } from './document.ts'
import { only } from './fields.ts'

/** Versions of one document that are kept beside the present one: history takes room that somebody pays for. */
export const MOST_VERSIONS = 100

/** What a change can change. */
export type DocumentFields = Pick<Document, 'title' | 'content' | 'project_id' | 'tags' | 'format'>
export type HeldDocument = DocumentFields & Pick<Document, 'id' | 'version'>

/** Who changes it and when. */
export interface Editor {
  /** user_id, or `operator:name` */
  readonly by: string
  /** Milliseconds since the epoch. */
  readonly now: number
}

/**
 * A document that nobody else changes before this transaction ends. Throws ToolError "document not found", and when it is not at the
 * version that the caller has read.
 */
export async function holdDocument(db: TenantDb, id: string, expected?: number): Promise<HeldDocument> {
  const rows = await db.query<HeldDocument>(sql`
    SELECT id, title, content, project_id, tags, format, version FROM documents WHERE id = ${id}::uuid FOR UPDATE`)
  const held = only(rows, 'document')
  assertVersion(held, expected)
  return held
}

/** Throws ToolError when a document is not at the version that the caller has read. */
export function assertVersion({ version }: Pick<HeldDocument, 'version'>, expected: number | undefined): void {
  if (expected !== undefined && expected !== version)
    throw new ToolError(
      `The document is at version ${version}, not ${expected}: somebody changed it. Read it again and repeat your change.`,
    )
}

/**
 * Writes the next version and keeps the one before, of which the oldest beyond MOST_VERSIONS go. What leaves its project is no longer
 * the file that was imported there. The document must be held. Throws ToolError when it cannot be indexed. Answers the new version.
 */
export async function saveDocument(
  db: TenantDb,
  { id, version, project_id }: HeldDocument,
  after: DocumentFields,
  { by, now }: Editor,
): Promise<number> {
  const next = version + 1
  const stays = after.project_id === project_id
  await indexed(
    db.query(sql`
      WITH kept AS (
        INSERT INTO document_versions (id, document_id, version, title, content, tags, format, saved_by, saved_at)
        SELECT ${uuidv7(now)}::uuid, id, version, title, content, tags, format, coalesce(updated_by, created_by), updated_at
        FROM documents WHERE id = ${id}::uuid
      ), gone AS (
        DELETE FROM document_versions WHERE document_id = ${id}::uuid AND version < ${next - MOST_VERSIONS}::integer
      )
      UPDATE documents SET title = ${after.title}, content = ${after.content}, project_id = ${after.project_id}::uuid,
        tags = ${after.tags}::text[], format = ${after.format}, version = ${next}::integer, updated_by = ${by},
        updated_at = ${new Date(now)}, source = CASE WHEN ${stays}::boolean THEN source END,
        source_digest = CASE WHEN ${stays}::boolean THEN source_digest END
      WHERE id = ${id}::uuid`),
  )
  return next
}

/** Stores a new document at version 1 and answers its id. Throws ToolError when it cannot be indexed. */
export async function insertDocument(
  db: TenantDb,
  { title, content, project_id, tags, format }: DocumentFields,
  { by, now }: Editor,
): Promise<string> {
  const id = uuidv7(now)
  const at = new Date(now)
  await indexed(
    db.query(sql`
      INSERT INTO documents (id, project_id, title, content, tags, format, created_by, created_at, updated_at)
      VALUES (${id}, ${project_id}, ${title}, ${content}, ${tags}::text[], ${format}, ${by}, ${at}, ${at})`),
  )
  return id
}
