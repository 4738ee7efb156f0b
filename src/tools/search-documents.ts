import { z } from 'zod'
import { cursorOf, defineTool, encodeCursor, sql } from '#toolkit/tool.ts'
import { documentSummary, documentLine, toSummary, withTags, type SummaryRow } from './shared/document.ts'
import { HEADLINE_OPTIONS, highlight, highlightText, MARKS, piecesOf } from './shared/highlight.ts'
import { cut, limit, listText, pageOf, rowsFor } from './shared/page.ts'

const hit = z.strictObject({
  ...documentSummary.shape,
  rank: z.number().describe('How well it fits; only for comparing hits of one search'),
  highlight,
})

interface HitRow extends SummaryRow {
  readonly rank: number
  readonly headline: string
}

export default defineTool({
  title: 'Search documents',
  description:
    'Full-text search in titles and contents, best first. All words must occur; "quoted words" must stand together; or means either; -word excludes. English words are found in every form (run, running), words of other languages as written.',
  scopes: ['documents:read'],
  access: 'read',
  input: z.object({
    query: z.string().trim().min(1).max(500).describe('What to look for, in the style of a web search.'),
    project_id: z.uuid().optional().describe('Only documents of this project.'),
    tags: withTags,
    limit,
    cursor: cursorOf({ rank: z.number().min(0).max(1e6), id: z.uuid() }).optional(),
  }),
  output: pageOf(hit),
  run: async ({ query, project_id = null, tags, limit, cursor }, { db }) => {
    const after = cursor?.id ?? null
    // The rank is a float4: only its own nearest value compares as equal.
    const afterRank = Math.fround(cursor?.rank ?? 0)
    const rows = await db.query<HitRow>(sql`
      WITH wanted AS (
        SELECT websearch_to_tsquery('pg_catalog.english', ${query}) || websearch_to_tsquery('pg_catalog.simple', ${query}) AS query
      ), hits AS (
        SELECT documents.*, ts_rank(search, wanted.query) AS rank, wanted.query FROM documents, wanted
        WHERE search @@ wanted.query AND (${project_id}::uuid IS NULL OR project_id = ${project_id}::uuid) AND tags @> ${tags}::text[]
      ), page AS (
        SELECT * FROM hits WHERE ${after}::uuid IS NULL OR (rank, id) < (${afterRank}::float4, ${after}::uuid)
        ORDER BY rank DESC, id DESC LIMIT ${rowsFor(limit)}::integer
      )
      SELECT id, title, project_id, length(content) AS content_length, version, tags, format,
        created_by, created_at, coalesce(updated_by, created_by) AS updated_by, updated_at, rank,
        ts_headline('pg_catalog.english', translate(content, ${MARKS.start + MARKS.end}, ''), query, ${HEADLINE_OPTIONS}) AS headline
      FROM page ORDER BY rank DESC, id DESC`)
    const page = cut(rows, limit, ({ rank, id }) => encodeCursor({ rank, id }))
    const items = page.rows.map((row) => ({ ...toSummary(row), rank: row.rank, highlight: piecesOf(row.headline) }))
    const { next_cursor } = page
    const lines = items.map((item) => `${documentLine(item)}\n  ${highlightText(item.highlight)}`)
    return { text: listText('documents', lines, next_cursor), structured: { items, next_cursor } }
  },
})
