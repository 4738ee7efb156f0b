import { TtlCache } from './cache.ts'
import type { Clock } from './clock.ts'
import type { EmbeddingsConfig } from './config-search.ts'
import { FetchFailed, type GuardedFetch } from './fetch.ts'

/** Texts gave no vectors. The message names neither the texts nor the key. */
export class EmbeddingFailed extends Error {
  override readonly name = 'EmbeddingFailed'
  /** These texts will never do (400, 413, 422); everything else may be tried again. */
  readonly refused: boolean
  /** Seconds; null: nothing was said. */
  readonly retryAfter: number | null
  constructor(message: string, options: { refused?: boolean; retryAfter?: number | null; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.refused = options.refused ?? false
    this.retryAfter = options.retryAfter ?? null
  }
}

/** What makes vectors of texts. Whoever runs a model in the process itself gives another one of these. */
export interface Embedder {
  /** Model and dimensions: vectors of two that differ in it cannot be compared. */
  readonly model: string
  readonly dimensions: number
  /** One vector per text, in their order, of length 1. One request. @throws EmbeddingFailed, and nothing else. */
  passages(texts: readonly string[], signal?: AbortSignal): Promise<readonly (readonly number[])[]>
  /** The same for what somebody looks for: in a hurry, and remembered for an hour. @throws EmbeddingFailed, and nothing else. */
  question(text: string, signal?: AbortSignal): Promise<readonly number[]>
}

/** Milliseconds. A person waits for the second, and their call holds a connection meanwhile. */
const PATIENCE = { passages: 60_000, question: 3_000 }
/** Octets of an answer: a number is at most some 25. */
const MOST_BYTES = 64 * 1024 * 1024
const REMEMBERED = { max: 2_000, ttl: 3_600_000 }
/** Questions on their way at once; with more of them people are answered by words alone. */
const MOST_QUESTIONS = 16
/** Statuses that speak about the texts. */
const ABOUT_TEXTS = new Set([400, 413, 422])

/** An OpenAI-compatible API: `POST {url}/embeddings` with model and input, answered by `data[].embedding` and `data[].index`. */
export function createEmbedder(
  { url, model, key, dimensions }: EmbeddingsConfig,
  { fetch, clock }: { readonly fetch: GuardedFetch; readonly clock: Clock },
): Embedder {
  const questions = new TtlCache<{ readonly vector: readonly number[] }>({ max: REMEMBERED.max, clock })
  let asking = 0

  async function ask(input: readonly string[], timeout: number, signal?: AbortSignal): Promise<readonly number[][]> {
    try {
      const { body } = await fetch.json(`${url}/embeddings`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(key === null ? {} : { authorization: `Bearer ${key}` }) },
        body: JSON.stringify({ model, input, encoding_format: 'float' }),
        timeout,
        maxBytes: MOST_BYTES,
        ...(signal === undefined ? {} : { signal }),
      })
      return vectorsIn(body, input.length, dimensions)
    } catch (error) {
      if (!(error instanceof FetchFailed)) throw error
      const refused = error.status !== null && ABOUT_TEXTS.has(error.status)
      throw new EmbeddingFailed(error.message, { refused, retryAfter: error.retryAfter, cause: error })
    }
  }

  return {
    model: `${model}/${dimensions}`,
    dimensions,
    async passages(texts, signal) {
      return await ask(texts, PATIENCE.passages, signal)
    },
    async question(text, signal) {
      const known = questions.get(text)
      if (known !== undefined) return known.vector
      if (asking >= MOST_QUESTIONS) throw new EmbeddingFailed('too many questions are being embedded')
      asking += 1
      try {
        const [vector = []] = await ask([text], PATIENCE.question, signal)
        questions.set(text, { vector }, REMEMBERED.ttl)
        return vector
      } finally {
        asking -= 1
      }
    },
  }
}

/** By `index` where it is given, otherwise in their order. Throws EmbeddingFailed for anything that is not what was asked for. */
function vectorsIn(body: unknown, count: number, dimensions: number): readonly number[][] {
  const data: unknown = isRecord(body) ? body['data'] : undefined
  if (!Array.isArray(data) || data.length !== count)
    throw new EmbeddingFailed(`the answer does not hold ${count} embeddings`)
  const vectors: number[][] = []
  for (const [place, item] of data.entries()) {
    const { index = place, embedding }: Record<string, unknown> = isRecord(item) ? item : {}
    if (
      typeof index !== 'number' ||
      !Number.isInteger(index) ||
      index < 0 ||
      index >= count ||
      vectors[index] !== undefined
    )
      throw new EmbeddingFailed('the answer has an index that is out of range, or twice')
    vectors[index] = unit(embedding, dimensions)
  }
  return vectors
}

function unit(value: unknown, dimensions: number): number[] {
  if (!Array.isArray(value) || !value.every((one): one is number => typeof one === 'number' && Number.isFinite(one)))
    throw new EmbeddingFailed('an embedding is no list of numbers')
  if (value.length !== dimensions)
    throw new EmbeddingFailed(`an embedding has ${value.length} dimensions, EMBEDDINGS_DIMENSIONS says ${dimensions}`)
  const length = Math.hypot(...value)
  // A vector without a direction is like nothing; pgvector has no cosine for it.
  if (length === 0) throw new EmbeddingFailed('an embedding is all zeroes')
  return value.map((one) => one / length)
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
