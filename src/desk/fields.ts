import { z } from 'zod'
import { cursorOf, encodeCursor } from '#toolkit/cursor.ts'
import type { Page, PageOptions } from '#tenancy/paging.ts'

/** A time as it is answered. */
export const time = z.iso.datetime().describe('RFC 3339, UTC')

/** A time as it is given. */
export const moment = z.iso.datetime({
  offset: true,
  error: 'must be an RFC 3339 time with an offset, for example 2026-12-24T17:00:00Z',
})

export const slug = z.string().describe('Slug of the tenant: part of /t/{slug}/mcp, never changed.')

export const personRole = z
  .enum(['viewer', 'member', 'admin', 'owner'])
  .describe('viewer reads; member reads and writes; admin manages people, domains and keys; owner also changes owners.')

/** `provider:sub` of whoever did something. */
export const doer = (what: string) => z.string().nullable().describe(`user_id of who ${what}; null: an operator.`)

const limit = z.int().min(1).max(100).default(20).describe('Most items to answer, 1 to 100.')

/** The input of every list. Its cursor carries the key of the last item and nothing else (D34). */
export const listInput = {
  limit,
  cursor: cursorOf({ after: z.string().max(300) }).optional(),
}

/** What a list was asked for, as the registry takes it. */
export const pageAsked = (input: {
  readonly limit: number
  readonly cursor?: { readonly after: string } | undefined
}): PageOptions => ({ limit: input.limit, ...(input.cursor === undefined ? {} : { after: input.cursor.after }) })

/** The answer of every list. */
export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({
    items: z.array(item),
    next_cursor: z.string().nullable().describe('Pass as `cursor` for the next page; null: this was the last.'),
  })

/** A page of the registry as it is answered. */
export const pageAnswer = <Row, Item>(
  { items, next }: Page<Row>,
  show: (row: Row) => Item,
): { readonly items: Item[]; readonly next_cursor: string | null } => ({
  items: items.map(show),
  next_cursor: next === null ? null : encodeCursor({ after: next }),
})
