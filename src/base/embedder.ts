import { TtlCache } from './cache.ts'
import type { Clock } from './clock.ts'

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

/** What makes vectors of texts: an endpoint (embedder-endpoint.ts) or a model in a thread of ours (embedder-local.ts). */
export interface Embedder {
  /** Model and dimensions: vectors of two that differ in it cannot be compared. */
  readonly model: string
  readonly dimensions: number
  /** One vector per text, in their order, of length 1. @throws EmbeddingFailed, and nothing else. */
  passages(texts: readonly string[], signal?: AbortSignal): Promise<readonly (readonly number[])[]>
  /** The same for what somebody looks for: in a hurry, and remembered for an hour. @throws EmbeddingFailed, and nothing else. */
  question(text: string, signal?: AbortSignal): Promise<readonly number[]>
}

/** How the model is asked for vectors of some texts. */
export interface Asking {
  /** Somebody waits for it: before what is in the background. */
  readonly urgent: boolean
  /** Milliseconds. */
  readonly timeout: number
  readonly signal?: AbortSignal | undefined
}

export interface EmbedderParts {
  readonly model: string
  readonly dimensions: number
  readonly clock: Clock
  /** One vector per text, in their order, of length 1 (`unitVector`). Throws EmbeddingFailed, and nothing else. */
  readonly ask: (texts: readonly string[], asking: Asking) => Promise<readonly (readonly number[])[]>
}

/** Milliseconds. A person waits for the second, and their call holds a connection meanwhile. */
const PATIENCE = { passages: 60_000, question: 3_000 }
const REMEMBERED = { max: 2_000, ttl: 3_600_000 }
/** Questions on their way at once; with more of them people are answered by words alone. */
const MOST_QUESTIONS = 16

/** What every embedder does alike: patience, and questions that are remembered and bounded. */
export function createEmbedder({ model, dimensions, clock, ask }: EmbedderParts): Embedder {
  const questions = new TtlCache<{ readonly vector: readonly number[] }>({ max: REMEMBERED.max, clock })
  let asking = 0
  return {
    model: `${model}/${dimensions}`,
    dimensions,
    async passages(texts, signal) {
      return await ask(texts, { urgent: false, timeout: PATIENCE.passages, signal })
    },
    async question(text, signal) {
      const known = questions.get(text)
      if (known !== undefined) return known.vector
      if (asking >= MOST_QUESTIONS) throw new EmbeddingFailed('too many questions are being embedded')
      asking += 1
      try {
        const [vector = []] = await ask([text], { urgent: true, timeout: PATIENCE.question, signal })
        questions.set(text, { vector }, REMEMBERED.ttl)
        return vector
      } finally {
        asking -= 1
      }
    },
  }
}

/** What a model said of a text, made as long as 1. @throws EmbeddingFailed when it is no vector of that many numbers. */
export function unitVector(value: unknown, dimensions: number): number[] {
  if (!Array.isArray(value) || !value.every((one): one is number => typeof one === 'number' && Number.isFinite(one)))
    throw new EmbeddingFailed('an embedding is no list of numbers')
  if (value.length !== dimensions)
    throw new EmbeddingFailed(`an embedding has ${value.length} dimensions, EMBEDDINGS_DIMENSIONS says ${dimensions}`)
  const length = Math.hypot(...value)
  // A vector without a direction is like nothing; pgvector has no cosine for it.
  if (length === 0) throw new EmbeddingFailed('an embedding is all zeroes')
  return value.map((one) => one / length)
}
