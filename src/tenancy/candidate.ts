import type { ControlDb } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import type { Identity } from '#identity/identity.ts'
import { parents } from './domain-name.ts'
import type { DomainRecord, JoinMode } from './domains.ts'
import type { Evidence } from './evidence.ts'
import type { Joining } from './memberships.ts'
import { isSlug } from './slug.ts'
import { deny, type Denied } from './standing.ts'
import { toTenant, type TenantRow } from './tenant-row.ts'
import type { Tenant } from './tenant.ts'

/** The tenant that evidence maps to, and how one comes in. */
export interface Candidate {
  readonly tenant: Tenant
  readonly mode: JoinMode
  readonly role: Joining['role']
  readonly source: Joining['source']
  readonly evidence: string
}

interface Mapped extends TenantRow {
  readonly join_mode: JoinMode
  readonly default_role: DomainRecord['default_role']
}

/**
 * The steps of DESIGN section 7 between an explicit member and a public mailbox, in their order: the tenant that configuration names,
 * the organisation map, the domain map. null: nothing maps. Denied: something maps, and not for this person.
 */
export async function candidateFor(
  db: ControlDb,
  identity: Identity,
  evidence: Evidence,
): Promise<Candidate | Denied | null> {
  if (evidence.tenant !== null) return await namedTenant(db, evidence.tenant)
  return (await byOrganization(db, identity, evidence)) ?? (await byDomain(db, identity, evidence))
}

async function namedTenant(db: ControlDb, slug: string): Promise<Candidate | Denied> {
  const [row] = !isSlug(slug)
    ? []
    : await db.query<TenantRow>(sql`
    SELECT id AS tenant_id, slug, name AS tenant_name, schema, status AS tenant_status, placement, schema_version,
      mcp_admin, delete_after, plan, plan_limits(plan) AS limits, tools_off
    FROM tenants WHERE slug = ${slug}`)
  const tenant = row === undefined ? null : toTenant(row)
  if (tenant === null)
    return deny(
      'tenant_unknown',
      `the token or the configuration names the tenant ${JSON.stringify(slug)}, which does not exist`,
    )
  return { tenant, mode: 'auto', role: 'member', source: 'organization', evidence: `tenant:${slug}` }
}

async function byOrganization(
  db: ControlDb,
  identity: Identity,
  { organization }: Evidence,
): Promise<Candidate | null> {
  if (organization === null) return null
  const [row] = await db.query<Mapped>(sql`
    SELECT o.join_mode, o.default_role,
      t.id AS tenant_id, t.slug, t.name AS tenant_name, t.schema, t.status AS tenant_status, t.placement, t.schema_version,
      t.mcp_admin, t.delete_after, t.plan, plan_limits(t.plan) AS limits, t.tools_off
    FROM organizations o JOIN tenants t ON t.id = o.tenant_id
    WHERE o.iss = ${identity.iss} AND o.kind = ${organization.kind} AND o.value = ${organization.value}`)
  const tenant = row === undefined ? null : toTenant(row)
  if (row === undefined || tenant === null) return null
  const evidence = `${organization.kind}:${organization.value}`
  return { tenant, mode: row.join_mode, role: row.default_role, source: 'organization', evidence }
}

async function byDomain(db: ControlDb, identity: Identity, { domains }: Evidence): Promise<Candidate | Denied | null> {
  for (const { domain, authority } of domains) {
    const [row] = await db.query<Mapped & Pick<DomainRecord, 'domain' | 'asserted_by' | 'allow_once' | 'state'>>(sql`
      SELECT d.domain, d.state, d.asserted_by, d.allow_once, d.join_mode, d.default_role,
        t.id AS tenant_id, t.slug, t.name AS tenant_name, t.schema, t.status AS tenant_status, t.placement, t.schema_version,
        t.mcp_admin, t.delete_after, t.plan, plan_limits(t.plan) AS limits, t.tools_off
      FROM domains d JOIN tenants t ON t.id = d.tenant_id
      WHERE t.status <> 'deleted' AND d.state IN ('verified', 'lapsed')
        AND (d.domain = ${domain} OR (d.include_subdomains AND d.domain = ANY(${[...parents(domain)]}::text[])))
      ORDER BY d.state = 'verified' DESC, length(d.domain) DESC LIMIT 1`)
    const tenant = row === undefined ? null : toTenant(row)
    if (row === undefined || tenant === null) continue
    // The nearest verified name decides, also when it decides against: a parent must not take in who belongs to a child.
    if (row.state === 'lapsed')
      return deny('tenant_unknown', `the proof of ${row.domain} has lapsed, so nobody joins ${row.slug} by it (D8)`)
    if (!row.asserted_by.includes(identity.provider)) {
      return deny('tenant_unknown', `${identity.provider} may not assert addresses of ${row.domain} (D6)`)
    }
    const live = authority === 'live' || row.allow_once
    const mode = row.join_mode === 'auto' && !live ? 'request' : row.join_mode
    return { tenant, mode, role: row.default_role, source: 'domain', evidence: row.domain }
  }
  return null
}
