import type { ControlDb } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { personDigest } from './digest.ts'
import { blockedOf } from './blocked.ts'
import { lesser, type PersonRole } from './roles.ts'
import { deny, type Denied, type Standing } from './standing.ts'
import { toTenant, type TenantRow } from './tenant-row.ts'

interface KeyRow extends TenantRow {
  readonly role: PersonRole
  readonly scopes: string[]
  readonly requests_per_hour: number | null
  readonly expires_at: Date | null
  readonly revoked_at: Date | null
  readonly creator_member_id: string | null
  readonly creator_role: PersonRole | null
  readonly creator_status: 'active' | 'requested' | 'removed' | null
  readonly creator_iss: string | null
  readonly creator_sub: string | null
}

/** Where an API key stands: its own tenant and no other, with no more than its creator may do at this moment (D23). */
export async function keyStanding(
  db: ControlDb,
  id: string,
  slug: string | null,
  now: number,
): Promise<Standing | Denied> {
  const [row] = await db.query<KeyRow>(sql`
    SELECT k.role, k.scopes, k.requests_per_hour, k.expires_at, k.revoked_at, k.creator_member_id,
      m.role AS creator_role, m.status AS creator_status, m.iss AS creator_iss, m.sub AS creator_sub,
      t.id AS tenant_id, t.slug, t.name AS tenant_name, t.schema, t.status AS tenant_status, t.placement, t.schema_version,
      t.mcp_admin, t.delete_after, t.plan, plan_limits(t.plan) AS limits, t.tools_off
    FROM api_keys k JOIN tenants t ON t.id = k.tenant_id LEFT JOIN members m ON m.id = k.creator_member_id
    WHERE k.id = ${id}`)
  if (row === undefined || row.revoked_at !== null) return deny('key_revoked', `the key ${id} is revoked`)
  if (row.expires_at !== null && row.expires_at.getTime() <= now)
    return deny('key_expired', `the key ${id} has expired`)
  const denied = await creatorGone(db, row)
  if (denied !== null) return denied
  const place = inTenant(row, slug)
  if ('denied' in place) return place
  return {
    tenant: place.tenant,
    role: row.creator_role === null ? row.role : lesser(row.role, row.creator_role),
    member: row.creator_member_id,
    key: {
      id,
      scopes: row.scopes,
      requests_per_hour: row.requests_per_hour,
      expires_at: row.expires_at?.getTime() ?? null,
    },
    notBefore: null,
  }
}

async function creatorGone(db: ControlDb, row: KeyRow): Promise<Denied | null> {
  if (row.creator_member_id === null || row.creator_iss === null || row.creator_sub === null) return null
  if (row.creator_status !== 'active')
    return deny('member_removed', 'who made this key is no member any more; an owner can adopt it (D23)')
  const blocked = await blockedOf(db, null, personDigest(row.creator_iss, row.creator_sub))
  return blocked === 'person' ? deny('person_blocked', 'who made this key is blocked') : null
}

/** The static key of the configuration: the tenant it names, with the role it names. */
export async function staticKeyStanding(
  db: ControlDb,
  named: string,
  role: PersonRole,
  slug: string | null,
): Promise<Standing | Denied> {
  const [row] = await db.query<TenantRow>(sql`
    SELECT id AS tenant_id, slug, name AS tenant_name, schema, status AS tenant_status, placement, schema_version,
      mcp_admin, delete_after, plan, plan_limits(plan) AS limits, tools_off
    FROM tenants WHERE slug = ${named}`)
  if (row === undefined)
    return deny(
      'tenant_unknown',
      `API_KEY_TENANT names ${JSON.stringify(named)}, which does not exist: gatehouse tenant create ${named}`,
    )
  const place = inTenant(row, slug)
  if ('denied' in place) return place
  return {
    tenant: place.tenant,
    role,
    member: null,
    key: { id: null, scopes: null, requests_per_hour: null, expires_at: null },
    notBefore: null,
  }
}

function inTenant(row: TenantRow, slug: string | null): Pick<Standing, 'tenant'> | Denied {
  const tenant = toTenant(row)
  if (slug !== null && slug !== row.slug) return deny('tenant_foreign', `a key of ${row.slug} at /t/${slug}`)
  if (tenant === null) return deny('tenant_unknown', `${row.slug} is deleted`)
  return tenant.status === 'suspended' ? deny('tenant_suspended', `${row.slug} is suspended`) : { tenant }
}
