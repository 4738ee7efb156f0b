import type { Clock } from '#base/clock.ts'
import type { Log } from '#base/log.ts'
import type { Database } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import type { DomainRow } from './claims-row.ts'
import { settle } from './claims-settle.ts'
import type { Dns } from './dns.ts'
import { checkDomain } from './domain-check.ts'
import { createLedger, type Author } from './ledger.ts'
import { createRounds, type Rounds } from './rounds.ts'

export interface DomainWatchOptions {
  readonly database: Database
  readonly clock: Clock
  /** `auditKey(SESSION_SECRET, CONTROL_SCHEMA)`. */
  readonly auditKey: Buffer
  readonly dns: Dns
  readonly log: Log
  /** False: the registry cannot be used yet, so nothing is tried. */
  readonly ready: () => boolean
  /** Milliseconds between ticks; default 30 000. */
  readonly every?: number
}

/** Looks again at claims and verified domains when they are due. Any number of replicas share the work. */
export interface DomainWatch extends Rounds {
  /** Looks at everything that is due and that no other replica has taken; answers how many that were. Throws DatabaseUnavailable. */
  tick(): Promise<number>
}

type Due = Pick<DomainRow, 'id' | 'tenant_id' | 'domain' | 'token'>

const EVERY = 30_000
const BATCH = 8
/** How long a row is a replica's own. One that dies meanwhile leaves it to the others after that. */
const LEASE = 120_000
const AUTHOR: Author = { iss: 'gatehouse', sub: 'domain-watch', key_id: null, request_id: null, ip: null }

export function createDomainWatch(options: DomainWatchOptions): DomainWatch {
  const { database, clock, dns, log, ready, every = EVERY } = options
  const ledger = createLedger(options)
  let closed = false

  /** Rows that are due, now ours. Nothing is held open while the DNS is asked. */
  async function take(): Promise<readonly Due[]> {
    const now = clock.now()
    return await database.control({ as: 'resolver' }, async (db) => {
      return await db.query<Due>(sql`
        UPDATE domains SET next_check = ${new Date(now + LEASE)} WHERE id IN (
          SELECT id FROM domains WHERE next_check <= ${new Date(now)} ORDER BY next_check LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)
        RETURNING id, tenant_id, domain, token`)
    })
  }

  async function look(due: Due): Promise<void> {
    const { tenant_id: tenant, domain, token } = due
    try {
      const finding = token === null ? null : await checkDomain(dns, domain, token)
      await settle({ ledger, clock }, { as: 'desk', tenant }, AUTHOR, due, finding, { background: true })
    } catch (error) {
      // The lease ends, and it is due again.
      log.warn({ err: error, domain }, 'a domain could not be looked at')
    }
  }

  async function tick(): Promise<number> {
    for (let total = 0; ;) {
      const due = await take()
      await Promise.all(due.map(look))
      total += due.length
      if (due.length < BATCH || closed) return total
    }
  }

  const rounds = createRounds({ run: tick, every, ready, log, failure: 'domains could not be looked at: tried again' })
  return {
    tick,
    start() {
      rounds.start()
    },
    async close() {
      closed = true
      await rounds.close()
    },
  }
}
