import { sql } from '#db/sql.ts'
import { authorOf, createLedger, needScope, roleFor } from './ledger.ts'
import type { Precondition } from './precondition.ts'
import { RegistryError } from './registry-error.ts'
import type { Actor, RegistryOptions } from './registry.ts'
import { tenantNote } from './tenant-record.ts'
import type { Tenant } from './tenant.ts'

/** A tool as the server has it, for all tenants. */
export interface OfferedTool {
  readonly name: string
  /** A few words. */
  readonly title: string
}

/** One tool in one tenant. */
export interface TenantTool extends OfferedTool {
  /** Off: for everybody in the tenant it is as if it were not there. */
  readonly on: boolean
  /** false: the server has no tool of this name any more. Should it have one again, that stays off. */
  readonly known: boolean
}

export interface ToolSwitches {
  readonly off?: readonly string[]
  readonly on?: readonly string[]
}

/** Which of the server's tools a tenant has (docs/tools.md). At first all, and a tool that comes with a new version is on. */
export interface TenantTools {
  /** By name. forbidden: without `tenant:admin`. */
  list(tenant: Tenant, actor: Actor): Promise<readonly TenantTool[]>
  /**
   * Switches off and on what is named, leaves the rest, and answers all as they are then. Needs `tenant:admin`; operators may too, and an
   * admin may undo it: there is one switch. Every replica goes by it within 1 s (D21); calls under way are not ended.
   * invalid: not a tool's name (what is off can be switched on whatever it is), or one that is in both. unknown: deleted meanwhile.
   */
  set(
    tenant: Tenant,
    actor: Actor,
    switches: ToolSwitches,
    precondition?: Precondition<readonly TenantTool[]>,
  ): Promise<readonly TenantTool[]>
}

export function createTenantTools(options: RegistryOptions): TenantTools {
  const { database, offered = () => [] } = options
  const ledger = createLedger(options)

  const gone = ({ slug }: Tenant): RegistryError => new RegistryError('unknown', `the tenant ${slug} is deleted`)

  return {
    async list(tenant, actor) {
      needScope(actor, 'tenant:admin')
      const [row] = await database.control(roleFor(actor, tenant), async (db) => {
        return await db.query<{ tools_off: readonly string[] }>(
          sql`SELECT tools_off FROM tenants WHERE id = ${tenant.id} AND status <> 'deleted'`,
        )
      })
      if (row === undefined) throw gone(tenant)
      return shown(offered(), row.tools_off)
    },
    async set(tenant, actor, { off = [], on = [] }, precondition) {
      roleFor(actor, tenant)
      needScope(actor, 'tenant:admin')
      const tools = offered()
      return await ledger.write({ as: 'operator' }, tenant.id, authorOf(actor), async (db) => {
        const [row] = await db.query<{ tools_off: readonly string[] }>(sql`
          SELECT tools_off FROM tenants WHERE id = ${tenant.id} AND status <> 'deleted' FOR UPDATE`)
        if (row === undefined) throw gone(tenant)
        const before = row.tools_off
        precondition?.(shown(tools, before))
        const known = new Set(tools.map(({ name }) => name))
        for (const name of off) if (!known.has(name) && !before.includes(name)) throw noTool(name, 'off')
        for (const name of on) {
          if (!known.has(name) && !before.includes(name)) throw noTool(name, 'on')
          if (off.includes(name))
            throw new RegistryError('invalid', `${name} cannot be switched off and on at the same time`, 'on')
        }
        const after = [...new Set([...before, ...off])].filter((name) => !on.includes(name)).toSorted()
        const detail = {
          off: after.filter((name) => !before.includes(name)),
          on: before.filter((name) => !after.includes(name)),
        }
        if (detail.off.length + detail.on.length === 0) return [shown(tools, before), null]
        await db.query(sql`UPDATE tenants SET tools_off = ${after} WHERE id = ${tenant.id}`)
        return [shown(tools, after), tenantNote(tenant, 'tenant.tools_changed', detail)]
      })
    },
  }
}

/** All tools of the server and what else is off, by name. */
function shown(tools: readonly OfferedTool[], off: readonly string[]): readonly TenantTool[] {
  const known = tools.map(({ name, title }) => ({ name, title, on: !off.includes(name), known: true }))
  const others = off
    .filter((name) => !tools.some((tool) => tool.name === name))
    .map((name) => ({ name, title: name, on: false, known: false }))
  return [...known, ...others].toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

const noTool = (name: string, field: 'off' | 'on'): RegistryError =>
  new RegistryError('invalid', `there is no tool ${JSON.stringify(name.slice(0, 64))}`, field)
