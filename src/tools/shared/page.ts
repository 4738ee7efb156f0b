import { z } from 'zod'

export const limit = z.int().min(1).max(100).default(20).describe('Most items to answer, 1 to 100.')

/** The answer of every list. */
export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.strictObject({
    items: z.array(item),
    next_cursor: z.string().nullable().describe('Pass as `cursor` for the next page; null: this was the last.'),
  })

/** Lists ask for one row more than the page holds: it tells whether there is a next page. */
export const rowsFor = (limit: number): number => limit + 1

export interface Page<Row> {
  readonly rows: readonly Row[]
  readonly next_cursor: string | null
}

/** @param cursorAfter the cursor that goes on behind this row. */
export function cut<Row>(rows: readonly Row[], limit: number, cursorAfter: (last: Row) => string): Page<Row> {
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return { rows: page, next_cursor: rows.length > limit && last !== undefined ? cursorAfter(last) : null }
}

/** A list as a text for people and models. */
export function listText(things: string, lines: readonly string[], next_cursor: string | null): string {
  if (lines.length === 0) return `No ${things} found.`
  const more = next_cursor === null ? [] : [`There are more: call again with cursor ${next_cursor}`]
  return [...lines.map((line) => `- ${line}`), ...more].join('\n')
}
