import { uuidv7 } from '#base/id.ts'
import type { Queryable } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { embedded, piecesOf } from './split.ts'

/** Documents of one transaction: some hundred pieces each at most. */
const DOCUMENTS = 10
/** Milliseconds for which whoever took passages has them; longer than an embedder may take. */
const LEASE = 120_000
const LONGEST_PAUSE = 600_000
/** Milliseconds until a text that the model refused is tried once more. */
const REFUSED_PAUSE = 86_400_000

/** A text that waits for its embedding, once for all passages that have it. */
export interface WaitingText {
  readonly digest: string
  readonly text: string
  readonly attempts: number
}

/** How far a tenant is. */
export interface Progress {
  readonly documents: number
  /** Documents whose passages are not of their present version. */
  readonly unsplit: number
  readonly passages: number
  /** Passages with an embedding of this model. */
  readonly embedded: number
  readonly failed: number
}

/** Is the tenant's schema new enough (0004)? One that is a version behind is served without meaning. */
export async function hasPassages(db: Queryable): Promise<boolean> {
  const [row] = await db.query<{ there: boolean }>(sql`SELECT pg_catalog.to_regclass('passages') IS NOT NULL AS there`)
  return row?.there === true
}

/**
 * Makes passages of documents that have none of their present version, some at a time. A text that has an embedding of this model already,
 * wherever in the tenant, keeps it. Answers how many documents were split; 0: none is left, or others are at work on them.
 */
export async function splitDocuments(db: Queryable, model: string, now: number): Promise<number> {
  const documents = await db.query<{ id: string; title: string; content: string; version: number }>(sql`
    SELECT id, title, content, version FROM documents d
    WHERE NOT EXISTS (SELECT 1 FROM document_passages p WHERE p.document_id = d.id AND p.version = d.version)
    ORDER BY id LIMIT ${DOCUMENTS}::integer FOR UPDATE SKIP LOCKED`)
  for (const { id, title, content, version } of documents) {
    const pieces = piecesOf(title, content)
    const column = <Value>(of: (piece: (typeof pieces)[number], index: number) => Value): Value[] => pieces.map(of)
    await db.query(sql`
      WITH known AS MATERIALIZED (
        SELECT DISTINCT ON (digest) digest, embedding FROM passages
        WHERE digest = ANY (${column(({ digest }) => digest)}::text[]) AND model = ${model} ORDER BY digest
      ), put AS (
        INSERT INTO passages (id, document_id, position, content, digest, model, embedding)
        SELECT n.id, ${id}::uuid, n.position, n.content, n.digest, CASE WHEN known.digest IS NOT NULL THEN ${model} END, known.embedding
        FROM unnest(${column(() => uuidv7(now))}::uuid[], ${column((_, index) => index)}::integer[],
          ${column((piece) => piece.content)}::text[], ${column(({ digest }) => digest)}::text[]) AS n (id, position, content, digest)
        LEFT JOIN known ON known.digest = n.digest
        ON CONFLICT (document_id, position) DO UPDATE SET content = excluded.content, digest = excluded.digest, model = excluded.model,
          embedding = excluded.embedding, not_before = NULL, attempts = 0 WHERE passages.digest <> excluded.digest
      ), gone AS (
        DELETE FROM passages WHERE document_id = ${id}::uuid AND position >= ${pieces.length}::integer
      )
      INSERT INTO document_passages (document_id, version) VALUES (${id}::uuid, ${version}::integer)
      ON CONFLICT (document_id) DO UPDATE SET version = excluded.version`)
  }
  return documents.length
}

/** Takes texts that wait, oldest first, for two minutes: one that dies with them leaves them to the others then. */
export async function takeTexts(db: Queryable, most: number, now: number): Promise<readonly WaitingText[]> {
  const rows = await db.query<{ digest: string; title: string; content: string; attempts: number }>(sql`
    WITH picked AS (
      SELECT id FROM passages WHERE embedding IS NULL AND (not_before IS NULL OR not_before <= ${new Date(now)})
      ORDER BY id LIMIT ${most}::integer FOR UPDATE SKIP LOCKED
    )
    UPDATE passages p SET not_before = ${new Date(now + LEASE)}, attempts = p.attempts + 1
    FROM picked, documents d WHERE p.id = picked.id AND d.id = p.document_id
    RETURNING p.digest, d.title, p.content, p.attempts`)
  const texts = new Map<string, WaitingText>()
  // A title that was changed since belongs to the next version, with passages and digests of its own: those are asked for then.
  for (const { digest, title, content, attempts } of rows)
    texts.set(digest, { digest, text: embedded(title, content), attempts })
  return [...texts.values()]
}

/** Keeps what came, for every passage with that text that waits. */
export async function keepEmbeddings(
  db: Queryable,
  model: string,
  found: readonly { readonly digest: string; readonly vector: readonly number[] }[],
): Promise<void> {
  for (const { digest, vector } of found)
    await db.query(sql`
      UPDATE passages SET model = ${model}, embedding = ${vector}::real[], not_before = NULL, attempts = 0
      WHERE digest = ${digest} AND embedding IS NULL`)
}

/** Gives texts back, to be tried later: after twice as long each time, ten minutes at most; a day when the model refused them. */
export async function putBack(
  db: Queryable,
  texts: readonly WaitingText[],
  { refused, wait, now }: { readonly refused: boolean; readonly wait: number | null; readonly now: number },
): Promise<void> {
  for (const { digest, attempts } of texts) {
    const pause = refused
      ? REFUSED_PAUSE
      : Math.max(wait ?? 0, Math.min(LONGEST_PAUSE, 1_000 * 2 ** Math.min(attempts, 20)))
    await db.query(sql`
      UPDATE passages SET not_before = ${new Date(now + pause)} WHERE digest = ${digest} AND embedding IS NULL`)
  }
}

/** Forgets embeddings of other models, or of all, so that they are made anew. Answers how many passages wait for it now. */
export async function forgetEmbeddings(db: Queryable, model: string, all: boolean): Promise<number> {
  const rows = await db.query<{ n: number }>(sql`
    WITH forgotten AS (
      UPDATE passages SET model = NULL, embedding = NULL, not_before = NULL, attempts = 0
      WHERE embedding IS NULL OR ${all}::boolean OR model <> ${model} RETURNING 1
    ) SELECT count(*)::integer AS n FROM forgotten`)
  return rows[0]?.n ?? 0
}

export async function progressOf(db: Queryable, model: string): Promise<Progress> {
  const [row] = await db.query<Progress>(sql`
    SELECT (SELECT count(*) FROM documents)::integer AS documents,
      (SELECT count(*) FROM documents d WHERE NOT EXISTS (
        SELECT 1 FROM document_passages p WHERE p.document_id = d.id AND p.version = d.version))::integer AS unsplit,
      count(*)::integer AS passages, count(*) FILTER (WHERE model = ${model})::integer AS embedded,
      count(*) FILTER (WHERE embedding IS NULL AND attempts > 0 AND not_before > now())::integer AS failed
    FROM passages`)
  return row ?? { documents: 0, unsplit: 0, passages: 0, embedded: 0, failed: 0 }
}
