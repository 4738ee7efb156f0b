import { scopesOf } from './json.ts'

/** What a server says it wants (RFC 6750 section 3, RFC 9728 section 5.1). */
export interface Challenge {
  readonly error: string | null
  /** Empty when none were named. */
  readonly scopes: readonly string[]
  readonly resourceMetadata: string | null
}

const TOKEN = "[\\w!#$%&'*+.^`|~-]+"
const PIECE = new RegExp(`(${TOKEN})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s,"]+))|(${TOKEN})`, 'g')
/** Characters of the header that are looked at; nobody's is longer. */
const MOST = 8192

/** The first Bearer challenge of a WWW-Authenticate header (RFC 9110 section 11.6.1); null when there is none. */
export function bearerChallenge(header: string | undefined): Challenge | null {
  let found: Map<string, string> | null = null
  for (const [, name, quoted, bare, scheme] of (header ?? '').slice(0, MOST).matchAll(PIECE)) {
    if (scheme !== undefined) {
      if (found !== null) break
      if (scheme.toLowerCase() === 'bearer') found = new Map()
    } else if (found !== null && name !== undefined) {
      const key = name.toLowerCase()
      // RFC 6750 section 3: a parameter stands once; of two the first.
      if (!found.has(key)) found.set(key, quoted?.replaceAll(/\\(.)/g, '$1') ?? bare ?? '')
    }
  }
  if (found === null) return null
  return {
    error: found.get('error') ?? null,
    scopes: scopesOf(found.get('scope')),
    resourceMetadata: found.get('resource_metadata') ?? null,
  }
}
