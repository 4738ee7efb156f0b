import { z } from 'zod'
import { sql, ToolError, type TenantDb } from '#toolkit/tool.ts'
import { idOf, isoOf, only, person, timeOut } from './fields.ts'

/** Characters of content in one answer: text and structured content both carry it, and together they must stay below 1 MiB (D33). */
export const PART = 50_000
/** Characters of a whole content. */
export const MOST_CONTENT = 200_000
const MOST_TAGS = 20

const tag = z
  .string()
  .trim()
  .toLowerCase()
  .min(1)
  .max(50)
  .refine((text) => !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp},]/u.test(text), 'must be words without commas or control characters')

/** Tags as they are stored: lower case, each once, in order. */
export const tags = z
  .array(tag)
  .max(MOST_TAGS)
  .overwrite((all) => [...new Set(all)].toSorted())

export const documentFields = {
  title: z.string().trim().min(1).max(300).describe('Title, 1 to 300 characters.'),
  content: z
    .string()
    .max(MOST_CONTENT)
    .describe('The text, up to 200,000 characters; Markdown and plain text are kept as they are.'),
  project_id: idOf('project').nullable().describe('Project it belongs to; null: none.'),
  tags: tags.describe('Up to 20 tags of up to 50 characters, in lower case.'),
  format: z.enum(['markdown', 'plain']).describe('How the content is to be read.'),
}

/** Filter of the lists. */
export const withTags = tags.default([]).describe('Only documents that have all of these tags.')

export const expectedVersion = z
  .int()
  .min(1)
  .max(2_147_483_647)
  .optional()
  .describe('The version that you read. When the document has changed since, nothing is done and you are told.')

const summaryFields = {
  id: z.uuid(),
  title: z.string(),
  project_id: z.uuid().nullable(),
  content_length: z.int().describe('Characters (Unicode code points) of the whole content'),
  version: z.int().describe('1 when it is made, one more with each change'),
  tags: z.array(z.string()),
  format: documentFields.format,
  created_by: person,
  created_at: timeOut,
  updated_by: person,
  updated_at: timeOut,
}

/** A document in a list: without its content. */
export const documentSummary = z.strictObject(summaryFields)
export type DocumentSummary = z.output<typeof documentSummary>

export const document = z.strictObject({
  ...summaryFields,
  content: z.string().describe(`The content from offset on, at most ${PART} characters`),
  next_offset: z.int().nullable().describe('Offset of the rest, for get_document; null: this is all of it'),
})
export type Document = z.output<typeof document>

export interface SummaryRow extends Omit<DocumentSummary, 'created_at' | 'updated_at'> {
  readonly created_at: Date
  readonly updated_at: Date
}

export const toSummary = (row: SummaryRow): DocumentSummary => ({
  id: row.id,
  title: row.title,
  project_id: row.project_id,
  content_length: row.content_length,
  version: row.version,
  tags: row.tags,
  format: row.format,
  created_by: row.created_by,
  created_at: isoOf(row.created_at),
  updated_by: row.updated_by,
  updated_at: isoOf(row.updated_at),
})

export const documentLine = ({ id, title, content_length, tags }: DocumentSummary): string =>
  `${title} (${content_length} characters${tags.length === 0 ? '' : `, tags ${tags.join(', ')}`}, id ${id})`

/**
 * @param offset in characters as Postgres counts them. Throws ToolError "document not found".
 */
export async function readDocument(db: TenantDb, id: string, offset: number, length: number): Promise<Document> {
  const rows = await db.query<SummaryRow & { content: string }>(sql`
    SELECT id, title, project_id, length(content) AS content_length, version, tags, format, created_by, created_at,
      coalesce(updated_by, created_by) AS updated_by, updated_at,
      substr(content, ${offset + 1}::integer, ${length}::integer) AS content
    FROM documents WHERE id = ${id}::uuid`)
  return partOf(only(rows, 'document'), offset + length)
}

/** The same of a version that is kept, the present one among them. Throws ToolError "document not found", "version not found". */
export async function readVersion(
  db: TenantDb,
  { id, version }: { readonly id: string; readonly version: number },
  offset: number,
  length: number,
): Promise<Document> {
  const now = await readDocument(db, id, offset, length)
  if (now.version === version) return now
  const rows = await db.query<SummaryRow & { content: string }>(sql`
    SELECT d.id, v.title, d.project_id, length(v.content) AS content_length, v.version, v.tags, v.format, d.created_by,
      d.created_at, v.saved_by AS updated_by, v.saved_at AS updated_at,
      substr(v.content, ${offset + 1}::integer, ${length}::integer) AS content
    FROM document_versions v JOIN documents d ON d.id = v.document_id
    WHERE v.document_id = ${id}::uuid AND v.version = ${version}::integer`)
  return partOf(only(rows, 'version'), offset + length)
}

const partOf = (row: SummaryRow & { content: string }, end: number): Document => ({
  ...toSummary(row),
  content: row.content,
  next_offset: end < row.content_length ? end : null,
})

/**
 * Waits for a document to be written. Throws ToolError when Postgres cannot index it: its words may come to 1 MiB, which 200,000
 * characters can exceed where letters are wide and words are joined by hyphens (SQLSTATE 54000, program_limit_exceeded).
 */
export async function indexed<T>(written: Promise<T>): Promise<T> {
  try {
    return await written
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === '54000')) throw error
    throw new ToolError('The content has too many different words for one document: split it into several.')
  }
}
