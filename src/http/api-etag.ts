import { createHash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { stale, type Precondition } from '#tenancy/precondition.ts'

/** Strong (RFC 9110 section 8.8.3): of every byte of the representation. */
export const etagOf = (representation: object): string =>
  `"${createHash('sha256').update(JSON.stringify(representation)).digest('base64url').slice(0, 32)}"`

/** If-None-Match, by the weak comparison (RFC 9110 section 13.1.2): does the caller have this already? */
export function isHeld({ headers }: FastifyRequest, etag: string): boolean {
  const held = headers['if-none-match']
  return held !== undefined && (held.trim() === '*' || tagsOf(held).some((tag) => tag.replace(/^W\//, '') === etag))
}

/**
 * If-Match, by the strong comparison (RFC 9110 section 13.1.1): a weak tag never matches. undefined: the caller asks for nothing, or only that
 * the thing is there, which its change shows.
 */
export function preconditionOf({ headers }: FastifyRequest): Precondition<object> | undefined {
  const wanted = headers['if-match']
  if (wanted === undefined || wanted.trim() === '*') return undefined
  const tags = tagsOf(wanted)
  return (present) => {
    if (!tags.includes(etagOf(present))) throw stale()
  }
}

const tagsOf = (list: string): readonly string[] => list.match(/(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g) ?? []
