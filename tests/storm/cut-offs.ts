import { setTimeout as pause } from 'node:timers/promises'
import type { StormTenant, Token, Window, World } from './world.ts'

/** Milliseconds from the COMMIT of a change until every process must follow it (D21). */
export const SECOND = 1_000
/** How long a tenant stays shut, and a revoked key in use: a while longer than it may take. */
const HELD = SECOND + 700

export interface CutOffs {
  suspensions: number
  revocations: number
}

/** Who is being cut off at this moment: callers turn to them more often than to others. */
export interface Hot {
  readonly tenant: StormTenant
  /** null: the whole tenant. */
  readonly token: Token | null
}

export interface CutOffOptions {
  readonly world: World
  readonly over: () => boolean
  readonly hot: Set<Hot>
  readonly counts: CutOffs
}

const oneOf = <T>(values: readonly T[]): T | undefined => values[Math.floor(Math.random() * values.length)]

/** Suspends one tenant after another, and lets each in again. At least one. */
export async function suspendSome({ world, over, hot, counts }: CutOffOptions): Promise<void> {
  do {
    const tenant = oneOf(world.tenants)
    if (tenant === undefined) return
    const one = { tenant, token: null }
    hot.add(one)
    await world.registry.suspend(tenant.slug)
    const window = await openWindow(world, `SELECT xmin FROM gatehouse.tenants WHERE slug = '${tenant.slug}'`)
    tenant.closed.push(window)
    counts.suspensions += 1
    await pause(HELD)
    window.to = Date.now()
    await world.registry.resume(tenant.slug)
    hot.delete(one)
    await pause(100)
  } while (!over())
}

/** Revokes one key after another, and gives the tenant a new one. At least one. */
export async function revokeSome({ world, over, hot, counts }: CutOffOptions): Promise<void> {
  do {
    const tenant = oneOf(world.tenants)
    const token = oneOf(tenant?.tokens.filter(({ kind, closed }) => kind === 'api-key' && closed.length === 0) ?? [])
    if (tenant === undefined || token?.id == null) continue
    const one = { tenant, token }
    hot.add(one)
    await world.registry.revoke(tenant.slug, token.id)
    token.closed.push(await openWindow(world, `SELECT xmin FROM gatehouse.api_keys WHERE id = '${token.id}'`))
    counts.revocations += 1
    await pause(HELD)
    hot.delete(one)
    tenant.tokens.splice(tenant.tokens.indexOf(token), 1, await world.key(tenant))
    await pause(100)
  } while (!over())
}

async function openWindow(world: World, row: string): Promise<Window> {
  const [found] = await world.sql<{ at: number }>(
    `SELECT (extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000)::float8 AS at FROM (${row}) AS changed`,
  )
  if (found === undefined) throw new Error('the change has no row')
  return { from: found.at, to: Infinity }
}
