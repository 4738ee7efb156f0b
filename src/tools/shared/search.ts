import {
  EmbeddingFailed,
  hasVectors,
  nearestPassages,
  sql,
  type DocumentFilter,
  type Embedder,
  type NearPassage,
  type TenantDb,
} from '#toolkit/tool.ts'
import { byAnyWord } from './any-word.ts'
import type { SummaryRow } from './document.ts'
import { HEADLINE_OPTIONS, MARKS } from './highlight.ts'

export interface HitRow extends SummaryRow {
  readonly rank: number
  /** null: it was found by its meaning alone. */
  readonly headline: string | null
}

/** Where a page goes on: behind this hit. */
export interface After {
  readonly rank: number
  readonly id: string
}

/** Documents that hold the words, best first. @param rows at most */
export async function byWords(
  db: TenantDb,
  query: string,
  { project_id, tags, updated_after, updated_before }: DocumentFilter,
  after: After | null,
  rows: number,
): Promise<readonly HitRow[]> {
  const id = after?.id ?? null
  // The rank is a float4: only its own nearest value compares as equal.
  const rank = Math.fround(after?.rank ?? 0)
  return await db.query<HitRow>(sql`
    WITH wanted AS (
      SELECT websearch_to_tsquery('pg_catalog.english', ${query}) || websearch_to_tsquery('pg_catalog.simple', ${query}) AS query
    ), hits AS (
      SELECT documents.*, ts_rank(search, wanted.query) AS rank, wanted.query FROM documents, wanted
      WHERE search @@ wanted.query AND (${project_id}::uuid IS NULL OR project_id = ${project_id}::uuid) AND tags @> ${tags}::text[]
        AND (${updated_after}::timestamptz IS NULL OR updated_at >= ${updated_after}::timestamptz)
        AND (${updated_before}::timestamptz IS NULL OR updated_at < ${updated_before}::timestamptz)
    ), page AS (
      SELECT * FROM hits WHERE ${id}::uuid IS NULL OR (rank, id) < (${rank}::float4, ${id}::uuid)
      ORDER BY rank DESC, id DESC LIMIT ${rows}::integer
    )
    SELECT id, title, project_id, length(content) AS content_length, version, tags, format, created_by, created_at,
      coalesce(updated_by, created_by) AS updated_by, updated_at, rank,
      ts_headline('pg_catalog.english', translate(content, ${MARKS.start + MARKS.end}, ''), query, ${HEADLINE_OPTIONS}) AS headline
    FROM page ORDER BY rank DESC, id DESC`)
}

/** Hits by words that are fused with those by meaning. */
const WORDS = 50
/** Reciprocal rank fusion: 1 / (60 + place) for each list, added up (Cormack, Clarke and Büttcher 2009). */
const DAMPING = 60

/** A hit before its document is read. */
export interface FusedHit {
  readonly id: string
  readonly rank: number
  /** null: not among the nearest. */
  readonly near: NearPassage | null
}

/**
 * The best by words and the nearest by meaning as one list, best first. By words: those that hold all of them, then those that hold some, as people ask in
 * whole sentences. Both lists are short, so all of it is made for every page.
 */
export async function fusedHits(
  db: TenantDb,
  query: string,
  { embedder, vector }: { readonly embedder: Embedder; readonly vector: readonly number[] },
  filter: DocumentFilter,
): Promise<readonly FusedHit[]> {
  const { project_id, tags, updated_after, updated_before } = filter
  const words = await db.query<{ id: string }>(sql`
    WITH wanted AS (
      SELECT websearch_to_tsquery('pg_catalog.english', ${query}) || websearch_to_tsquery('pg_catalog.simple', ${query}) AS query
    )
    SELECT id FROM documents, wanted
    WHERE search @@ wanted.query AND (${project_id}::uuid IS NULL OR project_id = ${project_id}::uuid) AND tags @> ${tags}::text[]
      AND (${updated_after}::timestamptz IS NULL OR updated_at >= ${updated_after}::timestamptz)
      AND (${updated_before}::timestamptz IS NULL OR updated_at < ${updated_before}::timestamptz)
    ORDER BY ts_rank(search, wanted.query) DESC, id DESC LIMIT ${WORDS}::integer`)
  const all = words.map(({ id }) => id)
  const some = all.length < WORDS ? await byAnyWord(db, query, filter, WORDS) : []
  const near = await nearestPassages(db, embedder, vector, filter)
  const nearOf = new Map(near.map((passage) => [passage.document_id, passage]))
  const scores = new Map<string, number>()
  for (const list of [[...new Set([...all, ...some])].slice(0, WORDS), near.map(({ document_id }) => document_id)])
    for (const [place, id] of list.entries()) scores.set(id, (scores.get(id) ?? 0) + 1 / (DAMPING + place + 1))
  return [...scores]
    .map(([id, rank]) => ({ id, rank, near: nearOf.get(id) ?? null }))
    .toSorted((a, b) => b.rank - a.rank || (a.id < b.id ? 1 : -1))
}

/** The documents of a page of hits, with the words marked where they occur. */
export const readHits = async (db: TenantDb, query: string, ids: readonly string[]): Promise<readonly HitRow[]> =>
  await db.query<HitRow>(sql`
    WITH wanted AS (
      SELECT websearch_to_tsquery('pg_catalog.english', ${query}) || websearch_to_tsquery('pg_catalog.simple', ${query}) AS query
    )
    SELECT id, title, project_id, length(content) AS content_length, version, tags, format, created_by, created_at,
      coalesce(updated_by, created_by) AS updated_by, updated_at, 0 AS rank, CASE WHEN search @@ wanted.query THEN
        ts_headline('pg_catalog.english', translate(content, ${MARKS.start + MARKS.end}, ''), wanted.query, ${HEADLINE_OPTIONS})
      END AS headline
    FROM documents, wanted WHERE id = ANY (${ids}::uuid[])`)

/** How the search was done, and why not otherwise. */
export type Meaning =
  | { readonly embedder: Embedder; readonly vector: readonly number[] }
  | { readonly embedder: null; readonly why: string }

/** The question as a vector, or why there is none: then words alone are looked for. */
export async function meaningOf(
  db: TenantDb,
  embedder: Embedder | null,
  query: string,
  signal: AbortSignal,
): Promise<Meaning> {
  if (embedder === null)
    return { embedder, why: 'Searched for words only: search by meaning is not set up on this server.' }
  if (!(await hasVectors(db)))
    return { embedder: null, why: 'Searched for words only: the database of this organisation has no vectors.' }
  try {
    return { embedder, vector: await embedder.question(query, signal) }
  } catch (error) {
    if (!(error instanceof EmbeddingFailed)) throw error
    return { embedder: null, why: 'Searched for words only: search by meaning does not answer at present.' }
  }
}
