import { html, type Html } from '#base/html.ts'
import type { DomainRecord } from '#tenancy/domains.ts'
import type { KeyRecord } from '#tenancy/keys.ts'
import { standingOf } from './domain-words.ts'
import { chip, when, type Tone } from './parts.ts'
import type { Place } from './tenant-pages.ts'

/** From when on the end of a key is told of: two weeks are enough for a rotation. */
const SOON = 14 * 86_400_000

/** Something that somebody has to do. */
interface Matter {
  readonly tone: Exclude<Tone, ''>
  readonly word: string
  readonly name: string
  readonly text: (place: Place) => Html
  /** Below the tenant. */
  readonly to: string
}

/** Lapsed and failing ones, and claims that wait for a record or an operator. An expired claim is over, and no worry of anybody's. */
export const domainMatters = (domains: readonly DomainRecord[]): readonly Matter[] =>
  domains.flatMap((record) => {
    const { tone, word, urgent } = standingOf(record)
    const { domain, lapses_at, expires_at } = record
    if (!urgent || tone === '') return []
    return [
      {
        tone,
        word,
        name: domain,
        to: `/domains/${domain}`,
        text: ({ now }: Place) =>
          lapses_at !== null
            ? html`Lapses ${when(lapses_at, now)} unless its record is back`
            : expires_at === null
              ? html`Nobody joins by it until it is decided`
              : html`Ends ${when(expires_at, now)} unless it is proved`,
      },
    ]
  })

export const requestMatters = (requested: number): readonly Matter[] =>
  requested === 0
    ? []
    : [
        {
          tone: 'warn',
          word: 'waiting',
          name: requested === 1 ? 'One person asks to join' : `${requested} people ask to join`,
          text: () => html`Approve or decline`,
          to: '/people/requests',
        },
      ]

/** Active keys that end within 14 days and are not replaced yet. */
export const keyMatters = (keys: readonly KeyRecord[], now: number): readonly Matter[] =>
  keys
    .filter(
      ({ status, rotated_to, expires_at }) =>
        status === 'active' && rotated_to === null && expires_at !== null && Date.parse(expires_at) - now < SOON,
    )
    .sort((a, b) => Date.parse(a.expires_at ?? '') - Date.parse(b.expires_at ?? ''))
    .map(({ id, name, expires_at }) => ({
      tone: 'warn',
      word: 'key ends',
      name,
      text: ({ now: at }) => html`Ends ${when(expires_at, at)}: rotate it before`,
      to: `/keys/${id}`,
    }))

const RANK: Readonly<Record<Matter['tone'], number>> = { bad: 0, warn: 1, good: 2 }

/** What is broken first. Nothing at all where all is well. */
export function attentionCard(place: Place, matters: readonly Matter[]): Html | null {
  if (matters.length === 0) return null
  const sorted = [...matters].sort((a, b) => RANK[a.tone] - RANK[b.tone])
  return html`<section class="card" id="attention">
    <h2>Needs attention</h2>
    <ul class="matters">
      ${sorted.map(
        ({ tone, word, name, text, to }) =>
          html`<li>
            ${chip(tone, word)}
            <a href="${place.path(to)}"><strong>${name}</strong></a>
            <span class="soft">${text(place)}</span>
          </li> `,
      )}
    </ul>
  </section>`
}
