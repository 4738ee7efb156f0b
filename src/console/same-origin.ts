import type { IncomingHttpHeaders } from 'node:http'

/**
 * Did a page of ours send this form (D31)? Every browser of today says so, by one header or both; who says neither is no browser with a
 * page of ours. A sister domain (`same-site`) is not us.
 */
export function isSameOrigin(
  headers: Pick<IncomingHttpHeaders, 'origin' | 'sec-fetch-site'>,
  publicUrl: string,
): boolean {
  const { origin, 'sec-fetch-site': site } = headers
  if (origin === undefined && site === undefined) return false
  return (origin === undefined || origin === publicUrl) && (site === undefined || site === 'same-origin')
}
