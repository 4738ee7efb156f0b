import { z } from 'zod'

/** Characters for private use that ts_headline puts around a match; the query takes them out of the content first. */
export const MARKS = { start: '\uE000', end: '\uE001' } as const

export const HEADLINE_OPTIONS = `StartSel=${MARKS.start}, StopSel=${MARKS.end}, MaxFragments=2, MaxWords=30, MinWords=10, FragmentDelimiter=" … "`

export const highlight = z
  .array(z.strictObject({ text: z.string(), match: z.boolean() }))
  .describe('A passage with the words found, as pieces in their order; `match` marks the words. Plain text, no markup.')
export type Highlight = z.output<typeof highlight>

/** No markup is made of stored text, so none can be smuggled in through it. */
export function piecesOf(headline: string): Highlight {
  const pieces = headline.split(MARKS.start).flatMap((part, index) => {
    if (index === 0) return [{ text: part, match: false }]
    const [word = '', ...rest] = part.split(MARKS.end)
    return [
      { text: word, match: true },
      { text: rest.join(''), match: false },
    ]
  })
  return pieces.filter(({ text }) => text !== '')
}

export const highlightText = (pieces: Highlight): string =>
  pieces
    .map(({ text, match }) => (match ? `**${text}**` : text))
    .join('')
    .replaceAll(/\s+/g, ' ')
