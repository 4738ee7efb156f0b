import { sql } from '#db/sql.ts'
import { authorOf, createLedger, needScope, roleFor, type LedgerOptions } from './ledger.ts'
import type { Precondition } from './precondition.ts'
import { RegistryError } from './registry-error.ts'
import type { Actor } from './registry.ts'
import { tenantNote } from './tenant-record.ts'
import type { Tenant } from './tenant.ts'

/** What an owner turns on and off. */
export interface TenantSettings {
  /** Do `tenant:admin` and `tenant:owner` count over MCP (D32)? */
  readonly mcp_admin: boolean
  /** May operators see as a member (D37)? */
  readonly operator_access: boolean
}

export interface SettingsOfTenants {
  /**
   * Changes what is given, and answers all settings as they are then. Needs `tenant:owner`; operators may too, which the tenant's
   * audit shows, but not let themselves in: `operator_access` only an owner turns on (D37). Every replica goes by it within 1 s.
   * unknown: deleted meanwhile.
   */
  setSettings(
    tenant: Tenant,
    actor: Actor,
    input: Partial<TenantSettings>,
    precondition?: Precondition<TenantSettings>,
  ): Promise<TenantSettings>
}

export function createTenantSettings(options: LedgerOptions): SettingsOfTenants {
  const ledger = createLedger(options)
  return {
    async setSettings(tenant, actor, input, precondition) {
      roleFor(actor, tenant)
      needScope(actor, 'tenant:owner')
      const { mcp_admin: admin = null, operator_access: access = null } = input
      return await ledger.write({ as: 'operator' }, tenant.id, authorOf(actor), async (db) => {
        const [before] = await db.query<TenantSettings>(sql`
          SELECT mcp_admin, operator_access FROM tenants WHERE id = ${tenant.id} AND status <> 'deleted' FOR UPDATE`)
        if (before === undefined) throw new RegistryError('unknown', `the tenant ${tenant.slug} is deleted`)
        precondition?.(before)
        if (actor.kind === 'operator' && access === true && !before.operator_access)
          throw new RegistryError(
            'forbidden',
            `only an owner of ${tenant.slug} lets operators see it`,
            'operator_access',
          )
        const after = { mcp_admin: admin ?? before.mcp_admin, operator_access: access ?? before.operator_access }
        const changed = (['mcp_admin', 'operator_access'] as const).filter((name) => before[name] !== after[name])
        if (changed.length === 0) return [after, null]
        await db.query(sql`
          UPDATE tenants SET mcp_admin = ${after.mcp_admin}, operator_access = ${after.operator_access} WHERE id = ${tenant.id}`)
        const detail = Object.fromEntries(changed.map((name) => [name, { from: before[name], to: after[name] }]))
        return [after, tenantNote(tenant, 'tenant.settings_changed', detail)]
      })
    },
  }
}
