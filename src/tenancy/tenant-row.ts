import { ALL_ON, NO_LIMITS, type Tenant, type TenantLimits } from './tenant.ts'

/** The columns of `tenants` that make a Tenant, under the names that every query here gives them. */
export interface TenantRow {
  readonly tenant_id: string
  readonly slug: string
  readonly tenant_name: string
  readonly schema: Tenant['schema']
  readonly tenant_status: Tenant['status'] | 'deleted'
  readonly placement: string
  readonly schema_version: number
  readonly mcp_admin: boolean
  readonly delete_after: Date | null
  readonly plan: string | null
  /** The plan's row; null: none. */
  readonly limits: TenantLimits | null
  readonly tools_off: readonly string[]
}

/** null: deleted; to everyone but the operator's list it is as if it never was. */
export function toTenant(row: TenantRow): Tenant | null {
  if (row.tenant_status === 'deleted') return null
  return {
    id: row.tenant_id,
    slug: row.slug,
    name: row.tenant_name,
    schema: row.schema,
    status: row.tenant_status,
    placement: row.placement,
    schemaVersion: row.schema_version,
    mcpAdmin: row.mcp_admin,
    deleteAfter: rfc3339OrNull(row.delete_after),
    plan: row.plan,
    limits: limitsOf(row.limits),
    toolsOff: toolsOffOf(row),
  }
}

/** As a Tenant has it. */
export const toolsOffOf = ({ tools_off: names }: Pick<TenantRow, 'tools_off'>): ReadonlySet<string> =>
  names.length === 0 ? ALL_ON : new Set(names)

/** Of a plan's row the limits alone. */
export function limitsOf(row: TenantLimits | null): TenantLimits {
  if (row === null) return NO_LIMITS
  const { calls_per_minute, calls_per_minute_principal, concurrent_calls, result_bytes, call_seconds, keys } = row
  return { calls_per_minute, calls_per_minute_principal, concurrent_calls, result_bytes, call_seconds, keys }
}

/** RFC 3339 in UTC. */
export const rfc3339 = (at: Date): string => at.toISOString()
export const rfc3339OrNull = (at: Date | null): string | null => at?.toISOString() ?? null
