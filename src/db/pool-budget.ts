import pg from 'pg'
import { DatabaseUnavailable } from './database.ts'

/** Connections that the pools of several servers may have together. */
export interface PoolBudget {
  /** The pool, whose `connect()` keeps to the budget from now on, and whose `waitingCount` tells of those who wait for that, too. */
  join(pool: pg.Pool): pg.Pool
}

/** pg's older way to be told. */
type Callback = (
  error: Error | undefined,
  client: pg.PoolClient | undefined,
  // oxlint-disable-next-line typescript/no-explicit-any -- as pg declares it
  done: (release?: any) => void,
) => void

/** Who waits in the pool itself: the getter of pg's class. */
const queued = (pool: pg.Pool): number => Reflect.get(pg.Pool.prototype, 'waitingCount', pool)

/** Idle ones that nobody has asked for: one is handed over only a moment after it was asked for. */
const unpromised = (pool: pg.Pool): number => pool.idleCount - queued(pool)

/** How long a caller waits for its turn, in milliseconds: then the database counts as unreachable. */
const PATIENCE = 5_000

/**
 * A ceiling over pools that each have their own: no more than `total` connections are open, so that ten servers do not mean ten times the
 * connections. Who needs one when all are open gets that of a pool that has one to spare, which is closed; when all are in use, it waits its
 * turn, first come first served. `pool.query` is not counted: a rare question of ours.
 */
export function createPoolBudget(total: number, patience = PATIENCE): PoolBudget {
  const pools = new Map<pg.Pool, () => Promise<pg.PoolClient>>()
  const waiting: (() => void)[] = []
  const waitingFor = new Map<pg.Pool, number>()
  let leased = 0
  // One at a time decides who has to give one back, or two would count on the same.
  let turn: Promise<unknown> = Promise.resolve()

  async function enter(): Promise<void> {
    if (leased < total) {
      leased += 1
      return
    }
    await new Promise<void>((admit, refuse) => {
      const late = setTimeout(() => {
        waiting.splice(waiting.indexOf(admitted), 1)
        refuse(new DatabaseUnavailable('no connection came free in time (DATABASE_POOL_TOTAL)'))
      }, patience)
      const admitted = (): void => {
        clearTimeout(late)
        admit()
      }
      waiting.push(admitted)
    })
  }

  function leave(): void {
    const next = waiting.shift()
    if (next === undefined) leased -= 1
    else next()
  }

  async function makeRoom(pool: pg.Pool): Promise<void> {
    const open = [...pools.keys()].reduce((sum, each) => sum + each.totalCount, 0)
    if (unpromised(pool) > 0 || open < total) return
    const [most] = [...pools].toSorted(([a], [b]) => unpromised(b) - unpromised(a))
    // Asked of a pool without one to spare, it would open one more.
    if (most === undefined || unpromised(most[0]) <= 0) return
    const spare = await most[1]()
    spare.release(true)
  }

  const count = (pool: pg.Pool, change: number): void => void waitingFor.set(pool, (waitingFor.get(pool) ?? 0) + change)

  async function connect(pool: pg.Pool, own: () => Promise<pg.PoolClient>): Promise<pg.PoolClient> {
    count(pool, 1)
    await enter().finally(() => count(pool, -1))
    try {
      const begun = turn.then(async () => {
        await makeRoom(pool).catch(() => {})
        // Wrapped, so that the turn ends when it has begun to connect and not when it has a connection.
        return { client: own() }
      })
      turn = begun.catch(() => {})
      const client = await (await begun).client
      const release = client.release.bind(client)
      client.release = (error) => {
        leave()
        release(error)
      }
      return client
    } catch (error) {
      leave()
      throw error
    }
  }

  return {
    join(pool) {
      const own = pool.connect.bind(pool)
      pools.set(pool, async () => await own())
      // Without this the metrics would not show who waits here.
      Object.defineProperty(pool, 'waitingCount', { get: () => queued(pool) + (waitingFor.get(pool) ?? 0) })
      function budgeted(): Promise<pg.PoolClient>
      function budgeted(callback: Callback): void
      // oxlint-disable-next-line typescript/promise-function-async -- with a callback there is no promise
      function budgeted(callback?: Callback): Promise<pg.PoolClient> | void {
        return callback === undefined ? connect(pool, async () => await own()) : own(callback)
      }
      return Object.assign(pool, { connect: budgeted })
    },
  }
}
