import { setTimeout as pause } from 'node:timers/promises'
import type { Log } from '#base/log.ts'
import { NO_METRICS, type Metrics } from '#base/metrics.ts'
import { TenantBusy } from './database.ts'
import { lease, type Source } from './pool.ts'

/** Said as the last statement of a prelude on a replica: may this transaction be answered there? */
export interface Proof {
  readonly text: string
  readonly passed: (rows: readonly object[]) => boolean
}

/** The replica has not replayed what was written before the call came, or is no replica of this server. Nothing has run. */
export class ReplicaBehind extends Error {
  override readonly name = 'ReplicaBehind'
}

export interface ReplicasOptions {
  readonly has: (placement: string) => boolean
  readonly primary: (placement: string) => Source
  readonly log: Log
  readonly metrics?: Metrics
  /** Milliseconds of any clock that only goes forward; for tests. */
  readonly now?: () => number
}

export interface Replicas {
  /**
   * Lets `attempt` read on the placement's replica, when it is known to have what was written there before this moment, by whomever. Null: use
   * the primary; nothing has run. Throws what `attempt` throws once `begun`.
   */
  read<T>(
    placement: string,
    attempt: (proof: Proof) => Promise<T>,
    begun: () => boolean,
    signal?: AbortSignal,
  ): Promise<{ readonly answer: T } | null>
}

/** Milliseconds between looks at a replica that is behind; afterwards the primary answers. */
const PAUSES = [2, 5, 10, 20]
/** Milliseconds for which a replica is not asked that was behind, or did not answer. */
const REST = { behind: 500, unreachable: 5_000 } as const

/**
 * How far the primary has written. What was acknowledged before the question is in it: a commit is told to its client only after it was
 * flushed, or with synchronous_commit=off after it was inserted. The timeline and the system tell a replica of something else. The timeline is
 * that of the file being written: the control file names the old one until the first checkpoint after a failover, minutes later, and a replica
 * that has more of the old timeline than the new primary took over would pass for one that has everything.
 */
const MARK = `SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN NULL
    WHEN pg_catalog.current_setting('synchronous_commit') = 'off' THEN pg_catalog.pg_current_wal_insert_lsn()
    ELSE pg_catalog.pg_current_wal_flush_lsn() END::text AS lsn,
  CASE WHEN pg_catalog.pg_is_in_recovery() THEN ''
    ELSE ('x' || left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 8))::bit(32)::bigint::text END AS timeline,
  (SELECT system_identifier FROM pg_catalog.pg_control_system())::text AS system`

export interface Mark {
  readonly lsn: string | null
  readonly timeline: string
  readonly system: string
}

/**
 * Reads on replicas that never miss what their caller wrote before, on whichever process: each read asks the primary how far it has written
 * and is answered by the replica only if it has replayed as much. (As ReadIndex of Raft, section 6.4 of Ongaro's thesis.) Reads that come
 * while a question is on its way share the next one, so the primary is asked once for each round trip, however many read. What a process
 * remembers of a replica only keeps it from asking there.
 */
export function createReplicas({
  has,
  primary,
  log,
  metrics = NO_METRICS,
  now = () => performance.now(),
}: ReplicasOptions): Replicas {
  const reads = metrics.counter({
    name: 'gatehouse_replica_reads_total',
    help: 'Reads that could be answered by a replica, by who answered and why',
    labels: { placement: { most: 50 }, outcome: ['replica', 'behind', 'unreachable', 'resting'] },
  })
  const marks = new Map<string, () => Promise<Mark>>()
  const resting = new Map<string, number>()
  const told = new Set<string>()

  function markOf(placement: string): () => Promise<Mark> {
    const known = marks.get(placement)
    if (known !== undefined) return known
    const made = shared(async () => await askMark(primary(placement)))
    marks.set(placement, made)
    return made
  }

  function rest(placement: string, why: keyof typeof REST, error: unknown): null {
    reads({ placement, outcome: why })
    resting.set(placement, now() + REST[why])
    if (!told.has(placement))
      log.warn({ placement, why, err: error }, 'reads go to the primary: its replica cannot answer them')
    told.add(placement)
    return null
  }

  return {
    async read(placement, attempt, begun, signal) {
      if (!has(placement)) return null
      if (now() < (resting.get(placement) ?? 0)) {
        reads({ placement, outcome: 'resting' })
        return null
      }
      const mark = await markOf(placement)().catch(() => null)
      // A primary that cannot be asked says so itself, when it is asked for the rows.
      const proof = mark === null ? null : proofOf(mark)
      if (proof === null) return null
      let behind: unknown = null
      for (const wait of [0, ...PAUSES]) {
        if (wait > 0) await pause(wait)
        try {
          const answer = await attempt(proof)
          reads({ placement, outcome: 'replica' })
          if (told.delete(placement)) log.info({ placement }, 'reads go to the replica again')
          return { answer }
        } catch (error) {
          if (begun() || signal?.aborted === true) throw error
          if (error instanceof TenantBusy) return null
          if (!(error instanceof ReplicaBehind)) return rest(placement, 'unreachable', error)
          behind = error
        }
      }
      return rest(placement, 'behind', behind)
    },
  }
}

/** Throws DatabaseUnavailable. */
export async function askMark(source: Source): Promise<Mark> {
  const client = await lease(source)
  try {
    const { rows } = await client.query<Mark>(MARK)
    client.release()
    return rows[0] ?? { lsn: null, timeline: '', system: '' }
  } catch (error) {
    client.release(true)
    throw error
  }
}

/** Null: the mark says nothing. Its parts are put into a statement, so only what looks like them is. */
function proofOf({ lsn, timeline, system }: Mark): Proof | null {
  if (lsn === null || !/^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/.test(lsn) || !/^\d+$/.test(timeline) || !/^\d+$/.test(system))
    return null
  return {
    text: `SELECT pg_catalog.pg_is_in_recovery() AND pg_catalog.pg_last_wal_replay_lsn() >= '${lsn}'::pg_catalog.pg_lsn
      AND (SELECT timeline_id FROM pg_catalog.pg_control_checkpoint())::text = '${timeline}'
      AND (SELECT system_identifier FROM pg_catalog.pg_control_system())::text = '${system}' AS has_all`,
    passed: ([row]) => row !== undefined && 'has_all' in row && row.has_all === true,
  }
}

/** The same work for all who ask while none is under way yet; never work that had begun before they asked. */
export function shared<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<unknown> | null = null
  let next: Promise<T> | null = null
  const start = async (): Promise<T> => {
    const mine = work()
    running = mine
    try {
      return await mine
    } finally {
      if (running === mine) running = null
    }
  }
  const after = async (before: Promise<unknown>): Promise<T> => {
    await before.catch(() => {})
    next = null
    return await start()
  }
  // oxlint-disable-next-line typescript/promise-function-async -- who asks at once must get the very same promise
  return () => {
    if (running === null && next === null) return start()
    next ??= after(running ?? Promise.resolve())
    return next
  }
}
