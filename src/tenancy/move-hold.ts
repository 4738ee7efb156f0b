import type { ControlDb, Database } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import type { MoveState } from './move-record.ts'
import { RegistryError } from './registry-error.ts'

/** A move as one process has it: nobody else works on it as long as this one says that it is there. */
export interface Hold {
  readonly move: string
  readonly holder: string
  /** Notes a step, in a transaction of the operator's. conflict: another process has taken over. */
  note(db: ControlDb, step: Step): Promise<void>
  /** The same in a transaction of its own. */
  advance(step: Step): Promise<void>
  /** Others may go on with it at once. */
  end(problem: string | null): Promise<void>
}

interface Step {
  readonly state: MoveState
  readonly horizon?: string
  readonly counts?: Readonly<Record<string, number>>
  readonly round?: boolean
  readonly heldMs?: number
}

/** Milliseconds for which a move is a process's own after it last said so: what is waited after one died. */
export const LEASE = 15_000

/** Says again and again that this process works on the move. The row's `holder` is this one already. */
export function createHold(database: Database, move: string, holder: string, lease = LEASE): Hold {
  const seconds = lease / 1000
  const timer = setInterval(() => {
    // One that fails is followed by others before the time is over; who lost it learns it at the next step.
    const renewing = database.control({ as: 'operator' }, async (db) => {
      await db.query(sql`UPDATE moves SET held_until = now() + make_interval(secs => ${seconds})
        WHERE id = ${move} AND holder = ${holder}`)
    })
    renewing.catch(() => {})
  }, lease / 4)
  timer.unref()

  async function note(db: ControlDb, { state, horizon, counts, round = false, heldMs }: Step): Promise<void> {
    const over = ['confirmed', 'returned', 'cancelled'].includes(state)
    const [row] = await db.query(sql`
      UPDATE moves SET state = ${state}, horizon = coalesce(${horizon ?? null}, horizon),
        counts = coalesce(${counts === undefined ? null : JSON.stringify(counts)}::jsonb, counts),
        rounds = rounds + ${round ? 1 : 0}, held_ms = coalesce(${heldMs ?? null}, held_ms), problem = NULL,
        switched_at = CASE WHEN ${state} = 'switched' THEN coalesce(switched_at, now()) ELSE switched_at END,
        ended_at = CASE WHEN ${over} THEN now() END, held_until = now() + make_interval(secs => ${seconds})
      WHERE id = ${move} AND holder = ${holder} AND ended_at IS NULL RETURNING id`)
    if (row === undefined)
      throw new RegistryError('conflict', 'another process goes on with this move, or has ended it')
  }
  return {
    move,
    holder,
    note,
    async advance(step) {
      await database.control({ as: 'operator' }, async (db) => await note(db, step))
    },
    async end(problem) {
      clearInterval(timer)
      await database.control({ as: 'operator' }, async (db) => {
        await db.query(sql`UPDATE moves SET held_until = now(), problem = ${problem?.slice(0, 1_000) ?? null}
          WHERE id = ${move} AND holder = ${holder} AND ended_at IS NULL`)
      })
    },
  }
}

/** Makes a move this process's own when nobody else's word for it holds any more. Answers whether it is. */
export async function takeHold(db: ControlDb, move: string, holder: string, lease = LEASE): Promise<boolean> {
  const rows = await db.query(sql`
    UPDATE moves SET holder = ${holder}, held_until = now() + make_interval(secs => ${lease / 1000})
    WHERE id = ${move} AND held_until <= now() RETURNING id`)
  return rows.length > 0
}
