import type pg from 'pg'
import { createFairQueue, type FairQueue } from '#base/fair-queue.ts'
import { NO_METRICS, type Metrics } from '#base/metrics.ts'
import {
  DatabaseUnavailable,
  TenantFenced,
  type LastWord,
  type TenantDb,
  type TenantOptions,
  type TenantPlace,
} from './database.ts'
import type { Nodes } from './citus.ts'
import { sqlState } from './errors.ts'
import { watchQueue } from './metrics.ts'
import { assertSchema } from './names.ts'
import { extended, lease, type Source } from './pool.ts'
import type { Proof, Replicas } from './replicas.ts'
import { replicaOf } from './servers.ts'
import type { Sql } from './sql.ts'
import { createStatementCheck } from './statement.ts'
import { createStrain, type Strain } from './strain.ts'
import { isLoginRefused, LOGIN_POOL_MAX, type TenantLogins } from './tenant-logins.ts'
import { transaction } from './transaction.ts'
import { TURNS } from './turns.ts'

export interface TenantDoorOptions {
  /** The shared pool of the server that holds tenants of this placement, or of its replica. */
  readonly pool: (server: string) => pg.Pool
  /** D16: connections of the tenants' own; null when tenants do not log in. */
  readonly logins: TenantLogins | null
  /** Where tenants live on a Citus cluster; absent: on the server of their placement. */
  readonly nodes?: Nodes | null
  /** Absent: every call goes to the primary. */
  readonly replicas?: Replicas
  readonly poolMax: number
  readonly pipeline: boolean
  readonly metrics?: Metrics
}

export type TenantDoor = {
  readonly enter: <T>(
    place: TenantPlace,
    options: TenantOptions,
    run: (db: TenantDb, last: LastWord) => Promise<T>,
  ) => Promise<T>
  readonly close: () => Promise<void>
}

const TIMEOUT = 15_000

/** The way into tenants' schemas: one transaction per call, under the tenant's role (DESIGN section 8). */
export function createTenantDoor(options: TenantDoorOptions): TenantDoor {
  const { pool, logins, nodes = null, replicas, poolMax, pipeline, metrics = NO_METRICS } = options
  const check = createStatementCheck()
  // One per server. Of a pool with several connections one stays for the registry; a tenant's own pool (D16) it shares with nobody.
  const places = logins === null ? (poolMax > 3 ? poolMax - 1 : poolMax) : logins.budget
  const most = Math.max(1, logins === null ? Math.floor(poolMax / 2) : LOGIN_POOL_MAX)
  const servers = new Map<string, Server>()
  const sum = (count: (queue: FairQueue) => number): number =>
    [...servers.values()].reduce((all, { queue }) => all + count(queue), 0)
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

  const sourceOf = async (server: string, schema: string, signal?: AbortSignal): Promise<Leased> =>
    logins === null ? { source: pool(server), leave: () => {} } : await logins.enter(server, schema, signal)

  function serverOf(name: string): Server {
    const known = servers.get(name)
    if (known !== undefined) return known
    const strain = createStrain()
    const queue = createFairQueue({
      ...TURNS,
      places: () => places,
      most: () => most,
      part: (usual) => strain.part(usual),
    })
    servers.set(name, { queue, strain })
    return { queue, strain }
  }

  return {
    async enter(place, options, run) {
      assertSchema(place.schema)
      const wanted = { ...options, timeout: options.timeout ?? TIMEOUT }
      // A snapshot is taken before anything can be asked in it.
      if (replicas !== undefined && options.access === 'read' && options.snapshot !== true) {
        let begun = false
        const begin: typeof run = async (db, last) => {
          begun = true
          return await run(db, last)
        }
        const read = await replicas.read(
          place.placement,
          async (proof) => await turn(replicaOf(place.placement), place, { ...wanted, proof }, begin),
          () => begun,
          options.signal,
        )
        if (read !== null) return read.answer
      }
      if (nodes === null) return await turn(place.placement, place, wanted, run)
      try {
        return await turn(await nodes.locate(place), place, wanted, run)
      } catch (error) {
        // Read again as after a fence: the wrong node answers with errors of its own, if it answers (D18).
        if (
          (error instanceof DatabaseUnavailable || MAY_BE_FENCED.has(sqlState(error) ?? '')) &&
          (await nodes.moved(place).catch(() => false))
        )
          throw new TenantFenced(`${place.schema} was moved to another node`, { cause: error })
        throw error
      }
    },
    async close() {
      await logins?.close()
    },
  }

  /** A turn of the tenant's on this server, and a call on one of its connections. */
  async function turn<T>(
    server: string,
    place: TenantPlace,
    wanted: Wanted,
    run: (db: TenantDb, last: LastWord) => Promise<T>,
  ): Promise<T> {
    const began = performance.now()
    const { queue, strain } = serverOf(server)
    const admitted = queue.enter(place.schema, { signal: wanted.signal })
    const leave = await Promise.resolve(admitted).finally(() => waited({}, (performance.now() - began) / 1000))
    // A call is answered before its connection is back: its place is given back with the connection, and not sooner.
    let ended: Promise<void> | null = null
    const whenEnded = (then: () => void): void => void (ended === null ? then() : ended.then(then))
    try {
      const own = await sourceOf(server, place.schema, wanted.signal)
      const more = {
        onBegun: (ms: number) => strain.begun(ms),
        onEnded: (end: Promise<void>) => void (ended = end),
        rests: () => queue.slow(place.schema),
      }
      try {
        return await call(own.source, place, { ...wanted, ...more }, run)
      } finally {
        whenEnded(own.leave)
      }
    } finally {
      whenEnded(leave)
    }
  }

  async function call<T>(
    source: Source,
    place: TenantPlace,
    options: Wanted,
    run: (db: TenantDb, last: LastWord) => Promise<T>,
  ): Promise<T> {
    const words = prelude(place.schema, options, logins === null)
    // What Postgres denied, if anything; null: not a statement that could be tried again, but the prelude, the login, or the session itself.
    const denied: (Sql | null)[] = []
    try {
      return await transaction(
        source,
        {
          prelude: words,
          check,
          timeout: options.timeout,
          signal: options.signal,
          pipeline,
          proof: options.proof,
          onBegun: options.onBegun,
          rests: options.rests,
          readOnly: options.access === 'read',
          onEnded: options.onEnded,
          onError: (error, statement) => {
            if (isEnded(error)) denied.push(null)
            else if (MAY_BE_FENCED.has(sqlState(error) ?? '')) denied.push(statement)
          },
        },
        async (db, last) => await run({ access: options.access, query: db.query.bind(db) }, last),
      )
    } catch (error) {
      if (isLoginRefused(error)) denied.push(null)
      const [first] = denied
      if (first === undefined) throw error
      if (
        (await isFenced(pool(place.placement), place.schema)) ||
        (first !== null && (await isAllowed(source, words, first)))
      ) {
        throw new TenantFenced(`${place.schema} has no rights at present`, { cause: error })
      }
      throw error
    }
  }
}

interface Wanted extends TenantOptions {
  readonly timeout: number
  readonly proof?: Proof
  readonly onBegun?: (milliseconds: number) => void
  readonly onEnded?: (ended: Promise<void>) => void
  readonly rests?: () => boolean
}

/** What is shared on one server, and how it fares. */
interface Server {
  readonly queue: FairQueue
  readonly strain: Strain
}

interface Leased {
  readonly source: Source
  readonly leave: () => void
}

function prelude(schema: string, { access, snapshot = false, timeout, proof }: Wanted, setRole: boolean): string {
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
    ...(proof === undefined ? [] : [proof.text]),
  ].join('; ')
}

/** 42501: no rights on a table, or to take the role. 22023: no such role. 42P01, 3F000: the schema is gone. */
const MAY_BE_FENCED = new Set(['42501', '22023', '42P01', '3F000'])

/** 57P01: with D16 a fence ends the tenant's sessions too; so does a server that is restarted. */
const isEnded = (error: unknown): boolean => error instanceof DatabaseUnavailable && sqlState(error.cause) === '57P01'

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
async function isAllowed(pool: Source, words: string, { text, values }: Sql): Promise<boolean> {
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
