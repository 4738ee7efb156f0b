import type { ControlDb } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { userId } from '#identity/identity.ts'
import { authorOf, createLedger, needOperator, needScope, roleFor, type Author, type LedgerOptions } from './ledger.ts'
import { assertPlaced } from './move-record.ts'
import { RegistryError } from './registry-error.ts'
import type { Actor } from './registry.ts'
import { rfc3339 } from './tenant-row.ts'
import { tenantNote } from './tenant-record.ts'
import type { Tenant } from './tenant.ts'

export interface DeletionOptions extends LedgerOptions {
  /** TENANT_DELETE_DAYS: how long a tenant works on after its deletion was asked for. */
  readonly deleteDays: number
}

export interface DeletionOfTenants {
  /** TENANT_DELETE_DAYS */
  readonly deleteDays: number
  /**
   * The tenant is deleted by the background TENANT_DELETE_DAYS from now and works on until then. Answers when (RFC 3339); asked
   * again: the time that stands. Needs `tenant:owner`, or an operator.
   * @param word what the person typed to say that they mean it. invalid: it is not the slug. unknown: it is deleted.
   */
  askDeletion(tenant: Tenant, actor: Actor, word: string): Promise<string>
  /** Takes that back. Needs `tenant:owner`, or an operator. conflict: it has begun. Nothing to take back: nothing happens. */
  keep(tenant: Tenant, actor: Actor): Promise<void>
  /**
   * At once. Operators only. Drops schema, role and data, forgets its usage and its credentials for upstreams, frees its domains and organisations, ends its keys; the registry row stays.
   * Deleted already: nothing happens.
   */
  delete(tenant: Tenant, actor: Actor): Promise<void>
}

const DAY = 86_400_000

interface Standing {
  readonly delete_after: Date | null
  readonly delete_lease: Date | null
}

export function createTenantDeletion(options: DeletionOptions): DeletionOfTenants {
  const { clock } = options
  const ledger = createLedger(options)
  return {
    deleteDays: options.deleteDays,
    async askDeletion(tenant, actor, word) {
      roleFor(actor, tenant)
      needScope(actor, 'tenant:owner')
      if (word !== tenant.slug)
        throw new RegistryError('invalid', `type ${tenant.slug} to say that this tenant is to be deleted`, 'word')
      return await ledger.write({ as: 'operator' }, tenant.id, authorOf(actor), async (db) => {
        const [row] = await db.query<Standing>(sql`
          SELECT delete_after, delete_lease FROM tenants WHERE id = ${tenant.id} AND status <> 'deleted' FOR UPDATE`)
        if (row === undefined) throw new RegistryError('unknown', `the tenant ${tenant.slug} is deleted`)
        if (row.delete_after !== null) return [rfc3339(row.delete_after), null]
        const after = new Date(clock.now() + options.deleteDays * DAY)
        await db.query(sql`
          UPDATE tenants SET delete_after = ${after}, delete_asked_by = ${nameOf(actor)} WHERE id = ${tenant.id}`)
        const when = rfc3339(after)
        return [when, tenantNote(tenant, 'tenant.deletion_asked', { delete_after: when })]
      })
    },
    async keep(tenant, actor) {
      roleFor(actor, tenant)
      needScope(actor, 'tenant:owner')
      await ledger.write({ as: 'operator' }, tenant.id, authorOf(actor), async (db) => {
        const [row] = await db.query<Standing>(sql`
          SELECT delete_after, delete_lease FROM tenants WHERE id = ${tenant.id} AND status <> 'deleted' FOR UPDATE`)
        if (row === undefined) throw new RegistryError('unknown', `the tenant ${tenant.slug} is deleted`)
        if (row.delete_after === null) return [undefined, null]
        // Whoever takes it sets the lease in one statement, so that clocks that differ cannot make a half-deleted tenant that stays.
        if (row.delete_lease !== null)
          throw new RegistryError('conflict', `the deletion of ${tenant.slug} has begun and cannot be taken back`)
        await db.query(sql`UPDATE tenants SET delete_after = NULL, delete_asked_by = NULL WHERE id = ${tenant.id}`)
        const detail = { delete_after: rfc3339(row.delete_after) }
        return [undefined, tenantNote(tenant, 'tenant.kept', detail)]
      })
    },
    async delete(tenant, actor) {
      needOperator(actor)
      await dropTenant(options, tenant, authorOf(actor))
    },
  }
}

/** What deleting is, whoever asked. A second one at the same time, or after a crash in the middle, ends where the first would have. */
export async function dropTenant(
  options: LedgerOptions,
  tenant: Tenant,
  author: Author,
  detail: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const { database, clock } = options
  const begin = async (db: ControlDb): Promise<boolean> => {
    const [row] = await db.query(sql`SELECT 1 FROM tenants WHERE id = ${tenant.id} AND status <> 'deleted'`)
    if (row !== undefined && (await assertPlaced(db, tenant)) !== null)
      throw new RegistryError(
        'conflict',
        `${tenant.slug} is being moved, or was and left its data behind: end that first`,
      )
    return row !== undefined
  }
  if (!(await database.control({ as: 'operator' }, begin))) return
  await createLedger(options).within(
    tenant.id,
    author,
    tenantNote(tenant, 'tenant.deleted', detail),
    async (inside) => {
      await database.admin.drop(tenant, async (db) => {
        if (!(await begin(db))) return
        const at = new Date(clock.now())
        const [row] = await db.query(sql`
        UPDATE tenants SET status = 'deleted', deleted_at = ${at}, suspended_at = NULL, delete_after = NULL, delete_lease = NULL
        WHERE id = ${tenant.id} AND status <> 'deleted' RETURNING id`)
        if (row === undefined) return
        await db.query(sql`DELETE FROM domains WHERE tenant_id = ${tenant.id}`)
        await db.query(sql`DELETE FROM invitations WHERE tenant_id = ${tenant.id}`)
        await db.query(sql`DELETE FROM usage WHERE tenant_id = ${tenant.id}`)
        // What was asked for and answered: addresses of people stand in it.
        await db.query(sql`DELETE FROM answers WHERE tenant_id = ${tenant.id}`)
        await db.query(sql`DELETE FROM confirmations WHERE tenant_id = ${tenant.id}`)
        await db.query(sql`DELETE FROM upstreams WHERE tenant_id = ${tenant.id}`)
        await db.query(sql`DELETE FROM organizations WHERE tenant_id = ${tenant.id}`)
        await db.query(sql`UPDATE members SET home = false WHERE tenant_id = ${tenant.id}`)
        await db.query(
          sql`UPDATE api_keys SET revoked_at = ${at} WHERE tenant_id = ${tenant.id} AND revoked_at IS NULL`,
        )
        await inside(db)
      })
    },
  )
}

const nameOf = (actor: Actor): string =>
  actor.kind === 'operator' ? `operator ${actor.name}` : userId(actor.principal.identity)
