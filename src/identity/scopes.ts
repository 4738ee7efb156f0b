import { Refusal } from '#base/refusal.ts'

/** RFC 6749 section 3.3. */
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/
const CLAIMS = ['scope', 'scp', 'scopes', 'permissions'] as const

/**
 * All scopes a token carries, from `scope` (RFC 9068), `scp` (Entra, Okta), `scopes` and `permissions` (Auth0) together, each a
 * space-separated string or a list of strings; without repetition, empty when there are none. Says nothing about what they allow.
 * @throws Refusal `claims_invalid` when one of these claims has any other shape.
 */
export function readScopes(claims: Readonly<Record<string, unknown>>): string[] {
  return [...new Set(CLAIMS.flatMap((name) => (Object.hasOwn(claims, name) ? readClaim(name, claims[name]) : [])))]
}

function readClaim(name: string, value: unknown): string[] {
  const items: unknown = value === '' ? [] : typeof value === 'string' ? value.split(' ') : value
  if (Array.isArray(items) && items.every((item): item is string => typeof item === 'string' && SCOPE_TOKEN.test(item)))
    return items
  throw new Refusal('claims_invalid', { detail: `${name} is neither a list of scopes nor a string of them` })
}
