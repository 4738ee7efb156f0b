import { isIP } from 'node:net'
import { needScope } from './ledger.ts'
import { RegistryError } from './registry-error.ts'
import type { Actor } from './registry.ts'
import type { Scopes } from './roles.ts'
import { boundedText } from './text.ts'

/** What a key is made with, as somebody asked for it. */
export interface KeyTerms {
  readonly name: string
  readonly scopes: readonly string[]
  readonly cidrs: readonly string[]
  /** Milliseconds since the epoch; null: never. */
  readonly expires_at: number | null
}

/** invalid: what cannot be; forbidden: scopes above those of who asks. */
export function checkedTerms(terms: KeyTerms, actor: Actor, scopes: Scopes, now: number): KeyTerms {
  const wanted = [...new Set(terms.scopes)]
  if (wanted.length === 0)
    throw new RegistryError('invalid', 'a key needs at least one scope, or * for all data scopes')
  for (const scope of scopes.expand(wanted)) {
    // No key holds owner changes (D23).
    if (!scopes.all.has(scope) || scope === 'tenant:owner')
      throw new RegistryError('invalid', `no key can have the scope ${scope}`)
  }
  needWithin(wanted, actor, scopes)
  if (terms.expires_at !== null && !(terms.expires_at > now))
    throw new RegistryError('invalid', 'the expiry must lie in the future')
  return {
    name: boundedText('the name', terms.name, 100),
    scopes: wanted,
    cidrs: terms.cidrs.map(checkedCidr),
    expires_at: terms.expires_at,
  }
}

/** A key never reaches above who asks for it; not even one whose rights were cut by their own token. */
export function needWithin(wanted: readonly string[], actor: Actor, scopes: Scopes): void {
  for (const scope of scopes.expand(wanted)) needScope(actor, scope)
}

/** `10.0.0.0/8`, `2001:db8::/32`, or one address; invalid: anything else. */
function checkedCidr(text: string): string {
  const [address = '', prefix, ...rest] = text.trim().split('/')
  const family = isIP(address)
  const most = family === 6 ? 128 : 32
  const bits = prefix === undefined ? most : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN
  if (family === 0 || rest.length > 0 || !(bits <= most))
    throw new RegistryError('invalid', `${JSON.stringify(text)} is no address range: write 10.0.0.0/8`)
  return `${address.toLowerCase()}/${bits}`
}
