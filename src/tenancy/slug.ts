import { randomInt } from 'node:crypto'

const SLUG = /^[a-z][a-z0-9_]{0,40}$/
const MOST = 41

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** Is it a tenant's slug by form? Says nothing about whether there is such a tenant. */
export const isSlug = (value: string): boolean => SLUG.test(value)

/** `acme.com` -> `acme_com` (D10): other characters become `_`, a leading digit gets `t_`, what is too long is cut. */
export function slugFromDomain(domain: string): string {
  const plain = domain.toLowerCase().replaceAll(/[^a-z0-9]/g, '_')
  return (/^[a-z]/.test(plain) ? plain : `t_${plain}`).slice(0, MOST)
}

/** The nth try for a slug: the first is the slug itself, then `_2`, `_3` ... (D10). */
export function numberedSlug(slug: string, n: number): string {
  if (n === 1) return slug
  const suffix = `_${n}`
  return slug.slice(0, MOST - suffix.length) + suffix
}

/** The slug of a personal tenant: random, since slugs are visible to other tenants' roles and an address is nobody's business. */
export function personalSlug(): string {
  return `p_${Array.from({ length: 16 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')}`
}
