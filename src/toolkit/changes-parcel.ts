import { z } from 'zod'
import type { Change } from './context.ts'
import type { News } from './changes.ts'

/** What one notification may hold of JSON, in octets: sealed it comes to less than the 7,999 that Postgres takes. */
const MOST_OCTETS = 5_800
/** Octets of one change; one that is longer (a URI as tools may make them up) is told as `anything`. */
const LONGEST_CHANGE = 1_500
/** Changes of one tenant that wait to be sent; more are told as `anything`. */
const MOST_CHANGES = 300

/** What one process tells the others: of each tenant what changed, or null for anything. */
export interface Parcel {
  /** Which process; it has heard its own news already. */
  readonly from: string
  readonly of: readonly (readonly [tenant: string, changes: readonly string[] | null])[]
}

export const PARCEL: z.ZodType<Parcel> = z.strictObject({
  from: z.string().max(32),
  of: z.array(z.tuple([z.uuid(), z.array(z.string().max(LONGEST_CHANGE)).nullable()])),
})

/** Changes that wait to be sent: each once, however often it happened, and bounded whatever a tenant does. */
export interface Waiting {
  readonly empty: boolean
  add(tenant: string, news: News): void
  /** Takes about so many parcels out: no tenant's changes are begun after that many. */
  take(from: string, most: number): readonly Parcel[]
  /** What could not be sent waits again. */
  putBack(parcels: readonly Parcel[]): void
}

export function createWaiting(): Waiting {
  const waiting = new Map<string, Set<string> | null>()

  function addWord(tenant: string, word: string | null): void {
    const held = waiting.get(tenant)
    if (held === null) return
    const words = held ?? new Set<string>()
    if (word === null || octets(word) > LONGEST_CHANGE || words.size >= MOST_CHANGES) waiting.set(tenant, null)
    else waiting.set(tenant, words.add(word))
  }

  return {
    get empty() {
      return waiting.size === 0
    },
    add: (tenant, news) => addWord(tenant, wordOf(news)),
    take(from, most) {
      const parcels: Parcel[] = []
      let of: [string, string[] | null][] = []
      let size = 0
      const finish = (): void => {
        if (of.length > 0) parcels.push({ from, of })
        of = []
        size = 0
      }
      for (const [tenant, words] of waiting) {
        if (parcels.length >= most) break
        waiting.delete(tenant)
        const head = octets(tenant) + 10
        if (size + head + LONGEST_CHANGE > MOST_OCTETS) finish()
        size += head
        let own: string[] | null = words === null ? null : []
        of.push([tenant, own])
        for (const word of words ?? []) {
          if (size + octets(word) + 1 > MOST_OCTETS) {
            finish()
            own = []
            of.push([tenant, own])
            size = head
          }
          own?.push(word)
          size += octets(word) + 1
        }
      }
      finish()
      return parcels
    },
    putBack(parcels) {
      for (const { of } of parcels)
        for (const [tenant, words] of of) for (const word of words ?? [null]) addWord(tenant, word)
    },
  }
}

/** What a parcel says of one tenant. A word that is none of ours says nothing. */
export const newsOf = (words: readonly string[] | null): readonly News[] =>
  words === null ? ['anything'] : words.flatMap((word) => changeOf(word) ?? [])

const wordOf = (news: News): string | null =>
  news === 'anything' ? null : typeof news === 'object' ? `=${news.resource}` : news

function changeOf(word: string): Change | null {
  if (word.startsWith('=')) return { resource: word.slice(1) }
  return word === 'tools' || word === 'prompts' || word === 'resources' ? word : null
}

/** As it stands in the parcel's JSON. */
const octets = (text: string): number => Buffer.byteLength(JSON.stringify(text))
