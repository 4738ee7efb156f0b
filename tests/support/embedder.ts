import { createHash } from 'node:crypto'
import type { Embedder } from '#base/embedder.ts'

/** Words that mean about the same, for a model that needs no network: each row is one meaning. */
export type Meanings = readonly (readonly string[])[]

/**
 * A model that is always the same: a text is the sum of its words' directions, and words of one meaning have one direction. It knows no
 * grammar; `asked` holds every text that it was given.
 */
export function testEmbedder(meanings: Meanings = [], dimensions = 64): Embedder & { readonly asked: string[] } {
  const meaningOf = new Map(
    meanings.flatMap((words) => words.map((word) => [stem(word), stem(words[0] ?? '')] as const)),
  )
  const asked: string[] = []
  const vectorOf = (text: string): number[] => {
    const sum = Array.from({ length: dimensions }, () => 0)
    for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
      const stemmed = stem(word)
      if (STOP.has(word)) continue
      const hash = createHash('sha512')
        .update(meaningOf.get(stemmed) ?? stemmed)
        .digest()
      for (let index = 0; index < dimensions; index += 1) sum[index]! += (hash[index % 64]! ^ (index >> 6)) - 127.5
    }
    const length = Math.hypot(...sum)
    return length === 0 ? sum.map((_, index) => (index === 0 ? 1 : 0)) : sum.map((one) => one / length)
  }
  return {
    model: `test/${dimensions}`,
    dimensions,
    asked,
    async passages(texts) {
      asked.push(...texts)
      return texts.map(vectorOf)
    },
    question: async (text) => vectorOf(text),
  }
}

const stem = (word: string): string => word.toLowerCase().replace(/(?:ing|ies|ed|es|s|y|e)$/, '')

const STOP = new Set(
  'a an and are as at be by can do does for from how i if in is it its my of on or our that the their this to was we what when where which who why will with you your'.split(
    ' ',
  ),
)
