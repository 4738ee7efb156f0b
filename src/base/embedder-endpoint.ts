import type { Clock } from './clock.ts'
import type { EndpointEmbeddings } from './config-search.ts'
import { createEmbedder, EmbeddingFailed, unitVector, type Embedder } from './embedder.ts'
import { FetchFailed, type GuardedFetch } from './fetch.ts'

/** Octets of an answer: a number is at most some 25. */
const MOST_BYTES = 64 * 1024 * 1024
/** Statuses that speak about the texts. */
const ABOUT_TEXTS = new Set([400, 413, 422])

/**
 * An OpenAI-compatible API: `POST {url}/embeddings` with model and input, answered by `data[].embedding` and `data[].index`. One request for
 * what is asked at once.
 */
export function createEndpointEmbedder(
  { url, model, key, dimensions }: EndpointEmbeddings,
  { fetch, clock }: { readonly fetch: GuardedFetch; readonly clock: Clock },
): Embedder {
  return createEmbedder({
    model,
    dimensions,
    clock,
    async ask(input, { timeout, signal }) {
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
    },
  })
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
    vectors[index] = unitVector(embedding, dimensions)
  }
  return vectors
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
