import { UpstreamError } from './error.ts'

/** A path in the words of the tool, or its segments, each of which may be anything and is encoded. */
export type UpstreamPath = string | readonly (string | number)[]

type Value = string | number | boolean | null | undefined
/** null and undefined are left out; a list repeats the name. */
export type UpstreamQuery = Readonly<Record<string, Value | readonly Value[]>>

/**
 * The URL of a request: always under the base URL, on its host. What callers chose belongs into `query` or a list of segments; a path in one
 * text may hold nothing that a server or a proxy reads as another path: no `.` or `..` in any spelling, no backslash, no empty segment, no
 * query, no fragment. @throws UpstreamError refused.
 */
export function targetOf(upstream: string, base: string, path: UpstreamPath, query: UpstreamQuery = {}): URL {
  const refuse = (detail: string): never => {
    throw new UpstreamError('refused', upstream, { detail })
  }
  const text =
    typeof path === 'string'
      ? path
      : `/${path.map((segment) => encoded(segment) ?? refuse('an empty or dotted segment')).join('/')}`
  if (!PATH.test(text))
    refuse('a path must begin with / and hold no query, space or other character that a URL does not')
  if (text !== '/' && !text.replace(/\/$/, '').slice(1).split('/').every(isPlain))
    refuse('a path must not leave the base URL')
  const url = new URL(`${base}${text}`)
  // Whatever the parser made of it: the place that was meant, or nothing.
  const meant = new URL(`${base}/`)
  if (url.origin !== meant.origin || !url.pathname.startsWith(meant.pathname) || url.href !== `${base}${text}`)
    refuse('the path leads elsewhere')
  for (const [name, values] of Object.entries(query))
    for (const value of listed(values))
      if (value !== null && value !== undefined) url.searchParams.append(name, String(value))
  return url
}

/** RFC 3986 section 3.3, without what `new URL` would change. */
const PATH = /^\/[A-Za-z0-9._~!$&()*+,;=:@/%-]*$/

const listed = (values: UpstreamQuery[string]): readonly Value[] => (isList(values) ? values : [values])
const isList = (values: UpstreamQuery[string]): values is readonly Value[] => Array.isArray(values)

function encoded(segment: string | number): string | null {
  const text = String(segment)
  if (text === '' || /^\.+$/.test(text)) return null
  try {
    return encodeURIComponent(text).replaceAll("'", '%27')
  } catch {
    // Half a character.
    return null
  }
}

/** Decoded as often as servers behind servers may do. */
function isPlain(segment: string): boolean {
  let text = segment
  for (let round = 0; round < 4; round += 1) {
    if (text.split(/[/\\]/).some((part) => part === '' || /^\.{1,2}(?:;.*)?$/.test(part)) || /\p{Cc}/u.test(text))
      return false
    let next: string
    try {
      next = decodeURIComponent(text)
    } catch {
      if (round === 0) return false
      // A server that does not mind the rest reads these.
      next = text.replaceAll(/%([0-7][0-9a-f])/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    }
    if (next === text) return true
    text = next
  }
  return false
}
