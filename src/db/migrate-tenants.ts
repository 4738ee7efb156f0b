import type pg from 'pg'
import type { Log } from '#base/log.ts'
import { affordable, freeConnections } from './admin-budget.ts'
import { adminTransaction, asOperator, madeAtOnce } from './admin-connection.ts'
import type { Administration, ControlDb, MigrationFailure, MigrationProgress } from './database.ts'
import { named } from './errors.ts'
import { failureOf, isAway, rootOf, stateUnder } from './migration-failure.ts'
import {
  beginRun,
  countBehind,
  forgetFailure,
  noteFailure,
  noteRun,
  readBehind,
  readCanaries,
  setVersion,
  stillBehind,
  type Behind,
  type Selection,
} from './migration-record.ts'
import type { Migration } from './migrations.ts'
import { bringUp, keepRights, type TenantRole } from './tenant-schema.ts'
import { assertLives } from './transfer.ts'

export interface TenantMigrationOptions {
  readonly pool: (placement: string) => pg.Pool
  /** Connections of each of these pools. */
  readonly connections: number
  readonly migrations: readonly Migration[]
  /** Of TOOLS_DIR/sql; `roleOf` brings them along. */
  readonly tools: readonly Migration[]
  readonly roleOf: (schema: string) => TenantRole
  readonly log: Log
}

/** A migration gives way to tools rather than the other way round: while it waits for a lock, calls wait behind it. */
const LOCK_TIMEOUT = 2_000
/** Longer than any migration of a tenant should take; a table of many gigabytes is the exception that is asked for. */
const STATEMENT_TIMEOUT = 600_000
const ATTEMPTS = 6
const LONGEST_PAUSE = 5_000
const pauseAfter = (attempts: number): number => Math.min(LONGEST_PAUSE, 250 * 2 ** (attempts - 1))
const WORKERS = 2
/** Rows of the registry held at once. */
const PAGE = 100
/** Milliseconds between two words of a run that it is alive. */
const BEAT = 3_000

/** One table is locked, two met, or the connection broke: worth trying again. */
const passes = (error: unknown): boolean =>
  madeAtOnce(error) || isAway(error) || ['55P03', '40P01', '40001'].includes(stateUnder(error) ?? '')

/** Brings tenants up: see `migrateTenants` of Administration. */
export function createTenantMigration(options: TenantMigrationOptions): Administration['migrateTenants'] {
  const { pool, connections, migrations, tools, roleOf, log } = options
  const wanted = { tenant: migrations.length, tools: tools.length }

  const registry = async <T>(work: (db: ControlDb) => Promise<T>): Promise<T> =>
    await adminTransaction(pool('default'), {}, async (client) => await asOperator(client, work))

  return async ({
    workers = WORKERS,
    only,
    canary = 0,
    lockTimeout = LOCK_TIMEOUT,
    statementTimeout = STATEMENT_TIMEOUT,
    attempts = ATTEMPTS,
    signal,
    onProgress,
  } = {}) => {
    const selection: Selection = { wanted, only: only ?? null }
    const failed: MigrationFailure[] = []
    const used: Record<string, number> = {}
    const state = { total: 0, done: 0, stopped: null as MigrationProgress['stopped'] }
    const progress = (current: string | null, left = 0): MigrationProgress => ({
      ...state,
      current,
      failed,
      workers: used,
      left,
    })

    /** One tenant, wherever it is by now. True: it is at the version, or gone. */
    async function bring({ id, schema, placement }: Behind): Promise<void> {
      const limits = { lockTimeout, statementTimeout, attempts, retry: passes, backOff: pauseAfter }
      const note = async (db: ControlDb): Promise<void> => {
        await setVersion(db, schema, wanted)
        await forgetFailure(db, id)
      }
      await adminTransaction(pool(placement), limits, async (client) => {
        await assertLives(client, schema)
        await bringUp(client, roleOf(schema), migrations)
        // Near the end, so that its registry row is locked no longer than that; before the rights, as a fence locks both in this order.
        if (placement === 'default') await asOperator(client, note)
        // A fenced tenant is migrated too, and stays fenced. Asked at the end: it may have been suspended or resumed meanwhile.
        await keepRights(client, schema)
      })
      if (placement !== 'default') await registry(note)
    }

    /** False: it failed, and is in the list. Throws DatabaseUnavailable: so would every other. */
    async function one(tenant: Behind): Promise<boolean> {
      onProgress?.(progress(tenant.slug))
      try {
        await bring(tenant)
      } catch (error) {
        if (isAway(error)) throw named(rootOf(error))
        const now = await registry(async (db) => await stillBehind(db, tenant.id, wanted))
        // Deleted while its turn came, or moved: where it is now it has its turn again.
        if (now !== null && now.placement !== tenant.placement) return await one(now)
        if (now !== null) {
          const failure = failureOf(tenant, error)
          log.error({ err: error, schema: tenant.schema, file: failure.file }, 'migration failed')
          failed.push(failure)
          await registry(async (db) => await noteFailure(db, tenant.id, failure))
          onProgress?.(progress(tenant.slug))
          return false
        }
      }
      state.done += 1
      onProgress?.(progress(tenant.slug))
      return true
    }

    async function workThrough(placement: string): Promise<void> {
      const next = feed(
        async (after) => await registry(async (db) => await readBehind(db, selection, placement, after, PAGE)),
      )
      const tried = new Set(failed.map(({ schema }) => schema))
      const work = async (): Promise<void> => {
        for (let tenant = await next(); tenant !== null; tenant = await next()) {
          if (signal?.aborted === true) return
          if (!tried.has(tenant.schema)) await one(tenant)
        }
      }
      await settled(Array.from({ length: used[placement] ?? 1 }, work))
    }

    const counts = await registry(async (db) => await countBehind(db, selection))
    state.total = counts.reduce((sum, { tenants }) => sum + tenants, 0)
    if (state.total === 0) return progress(null)
    for (const { placement, tenants } of counts) {
      const asked = Math.min(workers, tenants)
      used[placement] = asked === 1 ? 1 : affordable(asked, connections, await freeConnections(pool(placement)))
    }
    const run = await registry(async (db) => await beginRun(db, wanted.tenant, state.total))
    const tell = async (ended: boolean): Promise<void> =>
      await registry(async (db) => await noteRun(db, run, { ...state, failed: failed.length }, ended)).catch(() => {})
    const beat = setInterval(() => void tell(false), BEAT).unref()
    try {
      for (const tenant of await registry(async (db) => await readCanaries(db, selection, canary)))
        if (state.stopped === null && !(await one(tenant))) state.stopped = 'canary'
      if (state.stopped === null) await settled(counts.map(async ({ placement }) => await workThrough(placement)))
    } finally {
      clearInterval(beat)
      await tell(true)
    }
    if (signal?.aborted === true) state.stopped ??= 'signal'
    const left = (await registry(async (db) => await countBehind(db, selection))).reduce(
      (sum, { tenants }) => sum + tenants,
      0,
    )
    return progress(null, left)
  }
}

/** One after the other for whoever asks next, read a page at a time. Within a page by chance: two runs at once share the work so. */
function feed(read: (after: string | null) => Promise<readonly Behind[]>): () => Promise<Behind | null> {
  let page: Behind[] = []
  let after: string | null = null
  let turn: Promise<Behind | null> = Promise.resolve(null)
  const take = async (): Promise<Behind | null> => {
    if (page.length === 0) {
      const rows = await read(after)
      after = rows.at(-1)?.id ?? after
      page = rows
        .map((row) => ({ row, at: Math.random() }))
        .sort((a, b) => a.at - b.at)
        .map(({ row }) => row)
    }
    return page.pop() ?? null
  }
  return async () => await (turn = turn.then(take))
}

/** All of them to their end, then the first error: what is under way is not left behind. */
async function settled(all: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(all)) if (result.status === 'rejected') throw result.reason
}
