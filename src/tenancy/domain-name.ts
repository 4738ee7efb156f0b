import { createRequire } from 'node:module'
import { getDomain, getPublicSuffix } from 'tldts'

const require = createRequire(import.meta.url)
const listed: readonly string[] = require('email-providers/all.json')

/** Where anyone can get an address, so that an address proves nothing about a company. What the list lacks is added by hand. */
const MISSING = [
  'duck.com',
  'fastmail.com',
  'keemail.me',
  'mozmail.com',
  'onmail.com',
  'passmail.net',
  'skiff.com',
  'tuta.com',
  'tutamail.com',
  'tutanota.com',
  'users.noreply.github.com',
]
/** RFC 2606 section 3: listed because they bounce, but nobody has a mailbox there. */
const RESERVED = 'example.com'
const mailboxes: ReadonlySet<string> = new Set([...listed, ...MISSING].filter((domain) => domain !== RESERVED))

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
const PRINTABLE_ASCII = /^[\u0021-\u007e]+$/
const SUFFIXES = { allowPrivateDomains: true } as const

/**
 * A DNS name in lower case, or null: two labels or more, ASCII only (an IDN as punycode), no trailing dot, no address.
 * Checked for ASCII before lower-casing, so that no Unicode folding can make one name of another (U+212A becomes k).
 */
export function domainName(text: string): string | null {
  if (!PRINTABLE_ASCII.test(text) || text.length > 253) return null
  const domain = text.toLowerCase()
  const labels = domain.split('.')
  const top = labels.at(-1) ?? ''
  return labels.length >= 2 && labels.every((label) => LABEL.test(label)) && /[a-z]/.test(top) ? domain : null
}

/** The domain of an address, or null when the address is not plainly `local@domain`: one @, no quotes, spaces, comments. */
export function emailDomain(email: string): string | null {
  const [local = '', domain = '', ...rest] = email.split('@')
  const plain = PRINTABLE_ASCII.test(local) && !/["(),:;<>[\\\]]/.test(local)
  return plain && rest.length === 0 ? domainName(domain) : null
}

/** Names above, from the nearest up to the registrable one: `a.b.acme.com` -> `b.acme.com`, `acme.com`. Never a public suffix. */
export function parents(domain: string): readonly string[] {
  const top = getDomain(domain, SUFFIXES)
  if (top === null) return []
  const labels = domain.split('.')
  const above = labels.map((_, index) => labels.slice(index).join('.')).slice(1)
  return above.filter((name) => name.length >= top.length)
}

/** Does it give addresses to the public (gmail.com)? Exact names. */
export const isPublicMailbox = (domain: string): boolean => mailboxes.has(domain)

/** Is it a name under which strangers register (co.uk, github.io), as the public suffix list says? */
export const isPublicSuffix = (domain: string): boolean => getPublicSuffix(domain, SUFFIXES) === domain

/** Can one organisation be all of it? */
export const isOwnable = (domain: string): boolean => !isPublicMailbox(domain) && !isPublicSuffix(domain)
