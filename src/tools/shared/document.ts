import { z } from 'zod'
import { sql, ToolError, type TenantDb } from '#toolkit/tool.ts'
import { idOf, isoOf, only, person, timeOut } from './fields.ts'

/** Characters of content in one answer: text and structured content both carry it, and together they must stay below 1 MiB (D33). */
export const PART = 50_000

export const documentFields = {
  title: z.string().trim().min(1).max(300).describe('Title, 1 to 300 characters.'),
  content: z.string().max(200_000).describe('The text, up to 200,000 characters; Markdown is kept as it is.'),
  project_id: idOf('project').nullable().describe('Project it belongs to; null: none.'),
}

const summaryFields = {
  id: z.uuid(),
  title: z.string(),
  project_id: z.uuid().nullable(),
  content_length: z.int().describe('Characters (Unicode code points) of the whole content'),
  created_by: person,
  created_at: timeOut,
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
  created_by: row.created_by,
  created_at: isoOf(row.created_at),
  updated_at: isoOf(row.updated_at),
})

export const documentLine = ({ id, title, content_length }: DocumentSummary): string =>
  `${title} (${content_length} characters, id ${id})`

/** @param offset in characters as Postgres counts them. Throws ToolError "document not found". */
export async function readDocument(db: TenantDb, id: string, offset: number, length: number): Promise<Document> {
  const rows = await db.query<SummaryRow & { content: string }>(sql`
    SELECT id, title, project_id, length(content) AS content_length, created_by, created_at, updated_at,
      substr(content, ${offset + 1}::integer, ${length}::integer) AS content
    FROM documents WHERE id = ${id}::uuid`)
  const row = only(rows, 'document')
  const end = offset + length
  return { ...toSummary(row), content: row.content, next_offset: end < row.content_length ? end : null }
}

/**
 * Waits for a document to be written. Throws ToolError when Postgres cannot index it: its words may come to 1 MiB, which 200,000
 * characters can exceed where letters are wide and words are joined by hyphens (SQLSTATE 54000, program_limit_exceeded).
 */
export async function indexed(written: Promise<unknown>): Promise<void> {
  try {
    await written
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === '54000')) throw error
    throw new ToolError('The content has too many different words for one document: split it into several.')
  }
}
