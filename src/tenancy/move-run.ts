import { sql } from '#db/sql.ts'
import type { Closeness } from '#db/table-digest.ts'
import { TransferFailed } from '#db/transfer-failed.ts'
import type { Transfer } from '#db/transfer.ts'
import type { Author, Ledger } from './ledger.ts'
import type { Hold } from './move-hold.ts'
import type { MoveState } from './move-record.ts'
import { RegistryError } from './registry-error.ts'
import { tenantNote } from './tenant-record.ts'
import type { Tenant } from './tenant.ts'

export interface MoveOptions {
  /** What is compared while writes are held up, and after each round before: default `keys`. */
  readonly verify?: Closeness
  /** Milliseconds that open writes are given to end; default 30 000. */
  readonly patience?: number
  /** Milliseconds for which writes may be held up; default 5 000. Longer than calls wait for it they would fail. */
  readonly limit?: number
  readonly onProgress?: (progress: MoveProgress) => void
}

interface MoveProgress {
  readonly state: MoveState
  /** One line for people. */
  readonly words: string
}

export interface RunningMove {
  readonly ledger: Ledger
  readonly author: Author
  readonly tenant: Tenant
  readonly from: string
  readonly to: string
  readonly hold: Hold
  readonly transfer: Transfer
  /** Id of the move that this one takes back; null: it is none of these. */
  readonly returns: string | null
  readonly options: MoveOptions
}

/** A round that brings no more than this, or takes no longer, is small enough to be done while writes wait. */
const FEW = 2_000
const QUICK = 500
/** Rounds before a stop is tried all the same, and stops that are tried. */
const ROUNDS = 20
const STOPS = 5

/**
 * A move from whatever state it was left in to `switched`. When it throws, the tenant works on at the source, or is shut for the moment
 * (`stopped`): called again it goes on. Nothing is ever served from two servers.
 */
export async function runMove(move: RunningMove, state: MoveState, horizon: string | null): Promise<void> {
  const { hold, transfer } = move
  let at = { state, horizon }
  if (at.state === 'stopped') {
    if (await transfer.isShut()) return await switchOver(move, null)
    await hold.advance({ state: 'catching_up' })
    at = { ...at, state: 'catching_up' }
  }
  for (let again = false; ; again = true) {
    try {
      if (at.state === 'catching_up' && !again) await transfer.take(move.returns)
      const from = at.state === 'copying' || at.horizon === null ? await copyAll(move) : at.horizon
      return await switchOver(move, await catchUpAndStop(move, from))
    } catch (error) {
      // The copy cannot become what the source is: a new one is made, once.
      if (!(error instanceof TransferFailed) || error.code !== 'differs' || again) throw worded(error)
      tell(move, 'copying', `beginning again: ${error.message}`)
      await hold.advance({ state: 'copying' })
      at = { state: 'copying', horizon: null }
    }
  }
}

const worded = (error: unknown): unknown =>
  error instanceof TransferFailed ? new RegistryError('conflict', error.message) : error

const tell = ({ options }: RunningMove, state: MoveState, words: string): void => options.onProgress?.({ state, words })

async function copyAll(move: RunningMove): Promise<string> {
  const { hold, transfer } = move
  await transfer.prepare()
  const { horizon, counts } = await transfer.copy((name, rows) => tell(move, 'copying', `${name}: ${rows} rows`))
  await hold.advance({ state: 'catching_up', horizon, counts })
  return horizon
}

/** Answers for how long writes were held up. The source is shut then. */
async function catchUpAndStop(move: RunningMove, from: string): Promise<number> {
  const { hold, transfer, options } = move
  const { verify = 'keys', patience = 30_000, limit = 5_000 } = options
  let horizon = from
  for (let stop = 1; ; stop += 1) {
    for (let round = 1; round <= ROUNDS; round += 1) {
      const began = Date.now()
      // oxlint-disable-next-line no-await-in-loop -- each round begins where the last ended
      const done = await transfer.round(horizon, round === 1 ? verify : 'counts')
      const took = Date.now() - began
      horizon = done.horizon
      const changed = Object.values(done.changes).reduce((sum, { written, deleted }) => sum + written + deleted, 0)
      await hold.advance({ state: 'catching_up', horizon, round: true })
      tell(move, 'catching_up', `${changed} rows caught up in ${took} ms`)
      if (round > 1 && (changed <= FEW || took <= QUICK)) break
    }
    try {
      const { held } = await transfer.stop({
        horizon,
        closeness: verify,
        patience,
        limit,
        beforeShut: async () => await hold.advance({ state: 'stopped' }),
      })
      return held
    } catch (error) {
      // Whether it was shut is known to the source alone.
      if (await transfer.isShut()) return 0
      await transfer.take()
      await hold.advance({ state: 'catching_up' })
      if (!(error instanceof TransferFailed) || error.code !== 'busy' || stop === STOPS) throw error
      tell(move, 'catching_up', error.message)
    }
  }
}

/** The source is shut. One transaction of the registry, announced; the tenant's row is locked while the target gets its rights. */
async function switchOver(move: RunningMove, heldMs: number | null): Promise<void> {
  const { ledger, author, tenant, from, to, hold, transfer } = move
  await ledger.write({ as: 'operator' }, tenant.id, author, async (db) => {
    const [row] = await db.query<{ placement: string; status: string }>(
      sql`SELECT placement, status FROM tenants WHERE id = ${tenant.id} FOR UPDATE`,
    )
    if (row === undefined || row.placement !== from || row.status === 'deleted')
      throw new RegistryError('conflict', `${tenant.slug} is not on ${from} any more`)
    const horizon = await transfer.land(row.status === 'active')
    await db.query(sql`UPDATE tenants SET placement = ${to} WHERE id = ${tenant.id}`)
    await hold.note(db, { state: 'switched', horizon, ...(heldMs === null ? {} : { heldMs }) })
    return [undefined, tenantNote(tenant, 'tenant.moved', { from, to })]
  })
  // What it would not end well without: the mark is taken away again when the move is confirmed.
  await transfer.settled().catch(() => {})
}
