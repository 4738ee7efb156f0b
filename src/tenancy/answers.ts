import { createHash } from 'node:crypto'
import type { Clock } from '#base/clock.ts'
import { uuidv7 } from '#base/id.ts'
import type { ControlActor, Database } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { authorOf, needOperator, roleFor } from './ledger.ts'
import type { Actor } from './registry.ts'
import type { Tenant } from './tenant.ts'

/** A request that its caller may repeat, by a key of the caller's choice (draft-ietf-httpapi-idempotency-key-header). */
interface Repeatable {
  /** What was called: the same key may be used elsewhere. */
  readonly operation: string
  readonly key: string
  /** What it was called with; the same request has the same. */
  readonly request: string
}

/** An answer without any secret, to be given again. */
interface KeptAnswer {
  readonly status: number
  readonly body: string
}

type Begun =
  /** Do it, then `keep` or `forget`. */
  | { readonly kind: 'first'; readonly id: string }
  | { readonly kind: 'answered'; readonly answer: KeptAnswer }
  /** The same request is under way at this moment, here or on another replica. */
  | { readonly kind: 'under_way' }
  /** The key was used for another request. */
  | { readonly kind: 'other' }

/** Answers that are kept for who repeats a request, for 24 hours. Bound to tenant, person or key, and operation. */
export interface Answers {
  /** @param tenant null: an operator's request, which concerns no tenant or all. */
  begin(tenant: Tenant | null, actor: Actor, request: Repeatable): Promise<Begun>
  keep(tenant: Tenant | null, actor: Actor, id: string, answer: KeptAnswer): Promise<void>
  /** It failed: the key may be used again, also for another request. */
  forget(tenant: Tenant | null, actor: Actor, id: string): Promise<void>
}

const KEPT = 24 * 3_600_000
/** How long a request may be under way. A replica that dies meanwhile leaves the key to the next try after that. */
const LEASE = 5 * 60_000
/** Rows of others that are over, deleted on the way. */
const SWEPT = 100

interface Row {
  readonly id: string
  readonly request: Buffer
  readonly status: number | null
  readonly body: string | null
  readonly began_at: Date
  readonly expires_at: Date
}

export function createAnswers({ database, clock }: { readonly database: Database; readonly clock: Clock }): Answers {
  async function sweep(now: Date): Promise<void> {
    await database.control({ as: 'resolver' }, async (db) => {
      await db.query(sql`
        DELETE FROM answers WHERE id IN (
          SELECT id FROM answers WHERE expires_at < ${now} ORDER BY expires_at LIMIT ${SWEPT} FOR UPDATE SKIP LOCKED)`)
    })
  }

  return {
    async begin(tenant, actor, { operation, key, request }) {
      const now = new Date(clock.now())
      await sweep(now)
      const { iss, sub } = authorOf(actor)
      const name = digest([tenant?.id ?? null, iss, sub, operation, key])
      const asked = digest([request])
      const id = uuidv7(now.getTime())
      const ends = new Date(now.getTime() + KEPT)
      return await database.control(deskOf(actor, tenant), async (db): Promise<Begun> => {
        // Whoever comes second waits here until the row of the first is there to be seen.
        const made = await db.query(sql`
          INSERT INTO answers (id, tenant_id, name, request, began_at, expires_at)
          VALUES (${id}, ${tenant?.id ?? null}, ${name}, ${asked}, ${now}, ${ends})
          ON CONFLICT (name) DO NOTHING RETURNING id`)
        if (made.length > 0) return { kind: 'first', id }
        const [row] = await db.query<Row>(sql`
          SELECT id, request, status, body, began_at, expires_at FROM answers WHERE name = ${name} FOR UPDATE`)
        // Forgotten in this moment.
        if (row === undefined) return { kind: 'under_way' }
        const isOver = row.expires_at <= now || (row.status === null && row.began_at.getTime() + LEASE <= now.getTime())
        if (isOver) {
          await db.query(sql`
            UPDATE answers SET id = ${id}, request = ${asked}, status = NULL, body = NULL, began_at = ${now}, expires_at = ${ends}
            WHERE id = ${row.id}`)
          return { kind: 'first', id }
        }
        if (!row.request.equals(asked)) return { kind: 'other' }
        if (row.status === null || row.body === null) return { kind: 'under_way' }
        return { kind: 'answered', answer: { status: row.status, body: row.body } }
      })
    },

    async keep(tenant, actor, id, { status, body }) {
      await database.control(deskOf(actor, tenant), async (db) => {
        await db.query(sql`UPDATE answers SET status = ${status}, body = ${body} WHERE id = ${id}`)
      })
    },

    async forget(tenant, actor, id) {
      await database.control(deskOf(actor, tenant), async (db) => {
        await db.query(sql`DELETE FROM answers WHERE id = ${id} AND status IS NULL`)
      })
    },
  }
}

function deskOf(actor: Actor, tenant: Tenant | null): ControlActor {
  if (tenant !== null) return roleFor(actor, tenant)
  needOperator(actor)
  return { as: 'operator' }
}

const digest = (parts: readonly (string | null)[]): Buffer =>
  createHash('sha256').update(JSON.stringify(parts)).digest()
