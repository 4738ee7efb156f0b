import { setTimeout as pause } from 'node:timers/promises'
import { askMark } from './replicas.ts'
import { lease, type Source } from './pool.ts'

/** How a read replica stands to its primary, as `doctor` tells it. */
export interface ReplicaState {
  /** Is it in recovery? If not, it is no replica. */
  readonly recovering: boolean
  /** Of the same system as the primary? */
  readonly ours: boolean
  /** On the primary's timeline? */
  readonly timeline: boolean
  /** Does it receive WAL from somebody at present? */
  readonly receiving: boolean
  /** Octets of WAL which the primary had written when it was asked, and this one has not replayed a second later. */
  readonly lag: number
  /** Seconds since the last commit that it replayed was made; null: none yet. */
  readonly age: number | null
}

/** How often, and after how many milliseconds, one that is behind is looked at again. */
const LOOKS = 6
const PAUSE = 200

/** Changes nothing. Throws DatabaseUnavailable when one of the two cannot be reached, and what Postgres answers. */
export async function readReplicaState(primary: Source, replica: Source): Promise<ReplicaState> {
  const mark = await askMark(primary)
  for (let look = 1; ; look += 1) {
    const state = await ask(replica, [mark.lsn, mark.timeline, mark.system])
    if (state.lag === 0 || !state.recovering || !state.ours || look === LOOKS) return state
    await pause(PAUSE)
  }
}

async function ask(source: Source, mark: readonly (string | null)[]): Promise<ReplicaState> {
  const client = await lease(source)
  try {
    // The receiver's row is there for everybody; what is in it is not.
    const { rows } = await client.query<ReplicaState>(
      `SELECT pg_catalog.pg_is_in_recovery() AS recovering,
        (SELECT system_identifier FROM pg_catalog.pg_control_system())::text = $3 AS ours,
        (SELECT timeline_id FROM pg_catalog.pg_control_checkpoint())::text = $2 AS timeline,
        EXISTS (SELECT FROM pg_catalog.pg_stat_wal_receiver) AS receiving,
        greatest(0, coalesce(pg_catalog.pg_wal_lsn_diff($1::pg_catalog.pg_lsn, pg_catalog.pg_last_wal_replay_lsn()), 0))::float8 AS lag,
        extract(epoch FROM now() - pg_catalog.pg_last_xact_replay_timestamp())::float8 AS age`,
      [...mark],
    )
    client.release()
    const [state] = rows
    if (state === undefined) throw new Error('the replica answered nothing')
    return state
  } catch (error) {
    client.release(true)
    throw error
  }
}
