import { createHash } from 'node:crypto'
import type { Embedder } from '#base/embedder.ts'

/** What the model makes of a text, beside the words themselves. */
export interface ModelKnowledge {
  /** Words of one meaning, one meaning a line. */
  readonly thesaurus: readonly string[]
  readonly dimensions: number
}

/** How much each kind of feature weighs: a word's stem, its meanings together, its pieces of three letters together. */
const WEIGHT = { stem: 1, meaning: 0.9, pieces: 0.7 }

/**
 * A model of a text that needs no network and is always the same: the sum of a direction for each word's stem, for what the thesaurus knows it by, and for
 * its pieces of three letters (so that a misspelt word lies near the right one). It knows no grammar, no order of words and nothing of the
 * set that is measured; a model that was trained knows far more.
 */
export function localModel({ thesaurus, dimensions }: ModelKnowledge): Pick<Embedder, 'dimensions'> & {
  vector(text: string): readonly number[]
} {
  const meanings = new Map<string, number[]>()
  for (const [meaning, line] of thesaurus.entries())
    for (const stem of new Set(line.split(' ').map(stemOf)))
      meanings.set(stem, [...(meanings.get(stem) ?? []), meaning])
  const directions = new Map<string, Float64Array>()

  function direction(feature: string): Float64Array {
    const known = directions.get(feature)
    if (known !== undefined) return known
    const made = new Float64Array(dimensions)
    let bytes = Buffer.alloc(0)
    for (let index = 0; index < dimensions; index += 1) {
      if (index % 64 === 0) bytes = createHash('sha512').update(`${index} ${feature}`).digest()
      made[index] = (bytes[index % 64]! - 127.5) / 127.5
    }
    directions.set(feature, made)
    return made
  }

  return {
    dimensions,
    vector(text) {
      const features = new Map<string, number>()
      const add = (feature: string, weight: number): void =>
        void features.set(feature, (features.get(feature) ?? 0) + weight)
      for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
        if (STOP.has(word)) continue
        const stem = stemOf(word)
        add(`stem ${stem}`, WEIGHT.stem)
        const known = meanings.get(stem) ?? []
        for (const meaning of known) add(`meaning ${meaning}`, WEIGHT.meaning / Math.sqrt(known.length))
        const pieces = piecesOf(word)
        for (const piece of pieces) add(`piece ${piece}`, WEIGHT.pieces / Math.sqrt(pieces.length))
      }
      const sum = new Float64Array(dimensions)
      for (const [feature, weight] of features) {
        // A word that comes often says more than one that comes once, but not that many times more.
        const damped = weight <= 1 ? weight : 1 + Math.log(weight)
        const towards = direction(feature)
        for (let index = 0; index < dimensions; index += 1) sum[index]! += damped * towards[index]!
      }
      const length = Math.hypot(...sum)
      return length === 0
        ? Array.from(sum, (_, index) => (index === 0 ? 1 : 0))
        : Array.from(sum, (one) => one / length)
    },
  }
}

/** English endings, roughly: enough that forms of one word mostly meet. */
function stemOf(word: string): string {
  if (word.length <= 3) return word
  const bare = word
    .replace(/(?:'s|s')$/, '')
    .replace(/ies$/, 'y')
    .replace(/(?<=[a-z]{3})(?:ations?|ements?|ments?|ings?|ers?|ed|es|s|ly)$/, '')
  return bare.replace(/(?<=[a-z]{3})[ey]$/, '').replace(/([b-df-hj-np-tv-z])\1$/, '$1')
}

function piecesOf(word: string): readonly string[] {
  const padded = `^${word}$`
  return Array.from({ length: padded.length - 2 }, (_, at) => padded.slice(at, at + 3))
}

/** Words that say nothing of a subject. */
const STOP = new Set(
  `a about after all also am an and any are as at be been before being but by can could did do does doing each for from get gets getting give given go
  goes got had has have having he her here him his how i if in into is it its just like make may me might more most much must my need needs no not
  of off on once one only or other our out over per shall she should so some such than that the their them then there these they this those
  through to too under until up us use used uses using very was we were what when where which while who whom whose why will with without would
  you your yours`.split(/\s+/),
)
