import type { ControlDb } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { hasScope, roleFor } from './ledger.ts'
import type { Actor, RegistryOptions } from './registry.ts'
import type { Tenant } from './tenant.ts'
import { KEY_PROVIDER, whoCalled, type Caller } from './usage-caller.ts'
import { checkedRange, stepsOf, type UsageRange, type UsageStep } from './usage-range.ts'

/** Failed calls are calls too; refusals (requests turned away before a tool was reached) are none. Milliseconds. */
export interface UsageCounts {
  readonly calls: number
  readonly failures: number
  readonly refusals: number
  readonly total_ms: number
  readonly max_ms: number
}

export interface UsagePoint extends UsageCounts {
  /** The beginning of the hour or day in UTC, RFC 3339. */
  readonly at: string
}

export interface ToolUsage extends UsageCounts {
  /** The tool (or resource, or prompt); `unknown`: calls of what does not exist. */
  readonly tool: string
}

/** A person or a key. */
export interface CallerUsage extends UsageCounts {
  /** `provider:sub`; for a key `api-key:<id>`. */
  readonly user_id: string
  /** The key's id; null: a person. */
  readonly key: string | null
  /** The person's or the key's, as the registry has it now. */
  readonly name: string | null
  readonly email: string | null
}

/** Times are RFC 3339 and days are days of UTC. What the last 10 seconds brought may be missing. */
export interface UsageReport {
  readonly slug: string
  readonly since: string
  readonly until: string
  readonly step: UsageStep
  /** `own`: who asked is no admin, and sees their own calls and those of their keys. */
  readonly whose: 'tenant' | 'own' | 'key'
  readonly totals: UsageCounts
  /** Every step, also those without calls. */
  readonly series: readonly UsagePoint[]
  /** The most called first, 100 at most. */
  readonly tools: readonly ToolUsage[]
  /** The busiest first, 100 at most. */
  readonly callers: readonly CallerUsage[]
  /** How many people and keys there are in all. */
  readonly callers_total: number
}

export interface Usage {
  /**
   * The last 30 days, or the range that is asked for. Whole tenants need `tenant:admin`; who lacks it sees their own.
   * invalid: no such range.
   */
  report(tenant: Tenant, actor: Actor, range?: Partial<UsageRange>): Promise<UsageReport>
}

const MOST = 100

interface Row extends UsageCounts {
  readonly by: 'all' | 'step' | 'tool' | 'caller'
  readonly at: Date | null
  readonly tool: string | null
  readonly iss: string | null
  readonly sub: string | null
  readonly provider: string | null
}

/** Whose rows: everybody's, one person's with their keys', or one key's. */
export interface UsageOf {
  readonly whose: UsageReport['whose']
  /** null: everybody. */
  readonly person: Caller | null
  readonly key: string | null
}

export function createUsage({ database, clock }: RegistryOptions): Usage {
  return {
    async report(tenant, actor, asked = {}) {
      const range = checkedRange(asked, clock.now())
      return await database.control(
        roleFor(actor, tenant),
        async (db) => await readUsage(db, tenant, whoseOf(actor), range),
      )
    },
  }
}

function whoseOf(actor: Actor): UsageOf {
  if (actor.kind === 'operator' || hasScope(actor, 'tenant:admin')) return { whose: 'tenant', person: null, key: null }
  return { whose: 'own', person: whoCalled(actor.principal.identity), key: null }
}

/** Does not ask who may see it. */
export async function readUsage(
  db: ControlDb,
  tenant: Tenant,
  { whose, person, key }: UsageOf,
  range: UsageRange,
): Promise<UsageReport> {
  // One walk over the rows for the four things that are shown of them.
  const rows = await db.query<Row>(sql`
    WITH seen AS (
      SELECT date_trunc(${range.step}, hour, 'UTC') AS at, tool, iss, sub, provider, calls, failures, refusals, total_ms, max_ms
      FROM usage WHERE tenant_id = ${tenant.id} AND hour >= ${new Date(range.since)} AND hour < ${new Date(range.until)}
        AND (${key}::text IS NULL OR (provider = ${KEY_PROVIDER} AND sub = ${key}))
        AND (${person === null} OR (iss = ${person?.iss ?? null} AND sub = ${person?.sub ?? null})
          OR (provider = ${KEY_PROVIDER} AND sub IN (
            SELECT k.id FROM api_keys k JOIN members m ON m.id = k.creator_member_id
            WHERE k.tenant_id = ${tenant.id} AND m.iss = ${person?.iss ?? null} AND m.sub = ${person?.sub ?? null})))
    )
    SELECT CASE WHEN grouping(at) = 0 THEN 'step' WHEN grouping(tool) = 0 THEN 'tool' WHEN grouping(sub) = 0 THEN 'caller' ELSE 'all' END AS by,
      at, tool, iss, sub, provider, coalesce(sum(calls), 0)::float8 AS calls, coalesce(sum(failures), 0)::float8 AS failures,
      coalesce(sum(refusals), 0)::float8 AS refusals, coalesce(sum(total_ms), 0)::float8 AS total_ms, coalesce(max(max_ms), 0) AS max_ms
    FROM seen GROUP BY GROUPING SETS ((), (at), (tool), (iss, sub, provider))`)
  const of = (by: Row['by']): readonly Row[] => rows.filter((row) => row.by === by).sort(busiest)
  const steps = new Map(of('step').map((row) => [row.at?.getTime(), row]))
  const callers = of('caller')
  return {
    slug: tenant.slug,
    since: new Date(range.since).toISOString(),
    until: new Date(range.until).toISOString(),
    step: range.step,
    whose,
    totals: countsOf(of('all')[0]),
    series: stepsOf(range).map((at) => ({ at: new Date(at).toISOString(), ...countsOf(steps.get(at)) })),
    tools: of('tool')
      .filter(({ calls }) => calls > 0)
      .slice(0, MOST)
      .map((row) => ({ tool: row.tool ?? '', ...countsOf(row) })),
    callers: await named(db, tenant, callers.slice(0, MOST)),
    callers_total: callers.length,
  }
}

const busiest = (a: Row, b: Row): number => b.calls - a.calls || b.refusals - a.refusals

const countsOf = (row: Row | undefined): UsageCounts => ({
  calls: row?.calls ?? 0,
  failures: row?.failures ?? 0,
  refusals: row?.refusals ?? 0,
  total_ms: row?.total_ms ?? 0,
  max_ms: row?.max_ms ?? 0,
})

/** With the names that people and keys have now. */
async function named(db: ControlDb, tenant: Tenant, rows: readonly Row[]): Promise<readonly CallerUsage[]> {
  const ids = rows.flatMap(({ provider, sub }) => (provider === KEY_PROVIDER && sub !== null ? [sub] : []))
  const keys = await db.query<{ id: string; name: string }>(
    sql`SELECT id, name FROM api_keys WHERE tenant_id = ${tenant.id} AND id = ANY(${ids}::text[])`,
  )
  const members = await db.query<{ iss: string; sub: string; name: string | null; email: string | null }>(sql`
    SELECT iss, sub, name, email FROM members WHERE tenant_id = ${tenant.id}
      AND (iss, sub) IN (SELECT * FROM unnest(${rows.map(({ iss }) => iss)}::text[], ${rows.map(({ sub }) => sub)}::text[]))`)
  return rows.map((row) => {
    const key = row.provider === KEY_PROVIDER ? row.sub : null
    const member = members.find(({ iss, sub }) => iss === row.iss && sub === row.sub)
    return {
      user_id: `${row.provider}:${row.sub}`,
      key,
      name: key === null ? (member?.name ?? null) : (keys.find(({ id }) => id === key)?.name ?? null),
      email: key === null ? (member?.email ?? null) : null,
      ...countsOf(row),
    }
  })
}
