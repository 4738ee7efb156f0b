import { setTimeout as pause } from 'node:timers/promises'
import { uuidv7 } from '#base/id.ts'
import type { ControlDb } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { TransferFailed } from '#db/transfer-failed.ts'
import type { Transfer } from '#db/transfer.ts'
import { authorOf, createLedger, needOperator, type LedgerOptions } from './ledger.ts'
import { createHold, LEASE, takeHold, type Hold } from './move-hold.ts'
import { isOpen, readMove, toMoveRecord, type MoveRecord, type MoveRow } from './move-record.ts'
import { runMove, type MoveOptions } from './move-run.ts'
import { RegistryError } from './registry-error.ts'
import type { Actor } from './registry.ts'
import { tenantNote } from './tenant-record.ts'
import type { Tenant } from './tenant.ts'

export interface Moves {
  /**
   * Brings a tenant to another Postgres server while it works; writes are held up for a moment at the end. Operators only. A move that was
   * left in the middle goes on. Answers when the tenant lives on the target; what it left is kept until `confirm`.
   * invalid: no such placement, or it is there. conflict: it is being moved elsewhere or by another process, was moved and not confirmed, is
   * to be deleted, or the move cannot be done; the words say why. Called again it goes on.
   */
  move(tenant: Tenant, actor: Actor, to: string, options?: MoveOptions): Promise<MoveRecord>
  /** After a move: brings the tenant back, with everything written since. Operators only. conflict: there is nothing to go back to. */
  back(tenant: Tenant, actor: Actor, options?: MoveOptions): Promise<MoveRecord>
  /** Before it is switched: ends a move, drops the copy; the tenant stays. Operators only. conflict: nothing to cancel. */
  cancel(tenant: Tenant, actor: Actor): Promise<MoveRecord>
  /** After a move: drops what the tenant left, for good. Operators only. conflict: nothing to confirm. */
  confirm(tenant: Tenant, actor: Actor): Promise<MoveRecord>
  /** The latest; null: never moved. Operators only. */
  show(tenant: Tenant, actor: Actor): Promise<MoveRecord | null>
}

export interface MovesOptions extends LedgerOptions {
  /** Milliseconds; default 15 000. */
  readonly lease?: number
}

export function createMoves(options: MovesOptions): Moves {
  const { database, lease = LEASE } = options
  const ledger = createLedger(options)
  const { admin } = database

  const latest = async (tenant: Tenant, id: string | null = null): Promise<MoveRow> => {
    const row = await database.control({ as: 'operator' }, async (db) => await readMove(db, tenant.id, id))
    if (row === null) throw new RegistryError('conflict', `${tenant.slug} was never moved`)
    return row
  }

  /** A move that is open becomes this process's own; another that works on it is waited for, should it be dead. */
  async function hold(tenant: Tenant, { id }: MoveRow): Promise<Hold> {
    const holder = uuidv7()
    for (const deadline = Date.now() + lease * 1.5; ;) {
      const taken = await database.control({ as: 'operator' }, async (db) => await takeHold(db, id, holder, lease))
      if (taken) return createHold(database, id, holder, lease)
      if (Date.now() > deadline)
        throw new RegistryError('conflict', `another process is moving ${tenant.slug}: wait for it, or end it`)
      await pause(Math.min(500, lease / 10))
    }
  }

  /** Works on a move as its only holder, and lets go whatever comes. */
  async function holding(
    tenant: Tenant,
    move: MoveRow,
    work: (hold: Hold, transfer: Transfer, row: MoveRow) => Promise<void>,
  ): Promise<MoveRecord> {
    const held = await hold(tenant, move)
    const { schema } = tenant
    const place = { schema, from: move.source, to: move.target, move: move.id, holder: held.holder }
    const transfer = admin.transfer(place)
    let problem: string | null = null
    try {
      await work(held, transfer, await latest(tenant, move.id))
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error)
      throw error instanceof TransferFailed ? new RegistryError('conflict', error.message) : error
    } finally {
      await transfer.close()
      await held.end(problem)
    }
    return toMoveRecord(await latest(tenant, move.id))
  }

  async function run(tenant: Tenant, actor: Actor, move: MoveRow, how: MoveOptions): Promise<MoveRecord> {
    const author = authorOf(actor)
    return await holding(tenant, move, async (hold, transfer, { state, horizon, source, target }) => {
      // While this one waited for its turn, another went on with it to the end, or ended it.
      if (state === 'switched' || state === 'confirmed') return
      if (!isOpen(state)) throw new RegistryError('conflict', `the move of ${tenant.slug} is ${state} by now`)
      const returns = await database.control({ as: 'operator' }, async (db) => await returned(db, tenant, target))
      const running = { ledger, author, tenant, from: source, to: target, hold, transfer, returns }
      await runMove({ ...running, options: how }, state, horizon)
    })
  }

  return {
    async move(tenant, actor, to, how = {}) {
      needOperator(actor)
      if (database.kind === 'embedded')
        throw new RegistryError('conflict', 'tenants of the embedded database cannot be moved: export and import them')
      if (!admin.placements.includes(to))
        throw new RegistryError(
          'invalid',
          `there is no placement ${to}: DATABASE_URL_${to.toUpperCase()} is not set`,
          'to',
        )
      const move = await ledger.write({ as: 'operator' }, tenant.id, authorOf(actor), async (db) => {
        const row = await lockTenant(db, tenant)
        assertStays(tenant, row)
        const open = await readMove(db, tenant.id)
        if (open !== null && isOpen(open.state)) {
          if (open.state === 'switched')
            throw new RegistryError(
              'conflict',
              `${tenant.slug} was moved to ${open.target}: confirm that move, or take it back`,
            )
          if (open.target !== to)
            throw new RegistryError(
              'conflict',
              `${tenant.slug} is being moved to ${open.target}: go on, or cancel that`,
            )
          return [open, null]
        }
        if (row.placement === to) throw new RegistryError('invalid', `${tenant.slug} is on ${to}`, 'to')
        const id = uuidv7()
        await db.query(sql`
          INSERT INTO moves (id, tenant_id, source, target, state, holder, held_until)
          VALUES (${id}, ${tenant.id}, ${row.placement}, ${to}, 'copying', ${id}, now())`)
        const note = tenantNote(tenant, 'tenant.move_begun', { from: row.placement, to })
        const made = await readMove(db, tenant.id, id)
        if (made === null) throw new Error('a row that was just written is not there')
        return [made, { ...note, changes: [] }]
      })
      return await run(tenant, actor, move, how)
    },
    async back(tenant, actor, how = {}) {
      needOperator(actor)
      const move = await ledger.write({ as: 'operator' }, tenant.id, authorOf(actor), async (db) => {
        assertStays(tenant, await lockTenant(db, tenant))
        const open = await readMove(db, tenant.id)
        // One that was taken back half: it goes on.
        if (
          open !== null &&
          isOpen(open.state) &&
          open.state !== 'switched' &&
          (await returned(db, tenant, open.target)) !== null
        )
          return [open, null]
        if (open?.state !== 'switched')
          throw new RegistryError(
            'conflict',
            `${tenant.slug} has left nothing to go back to; a move before its end is cancelled`,
          )
        const id = uuidv7()
        await db.query(sql`UPDATE moves SET state = 'returned', ended_at = now() WHERE id = ${open.id}`)
        await db.query(sql`
          INSERT INTO moves (id, tenant_id, source, target, state, holder, held_until, horizon)
          VALUES (${id}, ${tenant.id}, ${open.target}, ${open.source}, 'catching_up', ${id}, now(), ${open.horizon})`)
        const note = tenantNote(tenant, 'tenant.move_begun', { from: open.target, to: open.source, back: true })
        const made = await readMove(db, tenant.id, id)
        if (made === null) throw new Error('a row that was just written is not there')
        return [made, { ...note, changes: [] }]
      })
      return await run(tenant, actor, move, how)
    },
    async cancel(tenant, actor) {
      needOperator(actor)
      const move = await latest(tenant)
      if (!isOpen(move.state) || move.state === 'switched')
        throw new RegistryError('conflict', `no move of ${tenant.slug} can be cancelled: the last one is ${move.state}`)
      return await holding(tenant, move, async (hold, transfer, { state }) => {
        if (!isOpen(state) || state === 'switched')
          throw new RegistryError('conflict', `the move of ${tenant.slug} is ${state} by now`)
        await ledger.write({ as: 'operator' }, tenant.id, authorOf(actor), async (db) => {
          const { status } = await lockTenant(db, tenant)
          await transfer.reopen(status === 'active')
          await hold.note(db, { state: 'catching_up' })
          return [undefined, null]
        })
        const returns = await database.control(
          { as: 'operator' },
          async (db) => await returned(db, tenant, move.target),
        )
        await transfer.take(returns).catch((error: unknown) => {
          // There is none, or what is there is not this move's: then nothing is dropped.
          if (!(error instanceof TransferFailed)) throw error
        })
        await transfer.dropCopy()
        await ledger.write({ as: 'operator' }, tenant.id, authorOf(actor), async (db) => {
          await hold.note(db, { state: 'cancelled' })
          return [undefined, tenantNote(tenant, 'tenant.move_cancelled', { from: move.source, to: move.target })]
        })
      })
    },
    async confirm(tenant, actor) {
      needOperator(actor)
      const move = await latest(tenant)
      if (move.state !== 'switched')
        throw new RegistryError(
          'conflict',
          `no move of ${tenant.slug} waits to be confirmed: the last one is ${move.state}`,
        )
      return await holding(tenant, move, async (hold, transfer, { state }) => {
        if (state !== 'switched') throw new RegistryError('conflict', `the move of ${tenant.slug} is ${state} by now`)
        await transfer.settled()
        await transfer.dropLeft()
        await ledger.write({ as: 'operator' }, tenant.id, authorOf(actor), async (db) => {
          await hold.note(db, { state: 'confirmed' })
          const what = { from: move.source, to: move.target }
          return [undefined, { ...tenantNote(tenant, 'tenant.move_confirmed', what), changes: [] }]
        })
      })
    },
    async show(tenant, actor) {
      needOperator(actor)
      const row = await database.control({ as: 'operator' }, async (db) => await readMove(db, tenant.id))
      return row === null ? null : toMoveRecord(row)
    },
  }
}

interface Standing {
  readonly placement: string
  readonly status: string
  readonly going: boolean
}

/** unknown: deleted. Its row stays locked until the transaction ends. */
async function lockTenant(db: ControlDb, { id, slug }: Tenant): Promise<Standing> {
  const [row] = await db.query<Standing>(sql`
    SELECT placement, status, delete_after IS NOT NULL AS going FROM tenants WHERE id = ${id} AND status <> 'deleted' FOR UPDATE`)
  if (row === undefined) throw new RegistryError('unknown', `the tenant ${slug} is deleted`)
  return row
}

function assertStays({ slug }: Tenant, { going }: Standing): void {
  if (going) throw new RegistryError('conflict', `${slug} is to be deleted: take that back first (tenant keep)`)
}

/** The move by which the tenant left this server last and which was taken back since; null: none. */
async function returned(db: ControlDb, { id }: Tenant, server: string): Promise<string | null> {
  const [row] = await db.query<{ id: string; state: string; source: string }>(sql`
    SELECT id, state, source FROM moves WHERE tenant_id = ${id} AND state IN ('returned', 'confirmed', 'switched')
    ORDER BY started_at DESC, id DESC LIMIT 1`)
  return row?.state === 'returned' && row.source === server ? row.id : null
}
