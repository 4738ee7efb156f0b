import { sql } from '#db/sql.ts'
import { authorOf, createLedger, needScope, roleFor } from './ledger.ts'
import type { MemberRecord, Members } from './members.ts'
import { afterOf, rowsToRead, toPage, type Page, type PageOptions } from './paging.ts'
import { RegistryError } from './registry-error.ts'
import type { Actor, RegistryOptions } from './registry.ts'
import type { PersonRole } from './roles.ts'
import { rfc3339, rfc3339OrNull } from './tenant-row.ts'
import type { Tenant } from './tenant.ts'

/** Somebody who asked to join and was neither let in nor, within 30 days, declined. */
interface RequestRecord {
  /** The member's row. */
  readonly id: string
  readonly slug: string
  readonly user_id: string
  readonly email: string | null
  readonly name: string | null
  /** What the domain's or the organisation's row says they become. */
  readonly role: PersonRole
  /** The domain, or `kind:value` of the organisation, that led them here. */
  readonly evidence: string | null
  readonly created_at: string
}

interface DeclinedRecord {
  readonly id: string
  readonly slug: string
  readonly user_id: string
  readonly declined_until: string | null
}

/** Requests to join (join mode `request`). All need `tenant:admin`. A reference is as for members. */
export interface Requests {
  list(tenant: Tenant, actor: Actor, page?: PageOptions): Promise<Page<RequestRecord>>
  /** Also one that was declined. @param role default: the request's own. conflict: did not ask. */
  approve(tenant: Tenant, actor: Actor, reference: string, role?: PersonRole): Promise<MemberRecord>
  /** Remembered for 30 days; after that their next sign-in asks again. They are told no more than before. conflict: did not ask. */
  decline(tenant: Tenant, actor: Actor, reference: string): Promise<DeclinedRecord>
}

const REMEMBERED = 30 * 86_400_000

interface Row extends Omit<RequestRecord, 'slug' | 'created_at'> {
  readonly created_at: Date
}

export function createRequests(options: RegistryOptions, members: Members): Requests {
  const { database, clock } = options
  const ledger = createLedger(options)

  return {
    async list(tenant, actor, page = {}) {
      needScope(actor, 'tenant:admin')
      const after = afterOf(page)
      const rows = await database.control(roleFor(actor, tenant), async (db) => {
        return await db.query<Row>(sql`
          SELECT id, provider || ':' || sub AS user_id, email, name, role, evidence, created_at FROM members
          WHERE tenant_id = ${tenant.id} AND status = 'requested' AND (declined_until IS NULL OR declined_until <= ${new Date(clock.now())})
            AND (${after}::uuid IS NULL OR id > ${after}) ORDER BY id LIMIT ${rowsToRead(page)}`)
      })
      return toPage(
        rows.map((row) => ({ ...row, slug: tenant.slug, created_at: rfc3339(row.created_at) })),
        page,
      )
    },

    async approve(tenant, actor, reference, role) {
      needScope(actor, 'tenant:admin')
      const asked = await members.show(tenant, actor, reference)
      return await members.approve(tenant, actor, asked.id, role ?? asked.role)
    },

    async decline(tenant, actor, reference) {
      needScope(actor, 'tenant:admin')
      const { id, user_id: who } = await members.show(tenant, actor, reference)
      const until = new Date(clock.now() + REMEMBERED)
      await ledger.write(roleFor(actor, tenant), tenant.id, authorOf(actor), async (db) => {
        const rows = await db.query(
          sql`UPDATE members SET declined_until = ${until} WHERE id = ${id} AND status = 'requested' RETURNING id`,
        )
        if (rows.length === 0) throw new RegistryError('conflict', `${who} did not ask to join`)
        const detail = { user_id: who, until: rfc3339(until) }
        return [
          undefined,
          { action: 'member.declined', target: id, detail, changes: [{ table: 'members', tenant: tenant.id, id }] },
        ]
      })
      return { id, slug: tenant.slug, user_id: who, declined_until: rfc3339OrNull(until) }
    },
  }
}
