import { sql, type DocumentFilter, type TenantDb } from '#toolkit/tool.ts'
import { HEADLINE_OPTIONS, MARKS } from './highlight.ts'

/** Words of a question that are looked for, the longest first. */
const WORDS = 24
/** A word that more documents hold says little, and costs much. */
const COMMON = 300

/** Does it say itself which words must be there, or must not? Then some of them are not what was asked for. */
const strict = (query: string): boolean => /"|(?:^|\s)-\S/.test(query)

/**
 * Ids of documents that hold some words of a question, best first: a word counts for more the fewer documents hold it (ln(1 + 300 / n)), and not at all
 * when more than 300 do. Words are looked up one by one in the index, so that nothing is ranked by reading documents. None for a question with
 * "quoted words" or -word.
 * @param rows at most
 */
export async function byAnyWord(
  db: TenantDb,
  query: string,
  { project_id, tags, updated_after, updated_before }: DocumentFilter,
  rows: number,
): Promise<readonly string[]> {
  if (strict(query)) return []
  const found = await db.query<{ id: string }>(sql`
    WITH words AS (
      SELECT word FROM unnest(tsvector_to_array(to_tsvector('pg_catalog.english', ${query}))) AS word
      ORDER BY length(word) DESC, word LIMIT ${WORDS}::integer
    ), hits AS (
      SELECT word, d.id FROM words CROSS JOIN LATERAL (
        SELECT id FROM documents
        WHERE search @@ ('''' || replace(replace(word, '\\', '\\\\'), '''', '''''') || '''')::tsquery
          AND (${project_id}::uuid IS NULL OR project_id = ${project_id}::uuid) AND tags @> ${tags}::text[]
          AND (${updated_after}::timestamptz IS NULL OR updated_at >= ${updated_after}::timestamptz)
          AND (${updated_before}::timestamptz IS NULL OR updated_at < ${updated_before}::timestamptz)
        LIMIT ${COMMON}::integer + 1
      ) AS d
    ), counted AS (
      SELECT id, count(*) OVER (PARTITION BY word) AS n FROM hits
    )
    SELECT id FROM counted WHERE n <= ${COMMON}::integer
    GROUP BY id ORDER BY sum(ln(1 + ${COMMON}::float8 / n)) DESC, id DESC LIMIT ${rows}::integer`)
  return found.map(({ id }) => id)
}

/** Where those words stand in documents that were found by them alone. */
export async function anyWordHeadlines(
  db: TenantDb,
  query: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (ids.length === 0) return new Map()
  const rows = await db.query<{ id: string; headline: string }>(sql`
    WITH wanted AS (
      SELECT string_agg('''' || replace(replace(word, '\\', '\\\\'), '''', '''''') || '''', ' | ')::tsquery AS query
      FROM unnest(tsvector_to_array(to_tsvector('pg_catalog.english', ${query}))) AS word
    )
    SELECT id, ts_headline('pg_catalog.english', translate(content, ${MARKS.start + MARKS.end}, ''), wanted.query, ${HEADLINE_OPTIONS}) AS headline
    FROM documents, wanted WHERE id = ANY (${ids}::uuid[]) AND wanted.query IS NOT NULL`)
  return new Map(rows.map(({ id, headline }) => [id, headline]))
}
