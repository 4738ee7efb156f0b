import type { Clock } from '#base/clock.ts'
import { uuidv7 } from '#base/id.ts'
import { DatabaseUnavailable, type ControlDb, type Database } from '#db/database.ts'
import { Refusal } from '#base/refusal.ts'
import { sql } from '#db/sql.ts'
import { personDigest } from '#tenancy/digest.ts'
import type { SecurityEvents } from '#tenancy/security-event.ts'
import { createLedger, type Note } from '#tenancy/ledger.ts'
import { ABSOLUTE, type Session } from './session.ts'

/** Rows that count no more, removed when one is written. */
const SWEEP = 1_000

export interface SessionCutoffsOptions {
  readonly database: Database
  readonly clock: Clock
  /** Has the registry been reached, in the version that this program needs? */
  readonly ready: () => boolean
  /** `auditKey(SESSION_SECRET, CONTROL_SCHEMA)`. */
  readonly auditKey: Buffer
  /** Told of each once it is committed. */
  readonly events?: SecurityEvents
}

/** Where a request came from, for the audit. */
export interface Origin {
  readonly requestId: string
  readonly ip: string | null
}

/**
 * Signing out, at every replica at once: asked of the database at each request of the console, and held nowhere (D31). Each throws Refusal
 * `database_unavailable`: a session whose end cannot be ruled out counts for nothing.
 */
export interface SessionCutoffs {
  /** Writes into the audit that somebody signed in, and nothing else. */
  began(session: Session, from: Origin): Promise<void>
  isCut(session: Session): Promise<boolean>
  cut(session: Session, from: Origin): Promise<void>
  /** All sessions of this person, wherever they are; those begun from now on count. */
  cutAll(session: Session, from: Origin): Promise<void>
}

export function createSessionCutoffs(options: SessionCutoffsOptions): SessionCutoffs {
  const { database, clock, ready } = options
  const ledger = createLedger(options)
  const personOf = ({ identity }: Session): string => personDigest(identity.iss, identity.sub)

  async function unavailable<T>(work: () => Promise<T>): Promise<T> {
    if (!ready()) throw new Refusal('database_unavailable', { retryAfter: 5, detail: 'the registry is not open yet' })
    try {
      return await work()
    } catch (error) {
      if (error instanceof DatabaseUnavailable)
        throw new Refusal('database_unavailable', { cause: error, detail: error.message })
      throw error
    }
  }

  async function note(
    session: Session,
    { requestId, ip }: Origin,
    action: string,
    run: (db: ControlDb) => Promise<void>,
  ): Promise<void> {
    const { iss, sub, provider } = session.identity
    const entry: Note = { action, target: session.id, detail: { provider }, changes: [] }
    const author = { iss, sub, key_id: null, request_id: requestId, ip }
    await unavailable(
      async () =>
        await ledger.write({ as: 'resolver' }, null, author, async (db) => {
          await run(db)
          return [undefined, entry]
        }),
    )
  }

  async function insert(db: ControlDb, session: Session, only: string | null): Promise<void> {
    const now = clock.now()
    await db.query(sql`
      DELETE FROM session_cutoffs WHERE id IN (SELECT id FROM session_cutoffs WHERE until < now() LIMIT ${SWEEP})`)
    await db.query(sql`
      INSERT INTO session_cutoffs (id, person, session_id, cut_at, until)
      VALUES (${uuidv7(now)}, ${personOf(session)}, ${only}, ${new Date(now)}, ${new Date(now + ABSOLUTE)})`)
  }

  return {
    began: async (session, from) => await note(session, from, 'session.started', async () => {}),
    async isCut(session) {
      const rows = await unavailable(
        async () =>
          await database.control({ as: 'resolver' }, async (db) => {
            return await db.query(sql`
              SELECT 1 FROM session_cutoffs WHERE person = ${personOf(session)}
                AND (session_id = ${session.id} OR (session_id IS NULL AND cut_at >= ${new Date(session.signed_in)})) LIMIT 1`)
          }),
      )
      return rows.length > 0
    },
    cut: async (session, from) =>
      await note(session, from, 'session.ended', async (db) => await insert(db, session, session.id)),
    cutAll: async (session, from) =>
      await note(session, from, 'session.ended_everywhere', async (db) => await insert(db, session, null)),
  }
}
