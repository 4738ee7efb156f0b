import { z } from 'zod'
import { cursorOf, defineTool, encodeCursor, ToolError } from '#toolkit/tool.ts'
import { anyWordHeadlines } from './shared/any-word.ts'
import { documentLine, documentSummary, toSummary, withTags } from './shared/document.ts'
import { time } from './shared/fields.ts'
import { highlight, highlightText, piecesOf } from './shared/highlight.ts'
import { cut, limit, listText, pageOf, rowsFor } from './shared/page.ts'
import { byWords, fusedHits, meaningOf, readHits, type Meaning } from './shared/search.ts'

const hit = z.strictObject({
  ...documentSummary.shape,
  rank: z.number().describe('How well it fits; only for comparing hits of one search'),
  similarity: z
    .number()
    .nullable()
    .describe('How near its nearest passage is in meaning, at most 1; null: not among the nearest'),
  highlight,
})

const found = z.strictObject({
  ...pageOf(hit).shape,
  mode: z.enum(['hybrid', 'words']).describe('hybrid: by words and by meaning; words: by words only'),
  note: z.string().nullable().describe('Why it was by words only; null: it was as asked for'),
})

/** Characters of a passage that shows why a document was found by its meaning. */
const SHOWN = 400

export default defineTool({
  title: 'Search documents',
  description:
    'Searches titles and contents, best first: by words, and where the server is set up for it also by meaning, so that a question in your own words finds what says it in others. By words: all words must occur; "quoted words" must stand together; or means either; -word excludes. English words are found in every form (run, running), words of other languages as written. The answer says which of both was done.',
  scopes: ['documents:read'],
  access: 'read',
  input: z.object({
    query: z
      .string()
      .trim()
      .min(1)
      .max(500)
      .describe('What to look for: words in the style of a web search, or a question.'),
    words_only: z.boolean().default(false).describe('Look for the words only, as for a name or a number.'),
    project_id: z.uuid().optional().describe('Only documents of this project.'),
    tags: withTags,
    updated_after: time.optional().describe('Only documents that changed at this time or later.'),
    updated_before: time.optional().describe('Only documents that changed before this time.'),
    limit,
    cursor: cursorOf({
      rank: z.number().min(0).max(1e6),
      id: z.uuid(),
      by: z.enum(['words', 'hybrid']).optional(),
    }).optional(),
  }),
  output: found,
  run: async (given, { db, embedder, signal }) => {
    const {
      query,
      words_only,
      project_id = null,
      tags,
      updated_after = null,
      updated_before = null,
      limit,
      cursor,
    } = given
    const filter = { project_id, tags, updated_after, updated_before }
    const by = cursor?.by ?? 'words'
    // A list goes on as it began.
    const meaning: Meaning | null =
      words_only || (cursor !== undefined && by === 'words') ? null : await meaningOf(db, embedder, query, signal)
    if (meaning === null || meaning.embedder === null) {
      if (cursor !== undefined && by === 'hybrid')
        throw new ToolError(
          'This list was made by meaning, which does not answer at present: begin again without cursor.',
        )
      const page = cut(await byWords(db, query, filter, cursor ?? null, rowsFor(limit)), limit, ({ rank, id }) =>
        encodeCursor({ rank, id }),
      )
      const items = page.rows.map((row) => ({
        ...toSummary(row),
        rank: row.rank,
        similarity: null,
        highlight: piecesOf(row.headline ?? ''),
      }))
      return answer(items, page.next_cursor, 'words', meaning?.why ?? null)
    }
    const hits = await fusedHits(db, query, meaning, filter)
    const left =
      cursor === undefined
        ? hits
        : hits.filter(({ rank, id }) => rank < cursor.rank || (rank === cursor.rank && id < cursor.id))
    const page = cut(left, limit, ({ rank, id }) => encodeCursor({ rank, id, by: 'hybrid' }))
    const rows = new Map(
      (
        await readHits(
          db,
          query,
          page.rows.map(({ id }) => id),
        )
      ).map((row) => [row.id, row]),
    )
    const bySome = page.rows.filter(({ id, near }) => near === null && (rows.get(id)?.headline ?? null) === null)
    const headlines = await anyWordHeadlines(
      db,
      query,
      bySome.map(({ id }) => id),
    )
    const items = page.rows.flatMap(({ id, rank, near }) => {
      const row = rows.get(id)
      if (row === undefined) return []
      const headline = row.headline ?? headlines.get(id) ?? null
      const passage = [{ text: (near?.content ?? '').slice(0, SHOWN), match: false }]
      return [
        {
          ...toSummary(row),
          rank,
          similarity: near?.similarity ?? null,
          highlight: headline === null ? passage : piecesOf(headline),
        },
      ]
    })
    return answer(items, page.next_cursor, 'hybrid', null)
  },
})

function answer(
  items: z.output<typeof found>['items'],
  next_cursor: string | null,
  mode: 'hybrid' | 'words',
  note: string | null,
) {
  const lines = items.map((item) => `${documentLine(item)}\n  ${highlightText(item.highlight)}`)
  const text = listText('documents', lines, next_cursor)
  return { text: note === null ? text : `${text}\n\n${note}`, structured: { items, next_cursor, mode, note } }
}
