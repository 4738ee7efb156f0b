import type { ControlDb } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { lapsesAt, expiresAt } from './claims-state.ts'
import { challengeOf, type Challenge } from './domain-challenge.ts'
import { domainProblem, type DomainProblem } from './domain-problem.ts'
import { rfc3339, rfc3339OrNull } from './tenant-row.ts'
import type { Tenant } from './tenant.ts'

export type JoinMode = 'auto' | 'invite' | 'request'

/** A row of `domains` as stored. */
export interface DomainRow {
  readonly id: string
  readonly tenant_id: string
  readonly domain: string
  readonly state: 'pending' | 'verified' | 'lapsed' | 'expired'
  readonly token: string | null
  readonly verified_by: 'dns' | 'operator' | 'provision' | null
  readonly include_subdomains: boolean
  readonly asserted_by: readonly string[]
  readonly join_mode: JoinMode
  readonly default_role: 'viewer' | 'member' | 'admin'
  readonly allow_once: boolean
  readonly created_at: Date
  readonly verified_at: Date | null
  readonly checked_at: Date | null
  readonly claimed_at: Date | null
  readonly owner_candidate: string | null
  readonly next_check: Date | null
  readonly failures: number
  readonly failing_since: Date | null
  readonly awaiting_since: Date | null
  readonly lapsed_at: Date | null
  readonly problem: string | null
}

/** A domain as a tenant's admin sees it. */
export interface DomainRecord {
  readonly id: string
  readonly slug: string
  readonly domain: string
  /** `contested`: proved, but verified for another tenant; an operator has to approve. Nobody joins by it until then. */
  readonly state: DomainRow['state'] | 'contested'
  readonly verified_by: DomainRow['verified_by']
  readonly include_subdomains: boolean
  readonly asserted_by: readonly string[]
  readonly join_mode: JoinMode
  readonly default_role: DomainRow['default_role']
  readonly allow_once: boolean
  readonly created_at: string
  readonly verified_at: string | null
  readonly checked_at: string | null
  /** When the background looks again; null: never. */
  readonly next_check: string | null
  /** What the last check found wrong. */
  readonly problem: DomainProblem | null
  /** When a verified domain lapses unless its record is back; null: it is in order. */
  readonly lapses_at: string | null
  /** When a claim or a lapsed domain ends unless it is proved; null: it does not. */
  readonly expires_at: string | null
}

/** A domain and the TXT record that proves it; without a record (its fields null) there is nothing to prove now. */
export interface ClaimRecord extends DomainRecord {
  readonly name_relative: string | null
  readonly name_absolute: string | null
  readonly expected: string | null
}

/** All domains of a tenant by name; with `lock` nobody else changes them meanwhile. */
export async function domainRows(
  db: ControlDb,
  tenantId: string,
  { lock = false }: { readonly lock?: boolean } = {},
): Promise<readonly DomainRow[]> {
  if (lock) await db.query(sql`SELECT id FROM domains WHERE tenant_id = ${tenantId} ORDER BY id FOR UPDATE`)
  return await db.query<DomainRow>(sql`
    SELECT id, tenant_id, domain, state, token, verified_by, include_subdomains, asserted_by, join_mode, default_role, allow_once, created_at,
      verified_at, checked_at, claimed_at, owner_candidate, next_check, failures, failing_since, awaiting_since, lapsed_at, problem
    FROM domains WHERE tenant_id = ${tenantId} ORDER BY domain`)
}

export function toDomainRecord({ slug }: Pick<Tenant, 'slug'>, row: DomainRow): DomainRecord {
  const { id, domain, verified_by, include_subdomains, asserted_by, join_mode, default_role, allow_once } = row
  return {
    id,
    slug,
    domain,
    state: row.state === 'pending' && row.problem === 'contested' ? 'contested' : row.state,
    verified_by,
    include_subdomains,
    asserted_by,
    join_mode,
    default_role,
    allow_once,
    created_at: rfc3339(row.created_at),
    verified_at: rfc3339OrNull(row.verified_at),
    checked_at: rfc3339OrNull(row.checked_at),
    next_check: rfc3339OrNull(row.next_check),
    problem: domainProblem(row.problem, domain),
    lapses_at: rfc3339OrNull(lapsesAt(row)),
    expires_at: rfc3339OrNull(expiresAt(row)),
  }
}

export function toClaim(tenant: Tenant, row: DomainRow): ClaimRecord {
  const challenge: Partial<Challenge> = row.token === null ? {} : challengeOf(row.domain, row.token)
  const { name_relative = null, name_absolute = null, expected = null } = challenge
  return { ...toDomainRecord(tenant, row), name_relative, name_absolute, expected }
}
