import type { ControlDb } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import type { Identity } from '#identity/identity.ts'
import { candidateFor, type Candidate } from './candidate.ts'
import { evidenceOf, type Evidence } from './evidence.ts'
import type { Note } from './ledger.ts'
import { homeOf, join, membershipsOf, objection, refresh, type Joining, type Membership } from './memberships.ts'
import { seedOf, type Seed } from './seeds.ts'
import { deny, type Denied, type Standing, type Vacancy } from './standing.ts'
import { vacancyFor, type VacancyRules } from './vacancy.ts'
import { toTenant, type TenantRow } from './tenant-row.ts'

export interface ResolveRules extends VacancyRules {
  readonly seeds: readonly Seed[]
}

/** What a resolution came to, and what it wrote on the way. null as outcome: another replica was faster, look again. */
export type Resolution = readonly [Standing | Denied | Vacancy | null, Note | null]

/**
 * Where a person belongs: DESIGN section 7's order, within one transaction of the resolver. Writes a member's row when they join.
 * @param slug the tenant that the path names; null: their home.
 */
export async function resolvePerson(
  db: ControlDb,
  identity: Identity,
  slug: string | null,
  now: number,
  rules: ResolveRules,
): Promise<Resolution> {
  const evidence = evidenceOf(identity)
  const memberships = await membershipsOf(db, identity)
  const stands = async (row: Membership): Promise<Resolution> => [await standing(db, row, identity, evidence), null]
  const settled = memberships.filter((row) => row.status !== 'requested')

  if (slug !== null) {
    const member = settled.find((row) => row.tenant.slug === slug)
    if (member !== undefined) return await stands(member)
    const candidate = await candidateFor(db, identity, evidence)
    if (candidate === null || 'denied' in candidate || candidate.tenant.slug !== slug)
      return [deny('tenant_foreign', `no member of ${slug}`), null]
    return await enter(db, identity, candidate, now, memberships, rules)
  }

  // A tenant that configuration or a trusted claim names comes before home: the same person may carry another claim tomorrow.
  const home =
    evidence.tenant === null ? homeOf(settled) : (settled.find((row) => row.tenant.slug === evidence.tenant) ?? null)
  if (home !== null) return 'denied' in home ? [home, null] : await stands(home)
  const candidate = await candidateFor(db, identity, evidence)
  if (candidate !== null)
    return 'denied' in candidate ? [candidate, null] : await enter(db, identity, candidate, now, memberships, rules)
  if (evidence.mailbox && rules.personalTenants === 'shared') {
    const shared = await sharedTenant(db)
    if (shared !== null) return await enter(db, identity, shared, now, memberships, rules)
  }
  return [await vacancyFor(db, identity, evidence, rules, seedOf(identity, rules.seeds)), null]
}

async function standing(
  db: ControlDb,
  row: Membership,
  identity: Identity,
  evidence: Evidence,
): Promise<Standing | Denied> {
  const denied = await objection(db, row, identity, evidence)
  if (denied !== null) return denied
  await refresh(db, row, identity)
  return {
    tenant: row.tenant,
    role: row.role,
    member: row.id,
    key: null,
    notBefore: row.tokens_not_before?.getTime() ?? null,
  }
}

async function enter(
  db: ControlDb,
  identity: Identity,
  candidate: Candidate,
  now: number,
  memberships: readonly Membership[],
  { seeds }: ResolveRules,
): Promise<Resolution> {
  const { tenant, mode } = candidate
  if (tenant.status === 'suspended') return [deny('tenant_suspended', `${tenant.slug} is suspended`), null]
  if (mode === 'invite')
    return [deny('tenant_unknown', `${candidate.evidence} admits to ${tenant.slug} by invitation only`), null]
  const asking = memberships.find((row) => row.tenant.slug === tenant.slug && row.status === 'requested')
  if (asking?.declined_until !== undefined && asking.declined_until !== null && asking.declined_until.getTime() > now)
    return [deny('join_by_request', `asked to join ${tenant.slug} and was declined`), null]
  const status = mode === 'auto' ? 'active' : 'requested'
  const seed = seedOf(identity, seeds)
  const joining: Joining =
    seed === null
      ? { status, role: candidate.role, source: candidate.source, evidence: candidate.evidence, at: now }
      : { status: 'active', role: seed.role, source: 'development', evidence: null, at: now }
  const id = await join(db, tenant.id, identity, joining)
  const asked = deny('join_by_request', `asked to join ${tenant.slug}; an admin has to approve`)
  if (id === null) return [joining.status === 'requested' ? asked : null, null]
  const note: Note = {
    action: joining.status === 'active' ? 'member.joined' : 'member.requested',
    target: id,
    tenant: tenant.id,
    detail: { tenant: tenant.slug, role: joining.role, source: joining.source, evidence: joining.evidence },
    changes: [{ table: 'members', tenant: tenant.id, id }],
  }
  if (joining.status === 'requested') return [asked, note]
  return [{ tenant, role: joining.role, member: id, key: null, notBefore: null }, note]
}

/** The one tenant of everybody with a public mailbox (`PERSONAL_TENANTS=shared`); null: not made yet. */
async function sharedTenant(db: ControlDb): Promise<Candidate | null> {
  const [row] = await db.query<TenantRow>(sql`
    SELECT id AS tenant_id, slug, name AS tenant_name, schema, status AS tenant_status, placement, schema_version,
      mcp_admin, delete_after, plan, plan_limits(plan) AS limits, tools_off
    FROM tenants WHERE origin = 'personal' AND slug LIKE 'shared%' AND status <> 'deleted' ORDER BY id LIMIT 1`)
  const tenant = row === undefined ? null : toTenant(row)
  return tenant === null ? null : { tenant, mode: 'auto', role: 'member', source: 'personal', evidence: 'shared' }
}
