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
  /** 1 to 1,000,000; null: no limit of its own. */
  readonly requests_per_hour: number | null
}

/** Days for which a person's key lives: at least, at most, and when nothing is said. */
export const KEY_DAYS = { least: 1, most: 365, default: 90 } as const
export const MOST_REQUESTS_PER_HOUR = 1_000_000

const DAY = 86_400_000
/** Whoever adds days to their own clock, or to ours of a moment ago, is not refused for it. */
const SLACK = 60_000

/** invalid: what cannot be; forbidden: scopes above those of who asks. */
export function checkedTerms(terms: KeyTerms, actor: Actor, scopes: Scopes): KeyTerms {
  const wanted = [...new Set(terms.scopes)]
  if (wanted.length === 0)
    throw new RegistryError('invalid', 'a key needs at least one scope, or * for all data scopes', 'scopes')
  for (const scope of scopes.expand(wanted)) {
    // No key holds owner changes (D23).
    if (!scopes.all.has(scope) || scope === 'tenant:owner')
      throw new RegistryError('invalid', `no key can have the scope ${scope}`, 'scopes')
  }
  needWithin(wanted, actor, scopes)
  const { requests_per_hour: limit } = terms
  if (limit !== null && !(Number.isInteger(limit) && limit >= 1 && limit <= MOST_REQUESTS_PER_HOUR))
    throw new RegistryError(
      'invalid',
      `requests per hour must be a whole number from 1 to ${MOST_REQUESTS_PER_HOUR}`,
      'requests_per_hour',
    )
  return {
    name: boundedText('the name', terms.name, 100, 'name'),
    scopes: wanted,
    cidrs: terms.cidrs.map(checkedCidr),
    requests_per_hour: limit,
  }
}

/**
 * When a key ends; milliseconds since the epoch, null: never, which only an operator can say. A person's key lives for 1 to 365 days,
 * 90 when nothing is said. invalid: anything else.
 */
export function checkedExpiry(asked: number | null | undefined, actor: Actor, now: number): number | null {
  if (actor.kind === 'operator') {
    if (asked === undefined || asked === null) return null
    if (!(asked > now && asked <= 8.64e15))
      throw new RegistryError('invalid', 'the expiry must lie in the future', 'expires_at')
    return asked
  }
  if (asked === undefined) return now + KEY_DAYS.default * DAY
  const { least, most } = KEY_DAYS
  if (asked === null || !(asked >= now + least * DAY - SLACK && asked <= now + most * DAY + SLACK))
    throw new RegistryError('invalid', `a key must expire, in ${least} to ${most} days`, 'expires_at')
  return asked
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
    throw new RegistryError('invalid', `${JSON.stringify(text)} is no address range: write 10.0.0.0/8`, 'cidrs')
  return `${address.toLowerCase()}/${bits}`
}
