import { sql } from '#db/sql.ts'
import type { ControlDb } from '#db/database.ts'
import { authorOf, createLedger, needOperator, type LedgerOptions } from './ledger.ts'
import { RegistryError } from './registry-error.ts'
import type { Actor } from './registry.ts'
import { readTenants, tenantNote, type TenantRecord } from './tenant-record.ts'
import { limitsOf, rfc3339 } from './tenant-row.ts'
import { NO_LIMITS, type Tenant, type TenantLimits } from './tenant.ts'
import { boundedText } from './text.ts'

/** What each limit may be; the table's checks say the same. */
export const PLAN_RANGES: Readonly<Record<keyof TenantLimits, readonly [least: number, most: number]>> = {
  calls_per_minute: [1, 10_000_000],
  calls_per_minute_principal: [1, 10_000_000],
  concurrent_calls: [1, 10_000],
  result_bytes: [1024, 67_108_864],
  call_seconds: [1, 300],
  keys: [0, 1000],
}

/** In the order in which they are shown. */
export const PLAN_LIMITS: readonly (keyof TenantLimits)[] = [
  'calls_per_minute',
  'calls_per_minute_principal',
  'concurrent_calls',
  'result_bytes',
  'call_seconds',
  'keys',
]

/** What tenants may do at most, under a name. Each limit null: what the server's configuration says. */
export interface PlanRecord extends TenantLimits {
  /** a-z first, then a-z 0-9 _, at most 41 characters. */
  readonly name: string
  readonly title: string
  /** How many have it; deleted ones do not count. */
  readonly tenants: number
  readonly changed_at: string
}

export type PlanInput = Partial<TenantLimits> & { readonly title?: string }

/** For operators only. What is changed holds on every replica within 1 s (D21), for calls that begin then. */
export interface Plans {
  list(actor: Actor): Promise<readonly PlanRecord[]>
  /** unknown: no such plan. */
  show(actor: Actor, name: string): Promise<PlanRecord>
  /** Changes what is given, or makes the plan; a limit that is null is the server's. invalid: no name, or a limit out of its range. */
  set(actor: Actor, name: string, input: PlanInput): Promise<PlanRecord>
  /** conflict: tenants have it. unknown: no such plan. */
  remove(actor: Actor, name: string): Promise<void>
  /** @param name null: none, the server's own limits. unknown: no such plan, or the tenant is deleted. */
  assign(tenant: Tenant, actor: Actor, name: string | null): Promise<TenantRecord>
}

interface Row extends TenantLimits {
  readonly name: string
  readonly title: string
  readonly tenants: number
  readonly changed_at: Date
}

const NAME = /^[a-z][a-z0-9_]{0,40}$/
/** What the command line says for no plan. */
const NOT_NAMES: ReadonlySet<string> = new Set(['none', 'default'])

export function createPlans(options: LedgerOptions): Plans {
  const { database, clock } = options
  const ledger = createLedger(options)
  const changes = (name: string) => [{ table: 'plans' as const, tenant: null, id: name }]

  return {
    async list(actor) {
      needOperator(actor)
      return await database.control({ as: 'operator' }, async (db) => await read(db, null))
    },
    async show(actor, name) {
      needOperator(actor)
      const [plan] = await database.control({ as: 'operator' }, async (db) => await read(db, name))
      return plan ?? unknown(name)
    },
    async set(actor, name, { title, ...given }) {
      needOperator(actor)
      if (!NAME.test(name) || NOT_NAMES.has(name))
        throw new RegistryError(
          'invalid',
          `${JSON.stringify(name)} is no name of a plan: a-z first, then a-z 0-9 _, at most 41 characters`,
          'name',
        )
      checkRanges(given)
      return await ledger.write({ as: 'operator' }, null, authorOf(actor), async (db) => {
        // Two who change the same plan, or make it, come one after the other.
        await db.query(sql`
          INSERT INTO plans (name, title, changed_at) VALUES (${name}, ${name}, ${new Date(clock.now())})
          ON CONFLICT (name) DO UPDATE SET changed_at = excluded.changed_at`)
        const [before] = await read(db, name)
        const text = title === undefined ? (before?.title ?? name) : boundedText('the title', title, 100, 'title')
        const after = limitsOf({ ...(before ?? NO_LIMITS), ...given })
        await db.query(sql`
          UPDATE plans SET title = ${text}, calls_per_minute = ${after.calls_per_minute}::integer,
            calls_per_minute_principal = ${after.calls_per_minute_principal}::integer,
            concurrent_calls = ${after.concurrent_calls}::integer, result_bytes = ${after.result_bytes}::integer,
            call_seconds = ${after.call_seconds}::integer, keys = ${after.keys}::integer
          WHERE name = ${name}`)
        const [plan] = await read(db, name)
        const note = { action: 'plan.set', target: name, detail: { title: text, ...after }, changes: changes(name) }
        return [plan ?? unknown(name), note]
      })
    },
    async remove(actor, name) {
      needOperator(actor)
      await ledger.write({ as: 'operator' }, null, authorOf(actor), async (db) => {
        await db.query(sql`SELECT name FROM plans WHERE name = ${name} FOR UPDATE`)
        const [plan] = await read(db, name)
        if (plan === undefined) return unknown(name)
        if (plan.tenants > 0)
          throw new RegistryError('conflict', `${plan.tenants} tenants have the plan ${name}: give them another first`)
        // Deleted tenants keep their row, and nothing reads its plan.
        await db.query(sql`UPDATE tenants SET plan = NULL WHERE plan = ${name} AND status = 'deleted'`)
        await db.query(sql`DELETE FROM plans WHERE name = ${name}`)
        return [undefined, { action: 'plan.removed', target: name, changes: changes(name) }]
      })
    },
    async assign(tenant, actor, name) {
      needOperator(actor)
      return await ledger.write({ as: 'operator' }, tenant.id, authorOf(actor), async (db) => {
        if (name !== null && (await read(db, name)).length === 0) return unknown(name)
        const [before] = await db.query<{ plan: string | null }>(sql`
          SELECT plan FROM tenants WHERE id = ${tenant.id} AND status <> 'deleted' FOR UPDATE`)
        if (before === undefined) throw new RegistryError('unknown', `the tenant ${tenant.slug} is deleted`)
        await db.query(sql`UPDATE tenants SET plan = ${name} WHERE id = ${tenant.id}`)
        const [record] = await readTenants(db, tenant.slug)
        if (record === undefined) throw new RegistryError('unknown', `there is no tenant ${tenant.slug}`)
        const note = tenantNote(tenant, 'tenant.plan_changed', { from: before.plan, to: name })
        return [record, before.plan === name ? null : note]
      })
    },
  }
}

/** The one of this name, or null: all, by name. */
async function read(db: ControlDb, name: string | null): Promise<readonly PlanRecord[]> {
  const rows = await db.query<Row>(sql`
    SELECT p.*, (SELECT count(*)::integer FROM tenants t WHERE t.plan = p.name AND t.status <> 'deleted') AS tenants
    FROM plans p WHERE ${name}::text IS NULL OR p.name = ${name} ORDER BY p.name`)
  return rows.map((row) => ({
    name: row.name,
    title: row.title,
    ...limitsOf(row),
    tenants: row.tenants,
    changed_at: rfc3339(row.changed_at),
  }))
}

function unknown(name: string): never {
  throw new RegistryError('unknown', `there is no plan ${name}`)
}

function checkRanges(given: Partial<TenantLimits>): void {
  for (const limit of PLAN_LIMITS) {
    const value = given[limit]
    if (value === undefined || value === null) continue
    const [least, most] = PLAN_RANGES[limit]
    if (!Number.isInteger(value) || value < least || value > most)
      throw new RegistryError('invalid', `${limit} must be a whole number from ${least} to ${most}`, limit)
  }
}
