import { uuidv7 } from '#base/id.ts'
import type { ControlDb } from '#db/database.ts'
import { schemaName } from '#db/names.ts'
import { sql } from '#db/sql.ts'
import { authorOf, createLedger, isUniqueViolation, needOperator, needScope, roleFor, type Note } from './ledger.ts'
import { assertPlaced } from './move-record.ts'
import type { Page, PageOptions } from './paging.ts'
import type { Precondition } from './precondition.ts'
import { RegistryError } from './registry-error.ts'
import type { Actor, RegistryOptions } from './registry.ts'
import { isSlug } from './slug.ts'
import { createTenantDeletion, type DeletionOfTenants } from './tenant-deletion.ts'
import { readTenants, tenantNote, type TenantRecord } from './tenant-record.ts'
import { toolsOffOf } from './tenant-row.ts'
import { searchTenants, type TenantQuery, type TenantSummary } from './tenant-search.ts'
import { createTenantSettings, type SettingsOfTenants } from './tenant-settings.ts'
import type { Tenant } from './tenant.ts'
import { boundedText } from './text.ts'

export interface Tenants extends SettingsOfTenants, DeletionOfTenants {
  /** Operators only. exists: the slug was ever taken; invalid: it is no slug or the name is empty or too long. */
  create(
    actor: Actor,
    input: { readonly slug: string; readonly name?: string; readonly placement?: string },
  ): Promise<Tenant>
  /** Operators only; complete. */
  list(actor: Actor): Promise<readonly TenantRecord[]>
  /** Operators only: some of them, with what says how they are doing. invalid: no such cursor, or too long a text. */
  search(actor: Actor, query: TenantQuery, page?: PageOptions): Promise<Page<TenantSummary>>
  /** By slug, deleted ones too. unknown: no such slug, also for a person who asks for another tenant. */
  show(actor: Actor, slug: string): Promise<TenantRecord>
  /** The tenant that the functions of the other tables take. unknown: no such slug, or deleted. */
  get(actor: Actor, slug: string): Promise<Tenant>
  /** The display name only. */
  rename(tenant: Tenant, actor: Actor, name: string, precondition?: Precondition<TenantRecord>): Promise<TenantRecord>
  /** Operators only. D18: when it resolves, no transaction of the tenant is open and none can begin. Done already: nothing
   * happens. @param reason for the audit; invalid: longer than 500 characters. */
  suspend(tenant: Tenant, actor: Actor, reason?: string): Promise<void>
  /** Operators only. conflict: deleted. */
  resume(tenant: Tenant, actor: Actor, reason?: string): Promise<void>
}

export function createTenants(options: RegistryOptions): Tenants {
  const { database, clock } = options
  const ledger = createLedger(options)

  const read = async (slug: string | null): Promise<readonly TenantRecord[]> =>
    await database.control({ as: 'operator' }, async (db) => await readTenants(db, slug))

  /** The one of a Tenant at hand. */
  async function rowOf(db: ControlDb, { slug }: Tenant): Promise<TenantRecord> {
    const [record] = await readTenants(db, slug)
    if (record === undefined) throw new RegistryError('unknown', `there is no tenant ${slug}`)
    return record
  }

  async function show(actor: Actor, slug: string): Promise<TenantRecord> {
    const open = actor.kind === 'operator' || actor.principal.tenant.slug === slug
    const [record] = open && isSlug(slug) ? await read(slug) : []
    if (record === undefined) throw new RegistryError('unknown', `there is no tenant ${slug}`)
    return record
  }

  /** A change of state, whose row may have changed since the caller read it. @param opens gives the tenant its rights back */
  async function changeState(
    tenant: Tenant,
    actor: Actor,
    note: Note,
    begin: (place: Tenant, change: (db: ControlDb) => Promise<void>, tell: () => Promise<void>) => Promise<void>,
    change: (db: ControlDb) => Promise<void>,
    opens = false,
  ): Promise<void> {
    await ledger.within(tenant.id, authorOf(actor), note, async (inside, tell) => {
      await begin(
        tenant,
        async (db) => {
          const moving = await assertPlaced(db, tenant)
          if (moving === 'stopped' && opens)
            throw new RegistryError(
              'conflict',
              `${tenant.slug} is between two servers: go on with its move (tenant move)`,
            )
          await change(db)
          await inside(db)
        },
        tell,
      )
    })
  }

  const tenants: Tenants = {
    async create(actor, { slug, name = slug, placement = database.admin.defaultPlacement }) {
      needOperator(actor)
      if (!isSlug(slug))
        throw new RegistryError(
          'invalid',
          `${JSON.stringify(slug)} is no slug: a-z first, then a-z 0-9 _, at most 41 characters`,
          'slug',
        )
      const title = boundedText('the name', name, 200, 'name')
      if (!database.admin.placements.includes(placement))
        throw new RegistryError(
          'invalid',
          `there is no placement ${placement}: DATABASE_URL_${placement.toUpperCase()} is not set`,
          'placement',
        )
      const id = uuidv7(clock.now())
      const schema = schemaName(slug, options.slugPrefix)
      const note: Note = {
        action: 'tenant.created',
        target: slug,
        detail: { name: title, placement },
        changes: [{ table: 'tenants', tenant: id, id }],
      }
      try {
        await ledger.within(id, authorOf(actor), note, async (inside) => {
          await database.admin.provision({ schema, placement }, async (db) => {
            await db.query(sql`
              INSERT INTO tenants (id, slug, name, schema, placement, origin, created_at)
              VALUES (${id}, ${slug}, ${title}, ${schema}, ${placement}, 'operator', ${new Date(clock.now())})`)
            await inside(db)
          })
        })
      } catch (error) {
        if (!isUniqueViolation(error)) throw error
        throw new RegistryError('exists', `the slug ${slug} is or was a tenant's; slugs are never reused`, 'slug')
      }
      return await tenants.get(actor, slug)
    },
    async list(actor) {
      needOperator(actor)
      return await read(null)
    },
    search: async (actor, query, page) => await searchTenants(database, clock.now(), actor, query, page),
    show,
    async get(actor, slug) {
      const { status, ...record } = await show(actor, slug)
      if (status === 'deleted') throw new RegistryError('unknown', `the tenant ${slug} is deleted`)
      const { id, name, schema, placement, schemaVersion, mcp_admin: mcpAdmin, delete_after: deleteAfter } = record
      const { plan, limits } = record
      const toolsOff = toolsOffOf(record)
      return { id, slug, name, schema, status, placement, schemaVersion, mcpAdmin, deleteAfter, plan, limits, toolsOff }
    },
    async rename(tenant, actor, name, precondition) {
      roleFor(actor, tenant)
      needScope(actor, 'tenant:admin')
      const title = boundedText('the name', name, 200, 'name')
      return await ledger.write({ as: 'operator' }, tenant.id, authorOf(actor), async (db) => {
        await db.query(sql`SELECT id FROM tenants WHERE id = ${tenant.id} FOR UPDATE`)
        precondition?.(await rowOf(db, tenant))
        await db.query(sql`UPDATE tenants SET name = ${title} WHERE id = ${tenant.id}`)
        return [await rowOf(db, tenant), tenantNote(tenant, 'tenant.renamed', { name: title })]
      })
    },
    async suspend(tenant, actor, reason) {
      needOperator(actor)
      const note = tenantNote(tenant, 'tenant.suspended', why(reason))
      if ((await tenants.get(actor, tenant.slug)).status === 'suspended') return
      await changeState(tenant, actor, note, database.admin.fence.bind(database.admin), async (db) => {
        const at = new Date(clock.now())
        await db.query(
          sql`UPDATE tenants SET status = 'suspended', suspended_at = ${at} WHERE id = ${tenant.id} AND status = 'active'`,
        )
      })
    },
    async resume(tenant, actor, reason) {
      needOperator(actor)
      const note = tenantNote(tenant, 'tenant.resumed', why(reason))
      if ((await show(actor, tenant.slug)).status === 'deleted')
        throw new RegistryError('conflict', `the tenant ${tenant.slug} is deleted`)
      await changeState(
        tenant,
        actor,
        note,
        database.admin.unfence.bind(database.admin),
        async (db) => {
          await db.query(
            sql`UPDATE tenants SET status = 'active', suspended_at = NULL WHERE id = ${tenant.id} AND status <> 'deleted'`,
          )
        },
        true,
      )
    },
    ...createTenantSettings(options),
    ...createTenantDeletion(options),
  }
  return tenants
}

/** A reason as the audit keeps it. */
const why = (reason: string | undefined): Readonly<Record<string, unknown>> =>
  reason === undefined ? {} : { reason: boundedText('the reason', reason, 500) }
