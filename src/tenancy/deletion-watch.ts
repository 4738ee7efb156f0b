import type { Log } from '#base/log.ts'
import { sql } from '#db/sql.ts'
import type { Author, LedgerOptions } from './ledger.ts'
import { createRounds, type Rounds } from './rounds.ts'
import { dropTenant } from './tenant-deletion.ts'
import { rfc3339, toTenant, type TenantRow } from './tenant-row.ts'

export interface DeletionWatchOptions extends LedgerOptions {
  readonly log: Log
  /** False: the registry cannot be used yet, so nothing is tried. */
  readonly ready: () => boolean
  /** Milliseconds between rounds; default 60 000. */
  readonly every?: number
}

/** Deletes tenants whose time of waiting is over. Any number of replicas share the work. */
export interface DeletionWatch extends Rounds {
  /** Deletes all that are due and that no other replica has taken; answers their slugs. Throws DatabaseUnavailable. */
  tick(): Promise<readonly string[]>
}

const EVERY = 60_000
/** How long one is a replica's own: longer than calls in flight are waited for. One that dies meanwhile leaves it to the others after that. */
const LEASE = 900_000
const AUTHOR: Author = { iss: 'gatehouse', sub: 'deletion-watch', key_id: null, request_id: null, ip: null }

type Due = TenantRow & { readonly delete_after: Date; readonly delete_asked_by: string | null }

export function createDeletionWatch(options: DeletionWatchOptions): DeletionWatch {
  const { database, clock, log, ready, every = EVERY } = options
  let closed = false

  /** One that is due, now ours; from here on nobody can take it back. */
  async function take(): Promise<Due | null> {
    const now = clock.now()
    const [due] = await database.control({ as: 'operator' }, async (db) => {
      return await db.query<Due>(sql`
        UPDATE tenants SET delete_lease = ${new Date(now + LEASE)} WHERE id IN (
          SELECT id FROM tenants WHERE delete_after <= ${new Date(now)} AND status <> 'deleted'
            AND (delete_lease IS NULL OR delete_lease <= ${new Date(now)})
          ORDER BY delete_after LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING id AS tenant_id, slug, name AS tenant_name, schema, status AS tenant_status, placement, schema_version,
          mcp_admin, delete_after, plan, plan_limits(plan) AS limits, tools_off, delete_asked_by`)
    })
    return due ?? null
  }

  async function tick(): Promise<readonly string[]> {
    const deleted: string[] = []
    for (;;) {
      const due = closed ? null : await take()
      if (due === null) return deleted
      const { slug, delete_after: after, delete_asked_by: asked_by } = due
      const tenant = toTenant(due)
      if (tenant === null) continue
      try {
        await dropTenant(options, tenant, AUTHOR, { asked_by, delete_after: rfc3339(after) })
        deleted.push(slug)
        log.info({ slug }, 'a tenant was deleted: its time of waiting was over')
      } catch (error) {
        // The lease ends, and it is due again.
        log.error({ err: error, slug }, 'a tenant could not be deleted: tried again in 15 minutes')
      }
    }
  }

  const rounds = createRounds({ run: tick, every, ready, log, failure: 'tenants could not be deleted: tried again' })
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
