import type { ControlDb } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { RegistryError } from './registry-error.ts'
import { rfc3339, rfc3339OrNull } from './tenant-row.ts'
import type { Tenant } from './tenant.ts'

/**
 * copying, catching_up: the tenant works on the source. stopped: the moment between the two. switched: it works on the target, and what it left is
 * kept. The rest is over: confirmed (what it left is dropped), returned (it was moved back), cancelled.
 */
export type MoveState = 'copying' | 'catching_up' | 'stopped' | 'switched' | 'confirmed' | 'returned' | 'cancelled'

/** One move of a tenant from one Postgres server to another. */
export interface MoveRecord {
  readonly id: string
  readonly from: string
  readonly to: string
  readonly state: MoveState
  /** Is a process working on it at present? When not, and it is not over, `tenant move` goes on with it. */
  readonly working: boolean
  /** Rows by table, as last counted. */
  readonly counts: Readonly<Record<string, number>> | null
  readonly rounds: number
  /** Milliseconds for which writes were held up. */
  readonly held_ms: number | null
  readonly started_at: string
  readonly switched_at: string | null
  readonly ended_at: string | null
  /** Why the last attempt ended. */
  readonly problem: string | null
}

export interface MoveRow {
  readonly id: string
  readonly source: string
  readonly target: string
  readonly state: MoveState
  readonly working: boolean
  readonly horizon: string | null
  readonly counts: Readonly<Record<string, number>> | null
  readonly rounds: number
  readonly held_ms: number | null
  readonly started_at: Date
  readonly switched_at: Date | null
  readonly ended_at: Date | null
  readonly problem: string | null
}

/** The tenant's latest move, or the one with this id; null: none. */
export async function readMove(db: ControlDb, tenant: string, id: string | null = null): Promise<MoveRow | null> {
  const [row] = await db.query<MoveRow>(sql`
    SELECT id, source, target, state, held_until > now() AS working, horizon, counts, rounds, held_ms, started_at, switched_at, ended_at, problem
    FROM moves WHERE tenant_id = ${tenant} AND (${id}::uuid IS NULL OR id = ${id})
    -- By the registry's clock: ids are made by those of the machines that commands run on.
    ORDER BY started_at DESC, id DESC LIMIT 1`)
  return row ?? null
}

export const isOpen = (state: MoveState): boolean => ['copying', 'catching_up', 'stopped', 'switched'].includes(state)

export function toMoveRecord(row: MoveRow): MoveRecord {
  const { source, target, horizon: _, started_at, switched_at, ended_at, ...rest } = row
  return {
    ...rest,
    from: source,
    to: target,
    working: rest.working && isOpen(row.state) && row.state !== 'switched',
    started_at: rfc3339(started_at),
    switched_at: rfc3339OrNull(switched_at),
    ended_at: rfc3339OrNull(ended_at),
  }
}

/**
 * To be asked in the registry's transaction of whatever changes a tenant's rights or schema: it lives where the caller believes, and its
 * row stays locked until the transaction ends. conflict: it was moved meanwhile.
 */
export async function assertPlaced(db: ControlDb, { id, slug, placement }: Tenant): Promise<MoveState | null> {
  const [row] = await db.query<{ placement: string }>(sql`SELECT placement FROM tenants WHERE id = ${id} FOR UPDATE`)
  if (row !== undefined && row.placement !== placement)
    throw new RegistryError('conflict', `${slug} was moved to ${row.placement} meanwhile: try again`)
  const move = await readMove(db, id)
  return move === null || !isOpen(move.state) ? null : move.state
}
