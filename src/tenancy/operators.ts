import type { Clock } from '#base/clock.ts'
import type { Config } from '#base/config.ts'
import { Refusal } from '#base/refusal.ts'
import type { Database } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import type { Identity } from '#identity/identity.ts'
import { blockedOf } from './blocked.ts'
import { personDigest } from './digest.ts'
import { assertRequiredScopes } from './directory.ts'
import { isVerified } from './evidence.ts'
import { invitedAddress } from './invitations-address.ts'
import type { OperatorActor } from './registry.ts'
import type { Scopes } from './roles.ts'

export interface OperatorsOptions {
  readonly config: Pick<Config, 'operators' | 'requiredScopes'>
  readonly database: Database
  readonly clock: Clock
  readonly scopes: Scopes
  /** Has the registry been reached, in the version that this program needs? */
  readonly ready: () => boolean
}

interface OperatorAsked {
  /** `revocationDigest(token)` of the token presented, or the session's own digest (D22). */
  readonly tokenDigest: string
  /** For the audit. */
  readonly requestId: string
  readonly ip: string | null
}

/** The people of OPERATORS (D3). They need belong to no tenant, and what they may do is never open on /mcp. */
export interface Operators {
  /** Is it one of them, from what the identity says alone? For what is shown; to let somebody do something ask `admit`. */
  is(identity: Identity): boolean
  /**
   * The Actor of an operator. Asked anew each time, of the registry itself: nothing of it is held.
   * @throws Refusal `operator_unknown`: it is none; `person_blocked`, `token_revoked` (D22), `token_expired`, `scope_insufficient`,
   * `database_unavailable`. Throws DatabaseUnavailable. Does NOT check the token itself, nor any limit.
   */
  admit(identity: Identity, asked: OperatorAsked): Promise<OperatorActor>
}

/** Tokens that a program holds or anybody with a secret can write: behind none of them need be the person that they name. */
const NO_PERSON: readonly string[] = ['api-key', 'static-key', 'shared-secret']

export function createOperators({ config, database, clock, scopes, ready }: OperatorsOptions): Operators {
  const isNamed = namedBy(config.operators)
  const is = (identity: Identity): boolean =>
    identity.key === null && !NO_PERSON.includes(identity.provider) && isNamed(identity)

  return {
    is,
    async admit(identity, { tokenDigest, requestId, ip }) {
      if (!is(identity)) throw new Refusal('operator_unknown', { detail: 'not one of OPERATORS' })
      const { iss, sub, iat, exp } = identity
      if (exp !== null && exp * 1000 <= clock.now()) throw new Refusal('token_expired', { detail: 'exp has passed' })
      assertRequiredScopes(identity, config.requiredScopes, scopes)
      if (!ready()) throw new Refusal('database_unavailable', { retryAfter: 5, detail: 'the registry is not open yet' })
      const { blocked, notBefore } = await database.control({ as: 'resolver' }, async (db) => {
        const blocked = await blockedOf(db, tokenDigest, personDigest(iss, sub))
        const [row] = await db.query<{ not_before: Date | null }>(
          sql`SELECT max(tokens_not_before) AS not_before FROM members WHERE iss = ${iss} AND sub = ${sub}`,
        )
        return { blocked, notBefore: row?.not_before?.getTime() ?? null }
      })
      if (blocked === 'person') throw new Refusal('person_blocked', { detail: 'this person is blocked' })
      if (blocked === 'token') throw new Refusal('token_revoked', { detail: 'this token was revoked' })
      // Cut off in any tenant is cut off here: a token that was stolen there is a stolen token.
      if (notBefore !== null && (iat === null || iat * 1000 < notBefore))
        throw new Refusal('token_revoked', {
          detail: "issued before this person's tokens were revoked, or at an unknown time (D22)",
        })
      return { kind: 'operator', name: `${iss}|${sub}`, request_id: requestId, ip }
    },
  }
}

/**
 * `iss|sub` is a person, letter for letter. `provider:email` is whoever that provider says has the address now: verified, and its domain the
 * provider's own (D6), so a once-verified one (GitHub, database sign-ups) names nobody. A bare address names nobody either (D3).
 */
function namedBy(entries: readonly string[]): (identity: Identity) => boolean {
  const people = new Set<string>()
  const addresses = new Set<string>()
  for (const entry of entries) {
    const at = entry.indexOf(':')
    const email = invitedAddress(entry.slice(at + 1))
    // A sub may hold both signs, an issuer no bar.
    if (entry.includes('|')) people.add(entry)
    else if (at > 0 && email !== null) addresses.add(`${entry.slice(0, at)}:${email}`)
  }
  return (identity) => {
    const { provider, iss, sub } = identity
    // Without this, `a|b` of issuer `c` would be `b` of issuer `c|a`.
    if (!iss.includes('|') && people.has(`${iss}|${sub}`)) return true
    if (!isVerified(identity) || identity.email_authority !== 'live') return false
    const email = identity.email === null ? null : invitedAddress(identity.email)
    return email !== null && addresses.has(`${provider}:${email}`)
  }
}
