import { isSlug } from '#base/config-values.ts'

/** Origin and path; nothing else may follow. */
const PARTS = /^([^/?#\\]+:\/\/[^/?#\\]+)(\/mcp|\/t\/([^/?#\\]+)\/mcp)\/?$/

/**
 * The resource of this server that a client means, as we write it: `${PUBLIC_URL}/mcp` or `/t/{slug}/mcp` of any well-formed slug (D13,
 * D26). Case in scheme and host and one trailing slash are forgiven; all else is another resource: null (RFC 8707 section 2).
 */
export function resourceOf(text: string, publicUrl: string): string | null {
  const [, origin, path = '', slug] = PARTS.exec(text) ?? []
  if (origin?.toLowerCase() !== publicUrl.toLowerCase()) return null
  return slug === undefined || isSlug(slug) ? `${publicUrl}${path}` : null
}
