import { uuidv7 } from '#base/id.ts'
import type { ControlDb } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import type { Identity } from '#identity/identity.ts'
import type { Evidence } from './evidence.ts'
import { parents } from './domain-name.ts'
import type { MemberRecord } from './members.ts'
import type { PersonRole } from './roles.ts'
import { deny, type Denied } from './standing.ts'
import { shownText } from './text.ts'
import { toTenant, type TenantRow } from './tenant-row.ts'
import type { Tenant } from './tenant.ts'

/** One tenant a person has to do with. */
export interface Membership {
  readonly tenant: Tenant
  readonly id: string
  readonly role: PersonRole
  readonly status: MemberRecord['status']
  readonly source: MemberRecord['source']
  readonly evidence: string | null
  readonly home: boolean
  readonly email: string | null
  readonly member_name: string | null
  readonly tokens_not_before: Date | null
  /** Asked to join and is not to ask again before then. */
  readonly declined_until: Date | null
}

/** All tenants of a person but deleted ones, the earliest joined first. */
export async function membershipsOf(db: ControlDb, identity: Identity): Promise<readonly Membership[]> {
  const rows = await db.query<Omit<Membership, 'tenant'> & TenantRow>(sql`
    SELECT m.id, m.role, m.status, m.source, m.evidence, m.home, m.email, m.name AS member_name, m.tokens_not_before, m.declined_until,
      t.id AS tenant_id, t.slug, t.name AS tenant_name, t.schema, t.status AS tenant_status, t.placement, t.schema_version,
      t.mcp_admin, t.delete_after, t.plan, plan_limits(t.plan) AS limits, t.tools_off
    FROM members m JOIN tenants t ON t.id = m.tenant_id
    WHERE m.iss = ${identity.iss} AND m.sub = ${identity.sub}
    ORDER BY m.created_at, m.id`)
  return rows.flatMap((row) => {
    const tenant = toTenant(row)
    return tenant === null ? [] : [{ ...row, tenant }]
  })
}

/** Where the plain endpoint leads (D9): home; failing that the earliest. After a removal from home nothing is chosen for the person. */
export function homeOf(memberships: readonly Membership[]): Membership | Denied | null {
  const home = memberships.find((row) => row.home)
  if (home !== undefined) return home
  if (memberships.some((row) => row.status === 'removed'))
    return deny('member_removed', 'removed from the tenant that was their home')
  return memberships.find((row) => row.status === 'active') ?? null
}

const FROM_EVIDENCE: readonly Membership['source'][] = ['domain', 'organization', 'provision']

/** Does the membership hold under what the token shows now? null: it does. */
export async function objection(
  db: ControlDb,
  row: Membership,
  identity: Identity,
  evidence: Evidence,
): Promise<Denied | null> {
  if (row.status === 'removed') return deny('member_removed', `removed from ${row.tenant.slug}`)
  if (FROM_EVIDENCE.includes(row.source) && !(await carries(db, row, identity, evidence))) {
    return deny(
      'evidence_missing',
      `the membership in ${row.tenant.slug} rests on ${row.evidence}, which the token does not show`,
    )
  }
  return row.tenant.status === 'suspended' ? deny('tenant_suspended', `${row.tenant.slug} is suspended`) : null
}

/** D7: is the evidence that the membership came from still in the token, and may this provider still assert it? */
async function carries(db: ControlDb, row: Membership, identity: Identity, evidence: Evidence): Promise<boolean> {
  if (row.source === 'organization') {
    const { organization, tenant } = evidence
    const shown = organization === null ? null : `${organization.kind}:${organization.value}`
    return row.evidence === shown || (tenant !== null && row.evidence === `tenant:${tenant}`)
  }
  const shown = evidence.domains.find(
    ({ domain }) => domain === row.evidence || (row.evidence !== null && parents(domain).includes(row.evidence)),
  )
  if (shown === undefined) return false
  const [rule] = await db.query<{ asserted_by: string[]; include_subdomains: boolean; allow_once: boolean }>(sql`
    SELECT asserted_by, include_subdomains, allow_once FROM domains WHERE tenant_id = ${row.tenant.id} AND domain = ${row.evidence}`)
  // A domain that was taken off the list stops joining and keeps members, on live evidence only.
  if (rule === undefined) return shown.authority === 'live' && shown.domain === row.evidence
  return (
    rule.asserted_by.includes(identity.provider) &&
    (shown.domain === row.evidence || rule.include_subdomains) &&
    (shown.authority === 'live' || rule.allow_once)
  )
}

/** Keeps what people see of a member current. Not a change of rights, so nobody is told. */
export async function refresh(db: ControlDb, row: Membership, identity: Identity): Promise<void> {
  const email = vouchedEmail(identity) ?? row.email
  const name = identity.name ?? row.member_name
  if (email === row.email && name === row.member_name) return
  await db.query(
    sql`UPDATE members SET email = ${printable(email, 320)}, name = ${printable(name, 256)} WHERE id = ${row.id}`,
  )
}

export interface Joining {
  readonly status: 'active' | 'requested'
  readonly role: PersonRole
  readonly source: MemberRecord['source']
  readonly evidence: string | null
  readonly at: number
}

/** The row of a person who joins or asks to; null when another replica wrote one meanwhile. Who had asked is let in by the same row. */
export async function join(
  db: ControlDb,
  tenantId: string,
  identity: Identity,
  joining: Joining,
): Promise<string | null> {
  const { status, role, source, evidence } = joining
  const at = new Date(joining.at)
  const [row] = await db.query<{ id: string }>(sql`
    INSERT INTO members (id, tenant_id, iss, sub, provider, email, name, role, status, source, evidence, home, created_at)
    SELECT ${uuidv7(joining.at)}, ${tenantId}, ${identity.iss}, ${identity.sub}, ${identity.provider}, ${printable(vouchedEmail(identity), 320)},
      ${printable(identity.name, 256)}, ${role}, ${status}, ${source}, ${evidence},
      ${status === 'active'} AND NOT EXISTS (
        SELECT 1 FROM members WHERE iss = ${identity.iss} AND sub = ${identity.sub} AND (home OR status = 'active')), ${at}
    ON CONFLICT DO NOTHING RETURNING id`)
  if (row !== undefined) return row.id
  if (status === 'requested') {
    // Declined once, and may ask again by now: the caller looked.
    const [again] = await db.query<{ id: string }>(sql`
      UPDATE members SET declined_until = NULL
      WHERE tenant_id = ${tenantId} AND iss = ${identity.iss} AND sub = ${identity.sub} AND status = 'requested'
        AND declined_until <= ${at} RETURNING id`)
    return again?.id ?? null
  }
  const [admitted] = await db.query<{ id: string }>(sql`
    UPDATE members SET status = 'active', role = ${role}, source = ${source}, evidence = ${evidence}, declined_until = NULL
    WHERE tenant_id = ${tenantId} AND iss = ${identity.iss} AND sub = ${identity.sub} AND status = 'requested' RETURNING id`)
  return admitted?.id ?? null
}

/** An address nobody verified is kept nowhere: people are found by theirs, and rights are given to whom they find. */
export const vouchedEmail = ({ email, email_verified }: Identity): string | null => (email_verified ? email : null)

/** Postgres holds no NUL, a name shows as what it is, and nobody needs ten kilobytes of name (E14). */
export const printable = (text: string | null, most: number): string | null =>
  text === null ? null : shownText(text).slice(0, most)
