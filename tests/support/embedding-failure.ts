import { expect } from 'vitest'
import { EmbeddingFailed } from '#base/embedder.ts'

/** What the embedder failed with; fails the test when it did not, or with something else. */
export async function embeddingFailure(promise: Promise<unknown>): Promise<EmbeddingFailed> {
  const error: unknown = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(EmbeddingFailed)
  return error as EmbeddingFailed
}
