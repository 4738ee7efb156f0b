import type pg from 'pg'
import { adminTransaction, madeAtOnce } from './admin-connection.ts'
import { DatabaseUnavailable } from './database.ts'
import { LEDGERS, type Migration } from './migrations.ts'
import { ROLE } from './names.ts'
import { readMark, writeMark, type SchemaMark } from './schema-mark.ts'
import { bringChanges, isInReach, type TableChanges } from './table-changes.ts'
import { copySequences, copyTables, withOwner, withSnapshot } from './table-copy.ts'
import { difference, type Closeness } from './table-digest.ts'
import {
  createTenantSchema,
  dropTenantSchema,
  openTenant,
  hasRights,
  revokeRights,
  shutTenant,
  type TenantRole,
} from './tenant-schema.ts'
import { TransferFailed } from './transfer-failed.ts'
import { assertAlike, versionOf } from './transfer-likeness.ts'
import { shutting } from './transfer-stop.ts'

export interface TransferOptions {
  /** The admin's, four connections or more each, for this alone. */
  readonly source: pg.Pool
  readonly target: pg.Pool
  readonly role: TenantRole
  /** Id of the move and of this process: what the copy is marked with. */
  readonly move: string
  readonly holder: string
  readonly migrations: readonly Migration[]
  /** Makes the server one that tenants can live on (bootstrap.ts). */
  readonly settle: (client: pg.PoolClient) => Promise<void>
}

interface StopOptions {
  readonly horizon: string
  readonly closeness: Closeness
  /** Milliseconds that open writes are given to end, and that writes may then be held up. */
  readonly patience: number
  readonly limit: number
  /** Called when writers wait and all is equal, before the source is shut for good. Throws: nothing changes. */
  readonly beforeShut: () => Promise<void>
}

interface Round {
  readonly horizon: string
  readonly changes: Readonly<Record<string, TableChanges>>
}

/** The steps by which a tenant's schema comes from one server to another. Each can be taken again after a crash. */
export interface Transfer {
  /** An empty schema on the target, of the source's version, in which the tenant has no rights. A half-made copy of this move is dropped. */
  prepare(): Promise<void>
  /**
   * Makes an existing copy this process's own; the tenant has no rights in it afterwards.
   * @param left an earlier move: what the tenant left on the target by it is as good as a copy
   */
  take(left?: string | null): Promise<void>
  /** Copies everything while the tenant works. */
  copy(
    onTable?: (name: string, rows: number) => void,
  ): Promise<{ horizon: string; counts: Readonly<Record<string, number>> }>
  /** Brings over what was written since. @param closeness what is compared afterwards */
  round(horizon: string, closeness: Closeness): Promise<Round>
  /**
   * Holds up writers, brings over the last changes, compares, and takes the tenant's rights on the source. Reads are served until the end. On
   * the target it has none before `land`. busy, differs: the source was not shut and goes on.
   */
  stop(options: StopOptions): Promise<Round & { readonly held: number }>
  /** Was the source shut by this move? */
  isShut(): Promise<boolean>
  /**
   * To be asked after the source was shut and before anybody writes to the target: from where on changes at the target are to be looked
   * for. Gives the tenant its rights there, or (false) takes them.
   */
  land(atWork: boolean): Promise<string>
  /** The source is the tenant's again, the copy is not. @param atWork false: suspended, it stays without rights */
  reopen(atWork: boolean): Promise<void>
  /** The tenant lives on the target: its schema is no copy any more. */
  settled(): Promise<void>
  /** Drops the copy on the target; there may be none. A schema that is not marked as a copy of this move stays. */
  dropCopy(): Promise<void>
  /** Drops what the tenant left on the source; it may be gone. Never a schema that is not marked as left by this move. */
  dropLeft(): Promise<void>
  close(): Promise<void>
}

export function createTransfer(options: TransferOptions): Transfer {
  const { source, target, role, move, holder, migrations } = options
  const { schema } = role
  const own = (what: SchemaMark['what']): SchemaMark => ({ what, move, holder })

  /** A transaction on the target while the copy is this process's: one that was left for dead cannot write any more. */
  async function onCopy<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    return await withOwner(target, async (client) => {
      const mark = await readMark(client, schema)
      if (mark?.what !== 'copy' || mark.move !== move || mark.holder !== holder)
        throw new TransferFailed('lost', `the copy of ${schema} is not this process's any more`)
      return await work(client)
    })
  }

  async function catchUp(horizon: string, closeness: Closeness): Promise<Round> {
    return await withSnapshot(source, schema, async (snapshot) => {
      if (!isInReach(horizon, snapshot.horizon))
        throw new TransferFailed('differs', 'so many transactions have passed that changes cannot be told any more')
      return await onCopy(async (client) => {
        await assertAlike(snapshot, client)
        const tables = snapshot.tables.filter(({ name }) => !LEDGERS.includes(name))
        const changes = await bringChanges(snapshot, client, tables, horizon)
        await copySequences(snapshot, client)
        for (const table of tables) {
          const found = await difference(snapshot.client, client, schema, table, closeness)
          if (found !== null) throw new TransferFailed('differs', found)
        }
        return { horizon: snapshot.horizon, changes }
      })
    })
  }

  /**
   * From here on no process writes to it as to a copy. Still without rights: the source may yet stay open, and a process whose word of where
   * the tenant lives is of an earlier time would write here what is then thrown away.
   */
  async function arrive(): Promise<void> {
    await onCopy(async (client) => await writeMark(client, schema, own('arrived')))
  }

  async function take(left: string | null = null): Promise<void> {
    await withOwner(target, async (client) => {
      const mark = await readMark(client, schema)
      if (mark === undefined) throw new TransferFailed('differs', `the target has no schema ${schema} any more`)
      if (mark === null || !(mark.move === move || (mark.what === 'left' && mark.move === left)))
        throw new TransferFailed('lost', `the schema ${schema} on the target is no copy of this move`)
      await revokeRights(client, schema)
      await client.query(`SET LOCAL ROLE ${ROLE.owner}`)
      await writeMark(client, schema, own('copy'))
    })
  }

  return {
    take,
    async prepare() {
      await adminTransaction(target, { retry: madeAtOnce }, options.settle)
      const version = await versionOf(source, schema, migrations)
      await adminTransaction(target, { lockTimeout: LOCK_PATIENCE }, async (client) => {
        const mark = await asOwnerReads(client, schema)
        if (mark === null || (mark !== undefined && mark.move !== move))
          throw new TransferFailed('refused', `the target has a schema ${schema} that is not a copy of this move`)
        if (mark !== undefined) await dropTenantSchema(client, role)
        await createTenantSchema(client, role, migrations.slice(0, version))
        await shutTenant(client, role)
        await markAsAdmin(client, schema, own('copy'))
      })
      await withSnapshot(source, schema, async (snapshot) => {
        await onCopy(async (client) => await assertAlike(snapshot, client))
      })
    },
    async copy(onTable) {
      return await withSnapshot(source, schema, async (snapshot) => {
        const counts = await onCopy(async (client) => {
          await assertAlike(snapshot, client)
          const done = await copyTables(snapshot, client, {
            except: LEDGERS,
            ...(onTable === undefined ? {} : { onTable }),
          })
          await copySequences(snapshot, client)
          return done
        })
        return { horizon: snapshot.horizon, counts }
      })
    },
    round: catchUp,
    async stop({ horizon, closeness, patience, limit, beforeShut }) {
      let began = 0
      const done = await shutting(source, schema, { patience, limit }, async (steps) => {
        began = Date.now()
        const round = await catchUp(horizon, closeness)
        steps.still()
        await beforeShut()
        steps.still()
        await arrive()
        await steps.shut(own('left'))
        return round
      })
      return { ...done, held: Date.now() - began }
    },
    async isShut() {
      return await withOwner(source, async (client) => {
        const mark = await readMark(client, schema)
        return mark?.what === 'left' && mark.move === move
      })
    },
    async land(atWork) {
      return await adminTransaction(target, {}, async (client) => {
        const mark = await asOwnerReads(client, schema)
        if (mark !== null && mark?.move !== move)
          throw new TransferFailed('lost', `the schema ${schema} on the target is no copy of this move`)
        await (atWork ? openTenant : shutTenant)(client, role)
        const { rows } = await client.query<{ now: string }>(
          'SELECT pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())::text AS now',
        )
        return rows[0]?.now ?? '0'
      })
    },
    async reopen(atWork) {
      await adminTransaction(target, {}, async (client) => {
        const mark = await asOwnerReads(client, schema)
        if (mark?.move === move) await shutTenant(client, role)
      }).catch((error: unknown) => {
        // A target that is gone must not keep the tenant from its source, to which alone the registry leads.
        if (!(error instanceof DatabaseUnavailable)) throw error
      })
      await adminTransaction(source, {}, async (client) => {
        const mark = await asOwnerReads(client, schema)
        if (mark?.what !== 'left' || mark.move !== move) return
        if (atWork) await openTenant(client, role)
        await markAsAdmin(client, schema, null)
      })
    },
    async settled() {
      await adminTransaction(target, {}, async (client) => {
        const mark = await asOwnerReads(client, schema)
        if (mark?.move === move) await markAsAdmin(client, schema, null)
      })
    },
    async dropCopy() {
      const mine = await withOwner(target, async (client) => (await readMark(client, schema))?.move === move)
      if (mine) await drop(target, ['copy', 'arrived'])
    },
    async dropLeft() {
      await drop(source, ['left'])
    },
    async close() {
      await Promise.allSettled([source.end(), target.end()])
    },
  }

  async function drop(pool: pg.Pool, which: readonly SchemaMark['what'][]): Promise<void> {
    await adminTransaction(pool, { lockTimeout: LOCK_PATIENCE }, async (client) => {
      const mark = await asOwnerReads(client, schema)
      if (mark === undefined) return
      if (mark === null || mark.move !== move || !which.includes(mark.what) || (await hasRights(client, schema)))
        throw new TransferFailed('refused', `the schema ${schema} there is the tenant's own, or another move's`)
      await dropTenantSchema(client, role)
    })
  }
}

/** Milliseconds for which whoever is writing to a copy is waited for. */
const LOCK_PATIENCE = 30_000

/** The same in the admin's transaction, which is the admin's again afterwards. */
async function asOwnerReads(client: pg.PoolClient, schema: string): Promise<SchemaMark | null | undefined> {
  await client.query(`SET LOCAL ROLE ${ROLE.owner}`)
  const mark = await readMark(client, schema)
  await client.query('SET LOCAL ROLE NONE')
  return mark
}

async function markAsAdmin(client: pg.PoolClient, schema: string, mark: SchemaMark | null): Promise<void> {
  await client.query(`SET LOCAL ROLE ${ROLE.owner}`)
  await writeMark(client, schema, mark)
  await client.query('SET LOCAL ROLE NONE')
}

/** For whoever changes the schema as the admin. Throws when the tenant has left it, or is only about to come: then it must not change. */
export async function assertLives(client: pg.PoolClient, schema: string): Promise<void> {
  const mark = await asOwnerReads(client, schema)
  if (mark?.what === 'left' || mark?.what === 'copy')
    throw new Error(`${schema} is being moved: go on with that (tenant move), then migrate`)
}
