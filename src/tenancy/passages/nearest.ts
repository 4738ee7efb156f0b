import type { Queryable } from '#db/database.ts'
import { sql, type Sql } from '#db/sql.ts'
import { hasPassages } from './queue.ts'

/** Passages that are looked at: what an HNSW index answers unless it is told otherwise (hnsw.ef_search). */
const NEAREST = 40

/** What documents must be like; null: anything. */
export interface DocumentFilter {
  readonly project_id: string | null
  /** All of them. */
  readonly tags: readonly string[]
  /** Milliseconds-precise times as Postgres reads them. */
  readonly updated_after: string | null
  readonly updated_before: string | null
}

export interface NearPassage {
  readonly document_id: string
  readonly content: string
  /** 1: the same direction; 0: nothing in common. */
  readonly similarity: number
}

/** Can this tenant be searched by meaning: are there passages (0004), and pgvector in `ext`? */
export async function hasVectors(db: Queryable): Promise<boolean> {
  const [row] = await db.query<{ there: boolean }>(sql`SELECT pg_catalog.to_regtype('ext.vector') IS NOT NULL AS there`)
  return row?.there === true && (await hasPassages(db))
}

/**
 * The nearest passages, one per document, nearest first; none of a document that has changed since it was split. With a filter every passage
 * that it lets through is compared; without one the index of `gatehouse reindex` is used, where there is one.
 */
export async function nearestPassages(
  db: Queryable,
  { model, dimensions }: { readonly model: string; readonly dimensions: number },
  vector: readonly number[],
  filter: DocumentFilter,
): Promise<readonly NearPassage[]> {
  const { project_id, tags, updated_after, updated_before } = filter
  const free = project_id === null && tags.length === 0 && updated_after === null && updated_before === null
  const said = JSON.stringify(vector)
  const rows = await db.query<NearPassage>(
    free
      ? sized(dimensions)`
        WITH near AS MATERIALIZED (
          SELECT document_id, content, embedding::ext.vector(DIMENSIONS) <=> ${said}::ext.vector(DIMENSIONS) AS distance FROM passages
          WHERE cardinality(embedding) = DIMENSIONS AND model = ${model}
          ORDER BY embedding::ext.vector(DIMENSIONS) <=> ${said}::ext.vector(DIMENSIONS) LIMIT ${NEAREST}::integer
        )
        SELECT DISTINCT ON (near.document_id) near.document_id, near.content, 1 - near.distance AS similarity
        FROM near JOIN documents d ON d.id = near.document_id
          JOIN document_passages s ON s.document_id = d.id AND s.version = d.version
        ORDER BY near.document_id, near.distance`
      : sized(dimensions)`
        WITH wanted AS MATERIALIZED (
          SELECT p.document_id, p.content, p.embedding FROM passages p JOIN documents d ON d.id = p.document_id
            JOIN document_passages s ON s.document_id = d.id AND s.version = d.version
          WHERE cardinality(p.embedding) = DIMENSIONS AND p.model = ${model}
            AND (${project_id}::uuid IS NULL OR d.project_id = ${project_id}::uuid) AND d.tags @> ${tags}::text[]
            AND (${updated_after}::timestamptz IS NULL OR d.updated_at >= ${updated_after}::timestamptz)
            AND (${updated_before}::timestamptz IS NULL OR d.updated_at < ${updated_before}::timestamptz)
        ), near AS (
          SELECT document_id, content, embedding::ext.vector(DIMENSIONS) <=> ${said}::ext.vector(DIMENSIONS) AS distance FROM wanted
          ORDER BY 3 LIMIT ${NEAREST}::integer
        )
        SELECT DISTINCT ON (document_id) document_id, content, 1 - distance AS similarity FROM near ORDER BY document_id, distance`,
  )
  return rows.toSorted((a, b) => b.similarity - a.similarity || (a.document_id < b.document_id ? 1 : -1))
}

/**
 * The index over this tenant's vectors of that many dimensions, as the owner of its schema (`database.admin.owning`); nothing when it is there.
 * Takes minutes for 100,000 passages, and writing passages waits meanwhile.
 */
export async function indexNearest(db: Queryable, dimensions: number): Promise<void> {
  await db.query(sized(dimensions)`
    CREATE INDEX IF NOT EXISTS passages_near_DIMENSIONS ON passages
    USING hnsw ((embedding::ext.vector(DIMENSIONS)) ext.vector_cosine_ops) WHERE cardinality(embedding) = DIMENSIONS`)
}

/** A type's size cannot be a bound value, so it is written into the text: a whole number of the configuration, and nothing that anybody sent. */
const sized =
  (dimensions: number) =>
  (strings: TemplateStringsArray, ...values: readonly unknown[]): Sql => {
    if (!Number.isInteger(dimensions) || dimensions < 1 || dimensions > 2_000)
      throw new TypeError(`${dimensions} is no number of dimensions`)
    const parts = strings.map((part) => part.replaceAll('DIMENSIONS', String(dimensions)))
    return sql(Object.assign(parts, { raw: parts }), ...values)
  }
