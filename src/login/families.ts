import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Log } from '#base/log.ts'
import { Refusal } from '#base/refusal.ts'
import { createSeal } from '#base/seal.ts'
import { DatabaseUnavailable, StatementTimeout, type ControlDb, type Database } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { createSemaphore } from '#identity/semaphore.ts'
import type { Refresh } from './flow.ts'
import { SIGN_IN_LIFE, type SealsOptions } from './seals.ts'
import type { Granted } from './token-answer.ts'

/** Milliseconds for which the generation before still gets the answer it missed (two windows of one client, a lost answer). */
const GRACE = 30_000
/** Renewals at once in this process, each of which holds a connection while the provider answers; and how many more wait. */
const WIDTH = 3
const WAITING = 100
/** Milliseconds between two cleanings by one process. */
const CLEAN_EVERY = 60_000
/** Milliseconds for which the row of an ended sign-in stays: by no replica's clock may its tokens still live when it goes. */
const KEPT_AFTER_END = 3_600_000

const Kept = z.strictObject({
  access_token: z.string(),
  refresh_token: z.string().nullable(),
  exp: z.number().int().nullable(),
  scope: z.string(),
})

interface Row {
  readonly generation: number
  readonly answer: string | null
  readonly rotated_at: Date | null
  readonly revoked_at: Date | null
}

/** How a renewal ended that was judged. `reused`: somebody else holds this refresh token too; the family is over. */
type Rotation =
  | { readonly granted: Granted }
  | { readonly refused: string; readonly reused: boolean; readonly last: Granted | null }

export interface Families {
  /**
   * One step of a family, under its row's lock (D28): `renew` runs for the present generation only, once, and what it answers is what the
   * next generation is made of; `{ refused }` ends the family. Whatever it throws leaves everything as it was. When it granted and the
   * registry went away before it knew, the answer is given all the same: the provider may have ended what it was made from.
   * @throws Refusal `database_unavailable`, and what `renew` throws.
   */
  rotate(
    held: Refresh,
    renew: (db: ControlDb) => Promise<{ readonly granted: Granted } | { readonly refused: string }>,
  ): Promise<Rotation>
  /** Ends a family, begun or not. Answers whether it was still going. @throws Refusal `database_unavailable`. */
  end(held: Refresh): Promise<boolean>
}

export interface FamiliesOptions extends SealsOptions {
  readonly database: Pick<Database, 'control'>
  /** Has the registry been reached, in the version that this program needs? */
  readonly ready: () => boolean
  readonly log: Log
}

export function createFamilies({ database, ready, clock, log, secrets, issuer }: FamiliesOptions): Families {
  // Bound to family and generation: of no use in the place of a refresh token, or of another answer.
  const kept = createSeal({ purpose: 'refresh', schema: Kept, life: GRACE / 1000 + 30, clock, secrets, issuer })
  const bindingOf = (family: string, generation: number): string => `answer ${family} ${generation}`
  const inTurn = createSemaphore(WIDTH, WAITING)
  let cleaned = Number.NEGATIVE_INFINITY

  async function write<T>(run: (db: ControlDb) => Promise<T>): Promise<T> {
    if (!ready()) throw new Refusal('database_unavailable', { retryAfter: 5, detail: 'the registry is not open yet' })
    try {
      return await inTurn(async () => await database.control({ as: 'resolver' }, run))
    } catch (error) {
      if (error instanceof DatabaseUnavailable || error instanceof StatementTimeout)
        throw new Refusal('database_unavailable', { cause: error, detail: error.message })
      throw error
    }
  }

  /** The family's row, locked; made here when this is the first that the registry hears of it. */
  async function locked(db: ControlDb, held: Refresh): Promise<Row> {
    const { family, generation, iss, sub, provider } = held
    const read = async (): Promise<Row | undefined> =>
      (
        await db.query<Row>(
          sql`SELECT generation, answer, rotated_at, revoked_at FROM sign_in_families WHERE id = ${family} FOR UPDATE`,
        )
      )[0]
    const found = await read()
    if (found !== undefined) return found
    // Of whatever generation: only we can have sealed it, and the COMMIT of the one before may have been lost.
    const client = createHash('sha256').update(held.client_id).digest('hex')
    await db.query(sql`
      INSERT INTO sign_in_families (id, iss, sub, provider, client_id_digest, generation, expires_at)
      VALUES (${family}, ${iss}, ${sub}, ${provider}, ${client}, ${generation}, ${new Date((held.signed_in + SIGN_IN_LIFE) * 1000)})
      ON CONFLICT (id) DO NOTHING`)
    const made = await read()
    if (made === undefined) throw new DatabaseUnavailable('the row of a sign-in was made and is not there')
    return made
  }

  const revoke = async (db: ControlDb, family: string): Promise<unknown> =>
    await db.query(
      sql`UPDATE sign_in_families SET revoked_at = ${new Date(clock.now())}, answer = NULL WHERE id = ${family}`,
    )

  async function step(db: ControlDb, held: Refresh, renew: Parameters<Families['rotate']>[1]): Promise<Rotation> {
    const { family, generation } = held
    const row = await locked(db, held)
    if (row.revoked_at !== null) return { refused: 'this sign-in was ended', reused: false, last: null }
    // A later one than the row knows: its COMMIT was lost, or the registry was restored. It is the present one then.
    if (generation < row.generation) {
      const last = row.answer === null ? null : kept.open(row.answer, bindingOf(family, row.generation))
      const missed = generation === row.generation - 1 && clock.now() - (row.rotated_at?.getTime() ?? 0) < GRACE
      if (missed && last !== null) return { granted: last }
      await revoke(db, family)
      return { refused: 'a refresh token was used again: the sign-in is ended', reused: true, last }
    }
    const renewed = await renew(db)
    if ('refused' in renewed) {
      await revoke(db, family)
      return { refused: renewed.refused, reused: false, last: null }
    }
    const answer = kept.seal(renewed.granted, bindingOf(family, generation + 1))
    await db.query(sql`
      UPDATE sign_in_families SET generation = ${generation + 1}, answer = ${answer}, rotated_at = ${new Date(clock.now())}
      WHERE id = ${family}`)
    return { granted: renewed.granted }
  }

  /** What is over goes, what is locked waits for the next time. A failure is nobody's who asked for a token. */
  async function clean(): Promise<void> {
    const now = clock.now()
    if (now - cleaned < CLEAN_EVERY) return
    cleaned = now
    await write(async (db) => {
      await db.query(sql`
        DELETE FROM sign_in_families WHERE id IN (
          SELECT id FROM sign_in_families WHERE expires_at <= ${new Date(now - KEPT_AFTER_END)} ORDER BY expires_at LIMIT 1000 FOR UPDATE SKIP LOCKED)`)
      await db.query(sql`
        UPDATE sign_in_families SET answer = NULL WHERE id IN (
          SELECT id FROM sign_in_families WHERE answer IS NOT NULL AND rotated_at < ${new Date(now - GRACE)}
          ORDER BY rotated_at LIMIT 1000 FOR UPDATE SKIP LOCKED)`)
    }).catch((error: unknown) => log.warn({ err: error }, 'ended sign-ins could not be cleaned up'))
  }

  return {
    async rotate(held, renew) {
      let renewing: ReturnType<typeof renew> | null = null
      const once = async (db: ControlDb): ReturnType<typeof renew> => {
        renewing = renew(db)
        return await renewing
      }
      try {
        const rotation = await write(async (db) => await step(db, held, once))
        await clean()
        return rotation
      } catch (error) {
        const granted = error instanceof Refusal ? await grantedBy(renewing) : null
        if (granted === null) throw error
        log.warn({ err: error, provider: held.provider }, 'a sign-in was renewed and the registry does not know of it')
        return { granted }
      }
    },
    async end(held) {
      return await write(async (db) => {
        const row = await locked(db, held)
        if (row.revoked_at !== null) return false
        await revoke(db, held.family)
        return true
      })
    },
  }
}

/** What a renewal that was begun comes to, however the transaction around it ended; null: to nothing. */
async function grantedBy(
  renewing: Promise<{ readonly granted: Granted } | { readonly refused: string }> | null,
): Promise<Granted | null> {
  const renewed = await renewing?.catch(() => null)
  return renewed != null && 'granted' in renewed ? renewed.granted : null
}
