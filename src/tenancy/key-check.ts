import { timingSafeEqual } from 'node:crypto'
import type { RefusalCode } from '#base/refusal.ts'
import type { Clock } from '#base/clock.ts'
import type { Database } from '#db/database.ts'
import { parseApiKey } from '#identity/api-key.ts'
import { findKey, toKeyRecord, type KeyRecord, type KeyRow } from './key-record.ts'
import { keyStanding } from './key-standing.ts'
import { roleFor } from './ledger.ts'
import { RegistryError } from './registry-error.ts'
import type { Actor } from './registry.ts'
import type { Scopes } from './roles.ts'
import type { Tenant } from './tenant.ts'

/** What became of a key that somebody holds and asks about. Never holds the key. */
export interface KeyVerdict {
  /**
   * `active`: it works now, from its networks and within its limit. `malformed`: no key of ours, or mistyped. `unknown`: none of this
   * tenant that who asks may see, or with another secret. `stopped`: its creator is gone or blocked, or its tenant is suspended.
   */
  readonly verdict: 'active' | 'malformed' | 'unknown' | 'expired' | 'revoked' | 'stopped'
  /** null: malformed or unknown. */
  readonly record: KeyRecord | null
  /** What it may do at this moment, cut by its creator's role (D23); [] unless it is active. */
  readonly scopes: readonly string[]
}

export interface KeyCheckOptions {
  readonly database: Database
  readonly clock: Clock
  readonly scopes: Scopes
}

const NOTHING = { record: null, scopes: [] } as const

/** The judgement of one key's text. Neither kept nor logged; not a use of the key. Does not count attempts. */
export async function checkKey(
  { database, clock, scopes }: KeyCheckOptions,
  tenant: Tenant,
  actor: Actor,
  text: string,
): Promise<KeyVerdict> {
  const as = roleFor(actor, tenant)
  const parsed = parseApiKey(text.trim())
  if (parsed === null) return { verdict: 'malformed', ...NOTHING }
  const row = await database.control(as, async (db) => await findKey(db, tenant, actor, parsed.id)).catch(unknownAsNull)
  if (row === null || !isSecretOf(row, parsed.digest)) return { verdict: 'unknown', ...NOTHING }
  const now = clock.now()
  const record = toKeyRecord(tenant, row, now)
  const standing = await database.control(
    { as: 'resolver' },
    async (db) => await keyStanding(db, parsed.id, tenant.slug, now),
  )
  if ('denied' in standing) return { verdict: VERDICTS[standing.denied] ?? 'stopped', record, scopes: [] }
  const effective = scopes.effective(standing.role, null, row.scopes)
  return { verdict: 'active', record, scopes: [...effective].sort() }
}

const VERDICTS: Partial<Record<RefusalCode, KeyVerdict['verdict']>> = {
  key_revoked: 'revoked',
  key_expired: 'expired',
}

function unknownAsNull(error: unknown): null {
  if (error instanceof RegistryError && error.code === 'unknown') return null
  throw error
}

const isSecretOf = (row: KeyRow, digest: Buffer): boolean =>
  row.digest.length === digest.length && timingSafeEqual(row.digest, digest)
