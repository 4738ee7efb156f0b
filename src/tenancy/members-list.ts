import { sql } from '#db/sql.ts'
import { needScope, roleFor } from './ledger.ts'
import { ownRow, toRecord, type Row } from './members-row.ts'
import type { MemberRecord, Members } from './members.ts'
import { afterOf, rowsToRead, toPage, type PageOptions } from './paging.ts'
import type { RegistryOptions } from './registry.ts'
import type { PersonRole } from './roles.ts'
import { soughtText } from './text.ts'

/** Which members; everything absent matches. */
export interface MemberFilter extends PageOptions {
  /** A part of the name, the address or the user id, in whatever case. At most 100 characters count. */
  readonly search?: string
  readonly role?: PersonRole
  readonly status?: MemberRecord['status']
}

/** People of a tenant by where they stand. */
export interface MemberTally {
  readonly active: number
  /** Active ones. */
  readonly owners: number
  /** Asked to join and wait for an answer; declined ones are not counted until they may ask again. */
  readonly requested: number
  readonly removed: number
}

/** What is only read of members. */
export function createMembersList({
  database,
  clock,
}: Pick<RegistryOptions, 'database' | 'clock'>): Pick<Members, 'list' | 'tally' | 'own'> {
  return {
    async list(tenant, actor, filter = {}) {
      needScope(actor, 'tenant:admin')
      const after = afterOf(filter)
      const { role = null, status = null } = filter
      const search = soughtText(filter.search)
      const rows = await database.control(roleFor(actor, tenant), async (db) => {
        return await db.query<Row>(sql`
          SELECT id, provider, iss, sub, email, name, role, status, source, evidence, home, tokens_not_before, created_at, removed_at
          FROM members WHERE tenant_id = ${tenant.id} AND (${after}::uuid IS NULL OR id > ${after})
            AND (${role}::text IS NULL OR role = ${role}) AND (${status}::text IS NULL OR status = ${status})
            AND (${search}::text IS NULL OR position(lower(${search}) IN lower(concat_ws(chr(10), name, email, provider || ':' || sub))) > 0)
          ORDER BY id LIMIT ${rowsToRead(filter)}`)
      })
      return toPage(
        rows.map((row) => toRecord(tenant, row)),
        filter,
      )
    },

    async tally(tenant, actor) {
      needScope(actor, 'tenant:admin')
      const [row] = await database.control(roleFor(actor, tenant), async (db) => {
        return await db.query<MemberTally>(sql`
          SELECT count(*) FILTER (WHERE status = 'active')::int AS active,
            count(*) FILTER (WHERE status = 'active' AND role = 'owner')::int AS owners,
            count(*) FILTER (WHERE status = 'requested' AND (declined_until IS NULL OR declined_until <= ${new Date(clock.now())}))::int AS requested,
            count(*) FILTER (WHERE status = 'removed')::int AS removed
          FROM members WHERE tenant_id = ${tenant.id}`)
      })
      return row ?? { active: 0, owners: 0, requested: 0, removed: 0 }
    },

    async own(tenant, actor) {
      const row = await database.control(roleFor(actor, tenant), async (db) => await ownRow(db, tenant, actor))
      return row === null ? null : toRecord(tenant, row)
    },
  }
}
