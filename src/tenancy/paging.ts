import { isUuid } from '#base/id.ts'
import { RegistryError } from './registry-error.ts'

/** One page of a list in the order of its ids. Without a limit: everything (the CLI's lists are complete). */
export interface PageOptions {
  /** 1..100; absent: all. */
  readonly limit?: number
  /** `next` of the page before. Untrusted: an id and nothing else (D34). */
  readonly after?: string
}

export interface Page<Row> {
  readonly items: readonly Row[]
  /** The id to go on after; null: this was the last page. */
  readonly next: string | null
}

/** The id to go on after, or null. invalid: it is no id. */
export function afterOf({ after }: PageOptions): string | null {
  if (after === undefined) return null
  if (!isUuid(after)) throw new RegistryError('invalid', 'the cursor is none of ours')
  return after
}

/** How many rows to ask Postgres for: one more than wanted tells whether there are more. null: no limit. */
export const rowsToRead = ({ limit }: PageOptions): number | null =>
  limit === undefined ? null : Math.min(Math.max(limit, 1), 100) + 1

/** Cuts the extra row off. */
export function toPage<Row extends { readonly id: string }>(rows: readonly Row[], options: PageOptions): Page<Row> {
  const read = rowsToRead(options)
  if (read === null || rows.length < read) return { items: rows, next: null }
  const items = rows.slice(0, read - 1)
  return { items, next: items.at(-1)?.id ?? null }
}
