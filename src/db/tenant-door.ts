import { LRUCache } from 'lru-cache'
import type pg from 'pg'
import { deriveKey } from '#base/derive.ts'
import { createFairQueue, type FairQueue } from '#base/fair-queue.ts'
import { NO_METRICS, type Metrics } from '#base/metrics.ts'
import {
  DatabaseUnavailable,
  TenantBusy,
  TenantFenced,
  type TenantDb,
  type TenantOptions,
  type TenantPlace,
} from './database.ts'
import { sqlState } from './errors.ts'
import { assertSchema } from './names.ts'
import { watchQueue } from './metrics.ts'
import { createPool, extended, lease } from './pool.ts'
import type { Sql } from './sql.ts'
import { createStatementCheck } from './statement.ts'
import { transaction } from './transaction.ts'

export interface TenantDoorOptions {
  /** The shared pool of the server that holds tenants of this placement. */
  readonly pool: (placement: string) => pg.Pool
  /** D16: the URL whose user and password are replaced by the tenant's own; null when tenants do not log in. */
  readonly login: { readonly url: (placement: string) => string; readonly secret: string } | null
  readonly poolMax: number
  readonly poolMaxLifetime: number
  readonly pipeline: boolean
  readonly metrics?: Metrics
}

export type TenantDoor = {
  readonly enter: <T>(place: TenantPlace, options: TenantOptions, run: (db: TenantDb) => Promise<T>) => Promise<T>
  readonly close: () => Promise<void>
}

const TIMEOUT = 15_000
/** How long a call waits for its turn among its tenant's, in milliseconds, and how many may wait. */
const PATIENCE = 5_000
const MOST_WAITING = 200
/** Milliseconds: a tenant whose transactions usually last longer has half its share of connections while others are about. */
const SLOW = 200
const BUSY = {
  late: 'no connection came free for this tenant in time',
  full: 'too many calls of this tenant are waiting',
}
/** Tenants with connections of their own at one time (D16), and connections of each. */
const LOGIN_POOLS = 50
const LOGIN_POOL_MAX = 2
/** Connections that tenants' own logins may come to hold, of one process (D16). */
export const LOGIN_CONNECTIONS = LOGIN_POOLS * LOGIN_POOL_MAX

/** The password of a tenant's own login role (D16). Nobody ever types it. */
export const tenantPassword = (secret: string, schema: string): string =>
  deriveKey(secret, 'tenant-login-password', schema).toString('base64url')

/** The way into tenants' schemas: one transaction per call, under the tenant's role (DESIGN section 8). */
export function createTenantDoor(options: TenantDoorOptions): TenantDoor {
  const { pool, login, poolMax, poolMaxLifetime, pipeline, metrics = NO_METRICS } = options
  const check = createStatementCheck()
  // One per server. Of a pool with several connections one stays for the registry; a tenant's own pool (D16) it shares with nobody.
  const places = login === null ? (poolMax > 3 ? poolMax - 1 : poolMax) : LOGIN_POOLS * LOGIN_POOL_MAX
  const most = Math.max(1, login === null ? Math.floor(poolMax / 2) : LOGIN_POOL_MAX)
  const queues = new Map<string, FairQueue>()
  const sum = (count: (queue: FairQueue) => number): number =>
    [...queues.values()].reduce((all, queue) => all + count(queue), 0)
  watchQueue(metrics, {
    get waiting() {
      return sum((queue) => queue.count().waiting)
    },
    get refused() {
      return sum((queue) => queue.refused)
    },
  })
  const waited = metrics.histogram({
    name: 'gatehouse_tenant_queue_wait_seconds',
    help: "What calls waited for their turn among their tenant's",
    labels: {},
  })
  const own = new LRUCache<string, pg.Pool>({ max: LOGIN_POOLS, dispose: (unused) => void unused.end() })

  function poolOf({ schema, placement }: TenantPlace): pg.Pool {
    if (login === null) return pool(placement)
    const key = `${placement} ${schema}`
    const found = own.get(key)
    if (found !== undefined) return found
    const password = tenantPassword(login.secret, schema)
    const limits = { max: LOGIN_POOL_MAX, maxLifetime: poolMaxLifetime }
    const made = createPool({ url: login.url(placement), user: schema, password }, limits, pipeline)
    own.set(key, made)
    return made
  }

  function queueOf(placement: string): FairQueue {
    const known = queues.get(placement)
    if (known !== undefined) return known
    const made = createFairQueue({
      places: () => places,
      most: () => most,
      patience: PATIENCE,
      maxWaiting: MOST_WAITING,
      charge: 'time',
      slow: SLOW,
      refuse: (why) => new TenantBusy(BUSY[why]),
    })
    queues.set(placement, made)
    return made
  }

  return {
    async enter(place, options, run) {
      assertSchema(place.schema)
      const timeout = options.timeout ?? TIMEOUT
      const began = performance.now()
      const turn = queueOf(place.placement).enter(place.schema, { signal: options.signal })
      const leave = await Promise.resolve(turn).finally(() => waited({}, (performance.now() - began) / 1000))
      const words = prelude(place.schema, options, timeout, login === null)
      // What Postgres denied, if anything; null is the prelude.
      const denied: (Sql | null)[] = []
      try {
        return await transaction(
          poolOf(place),
          {
            prelude: words,
            check,
            timeout,
            signal: options.signal,
            pipeline,
            onError: (error, statement) => {
              if (MAY_BE_FENCED.has(sqlState(error) ?? '') || isLoginRefused(error)) denied.push(statement)
            },
          },
          async (db) => await run({ access: options.access, query: db.query.bind(db) }),
        )
      } catch (error) {
        const [first] = denied
        if (first === undefined) throw error
        if (
          (await isFenced(pool(place.placement), place.schema)) ||
          (first !== null && (await isAllowed(poolOf(place), words, first)))
        ) {
          throw new TenantFenced(`${place.schema} has no rights at present`, { cause: error })
        }
        throw error
      } finally {
        leave()
      }
    },
    async close() {
      const pools = [...own.values()]
      own.clear()
      await Promise.allSettled(pools.map(async (each) => await each.end()))
    },
  }
}

function prelude(
  schema: string,
  { access, snapshot = false }: TenantOptions,
  timeout: number,
  setRole: boolean,
): string {
  const milliseconds = Math.ceil(timeout)
  return [
    `BEGIN${snapshot ? ' ISOLATION LEVEL REPEATABLE READ' : ''} READ ${access === 'read' ? 'ONLY' : 'WRITE'}`,
    ...(setRole ? [`SET LOCAL ROLE ${schema}`] : []),
    // pg_temp last: a temporary table must never stand before a tenant's own.
    `SET LOCAL search_path = ${schema}, ext, pg_temp`,
    // As statement.ts reads string constants; a server may still have it off.
    'SET LOCAL standard_conforming_strings = on',
    // Waiting for a lock counts too.
    `SET LOCAL statement_timeout = ${milliseconds}`,
    // Only a second line: our own clock ends the call first.
    `SET LOCAL idle_in_transaction_session_timeout = ${milliseconds + 1_000}`,
  ].join('; ')
}

/** 42501: no rights on a table, or to take the role. 22023: no such role. 42P01, 3F000: the schema is gone. */
const MAY_BE_FENCED = new Set(['42501', '22023', '42P01', '3F000'])

const isLoginRefused = (error: unknown): boolean =>
  error instanceof DatabaseUnavailable && (sqlState(error.cause) ?? '').startsWith('28')

/**
 * A tool that reaches for what is not its own gets 42501 as well: only a role without rights on its own schema is fenced (D18).
 * When that cannot be found out, the first error stands.
 */
async function isFenced(pool: pg.Pool, schema: string): Promise<boolean> {
  const text = `SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname = 'schema_migrations' AND pg_catalog.has_table_privilege($1::name, c.oid, 'SELECT')`
  const known = `SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1`
  try {
    if ((await pool.query({ text: known, values: [schema] })).rowCount === 0) return true
    return (await pool.query({ text, values: [schema] })).rowCount === 0
  } catch {
    return false
  }
}

/**
 * May the statement be said now? Then it was denied by a fence that is gone again: the tenant was resumed in the same instant. EXPLAIN
 * looks at every right and runs nothing. When it cannot be found out, the first error stands.
 */
async function isAllowed(pool: pg.Pool, words: string, { text, values }: Sql): Promise<boolean> {
  const client = await lease(pool).catch(() => null)
  if (client === null) return false
  try {
    await client.query(words)
    await client.query(extended(`EXPLAIN ${text}`, values))
    return true
  } catch {
    return false
  } finally {
    await client.query('ROLLBACK').then(
      () => client.release(),
      () => client.release(true),
    )
  }
}
