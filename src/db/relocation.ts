import { setTimeout as pause } from 'node:timers/promises'
import { TenantFenced, type ControlDb } from './database.ts'
import { sql } from './sql.ts'
import type { TenantDoor } from './tenant-door.ts'

/** Where the registry says that a tenant lives. */
export interface Whereabouts {
  readonly placement: string
  readonly active: boolean
  /** Its move is at the step between the one server and the other, which takes moments. */
  readonly between: boolean
}

/** As the resolver. null: no such tenant. */
export async function whereabouts(db: ControlDb, schema: string): Promise<Whereabouts | null> {
  const [row] = await db.query<Whereabouts>(sql`
    SELECT t.placement, t.status = 'active' AS active,
      EXISTS (SELECT FROM moves m WHERE m.tenant_id = t.id AND m.state = 'stopped') AS between
    FROM tenants t WHERE t.schema = ${schema}`)
  return row ?? null
}

/** How long a call waits for a tenant that is between two servers, in milliseconds; then it is told to come again. */
const PATIENCE = 6_000
const BETWEEN = 50

/**
 * The door for callers whose word of where a tenant lives is old: a call that meets the fence of a server which the tenant has left (D18) is
 * made again where it lives now. It met the fence with its first statement, since a move waits for transactions that have begun, so
 * nothing is done twice in the database; what `run` did elsewhere before its first statement is done again.
 */
export const following =
  (enter: TenantDoor['enter'], ask: (schema: string) => Promise<Whereabouts | null>): TenantDoor['enter'] =>
  async (place, options, run) => {
    try {
      return await enter(place, options, run)
    } catch (error) {
      if (!(error instanceof TenantFenced)) throw error
      const placement = await settledPlace(place, ask, options.signal)
      if (placement === null) throw error
      return await enter({ ...place, placement }, options, run)
    }
  }

/** Another place than the one that was asked, or the same after it was shut for a moment; null: the fence stands. */
async function settledPlace(
  { schema, placement }: { readonly schema: string; readonly placement: string },
  ask: (schema: string) => Promise<Whereabouts | null>,
  signal: AbortSignal | undefined,
): Promise<string | null> {
  const deadline = Date.now() + PATIENCE
  let waited = false
  for (;;) {
    // When the registry cannot be asked, the fence is all that is known.
    const found = await ask(schema).catch(() => null)
    if (found === null || !found.active) return null
    if (found.placement !== placement) return found.placement
    if (!found.between) return waited ? placement : null
    if (Date.now() > deadline || signal?.aborted === true) return null
    waited = true
    await pause(BETWEEN, undefined, { ref: false })
  }
}
