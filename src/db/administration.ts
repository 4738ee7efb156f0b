import type pg from 'pg'
import type { Log } from '#base/log.ts'
import { adminTransaction, asOperator, asOwnerOf, madeAtOnce } from './admin-connection.ts'
import { asOwner, prepare } from './bootstrap.ts'
import type { Administration, MigrationProgress, TenantPlace } from './database.ts'
import { migrate, type Migration } from './migrations.ts'
import { assertSchema, ROLE } from './names.ts'
import { sql } from './sql.ts'
import {
  bringUp,
  createTenantSchema,
  dropTenantSchema,
  grantRights,
  hasRights,
  revokeRights,
  settleLogins,
  tablesOf,
  type TenantRole,
} from './tenant-schema.ts'
import { assertLives, createTransfer } from './transfer.ts'
import { probe } from './wall.ts'

export interface AdministrationOptions {
  /** The admin's pool on the server of a placement; 'default' holds the registry. */
  readonly pool: (placement: string) => pg.Pool
  readonly placements: readonly string[]
  /** Connections of an admin on that server, for one piece of work alone, which ends them. */
  readonly ownPool: (placement: string) => pg.Pool
  readonly migrations: { readonly control: readonly Migration[]; readonly tenant: readonly Migration[] }
  readonly app: { readonly role: string; readonly password: string | null }
  /** D16: the password of a tenant's own login; null when tenants do not log in. */
  readonly tenantPassword: (schema: string) => string | null
  readonly log: Log
}

/** A migration gives way to tools rather than the other way round; it is tried again. */
const MIGRATION_LOCK_TIMEOUT = 2_000
/** Longer than any tool may run. */
const DRAIN_TIMEOUT = 310_000
const WORKERS = 2

/** What changes structure: roles, schemas, migrations, fences. */
export function createAdministration(options: AdministrationOptions): Administration {
  const { pool, placements, migrations, app, log } = options
  const required = { control: migrations.control.length, tenant: migrations.tenant.length }

  const roleOf = (schema: string): TenantRole => {
    assertSchema(schema)
    return { schema, app: app.role, password: options.tenantPassword(schema) }
  }

  /**
   * One transaction that changes a tenant's schema and the registry; two when they live on different servers. The registry is asked first, for
   * it may say no, and the schema's is committed first, for what the registry says must hold.
   */
  async function change(
    { schema, placement }: Pick<TenantPlace, 'schema' | 'placement'>,
    structure: (client: pg.PoolClient, role: TenantRole) => Promise<void>,
    registry: (client: pg.PoolClient) => Promise<void>,
  ): Promise<void> {
    const role = roleOf(schema)
    await adminTransaction(pool('default'), {}, async (client) => {
      await registry(client)
      if (placement === 'default') return await structure(client, role)
      await adminTransaction(pool(placement), {}, async (elsewhere) => await structure(elsewhere, role))
    })
  }

  /** Waits until no transaction uses the tenant's tables, one table at a time so that nobody can deadlock with it. */
  async function drain({ schema, placement }: TenantPlace): Promise<void> {
    const tables = await adminTransaction(pool(placement), {}, async (client) => await tablesOf(client, schema))
    for (const table of tables) {
      await adminTransaction(pool(placement), { lockTimeout: DRAIN_TIMEOUT }, async (client) => {
        await asOwner(client, `LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`)
      })
    }
  }

  /** Those that are not deleted; with a version: only those below it. */
  async function tenants(below: number | null = null): Promise<{ schema: string; placement: string; slug: string }[]> {
    return await adminTransaction(
      pool('default'),
      {},
      async (client) =>
        await asOperator(
          client,
          async (db) =>
            await db.query(sql`SELECT schema, placement, slug FROM tenants
              WHERE status <> 'deleted' AND (${below}::integer IS NULL OR schema_version < ${below}) ORDER BY id`),
        ),
    )
  }

  const setVersion = async (client: pg.PoolClient, schema: string, version: number): Promise<void> => {
    await asOperator(
      client,
      async (db) => await db.query(sql`UPDATE tenants SET schema_version = ${version} WHERE schema = ${schema}`),
    )
  }

  return {
    required,

    async bootstrap() {
      for (const placement of placements) {
        await adminTransaction(pool(placement), { retry: madeAtOnce }, async (client) => {
          await prepare(client, { app, log })
          if (placement === 'default') await migrate(client, 'gatehouse', migrations.control)
        })
      }
      for (const placement of placements) {
        const roles = (await tenants())
          .filter((tenant) => tenant.placement === placement)
          .map(({ schema }) => roleOf(schema))
        await adminTransaction(
          pool(placement),
          { retry: madeAtOnce },
          async (client) => await settleLogins(client, roles),
        )
      }
    },

    async controlVersion() {
      return await adminTransaction(pool('default'), {}, async (client) => {
        const { rowCount } = await client.query(
          `SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = 'gatehouse' AND c.relname = 'schema_migrations'`,
        )
        if (rowCount === 0) return null
        await client.query(`SET LOCAL ROLE ${ROLE.owner}`)
        const { rows } = await client.query<{ version: number | null }>(
          'SELECT max(version) AS version FROM gatehouse.schema_migrations',
        )
        return rows[0]?.version ?? null
      })
    },

    async provision(place, register) {
      const build = async (client: pg.PoolClient): Promise<void> => {
        await createTenantSchema(client, roleOf(place.schema), migrations.tenant)
      }
      const enlist = async (client: pg.PoolClient): Promise<void> => {
        await asOperator(client, register)
        await setVersion(client, place.schema, required.tenant)
      }
      if (place.placement === 'default') {
        return await adminTransaction(pool('default'), {}, async (client) => {
          // The registry first: a slug that is taken is its error to tell.
          await enlist(client)
          await build(client)
        })
      }
      const elsewhere = pool(place.placement)
      await adminTransaction(elsewhere, {}, build)
      try {
        await adminTransaction(pool('default'), {}, enlist)
      } catch (error) {
        await adminTransaction(elsewhere, {}, async (client) => await dropTenantSchema(client, roleOf(place.schema)))
        throw error
      }
    },

    async migrateTenants({ workers = WORKERS, only, onProgress } = {}) {
      const wanted = new Set(only)
      const behind = (await tenants(required.tenant)).filter(
        ({ schema, slug }) => only === undefined || wanted.has(schema) || wanted.has(slug),
      )
      const failed: { schema: string; error: string }[] = []
      let done = 0
      const progress = (current: string | null): MigrationProgress => ({
        total: behind.length,
        done,
        current,
        failed: [...failed],
      })
      const queue = behind.values()
      const work = async (): Promise<void> => {
        for (const { schema, placement } of queue) {
          onProgress?.(progress(schema))
          try {
            await migrateOne(schema, placement)
          } catch (error) {
            log.error({ err: error, schema }, 'migration failed')
            failed.push({ schema, error: error instanceof Error ? error.message : String(error) })
          }
          done += 1
          onProgress?.(progress(schema))
        }
      }
      await Promise.all(Array.from({ length: Math.max(1, Math.min(workers, WORKERS)) }, work))
      return progress(null)
    },

    async fence(place, registry, onShut) {
      await change(
        place,
        async (client, { schema }) => await revokeRights(client, schema),
        async (client) => await asOperator(client, registry),
      )
      await onShut?.()
      await drain(place)
    },

    async unfence(place, registry) {
      await change(
        place,
        async (client, { schema }) => await grantRights(client, schema),
        async (client) => await asOperator(client, registry),
      )
    },

    async drop(place, registry) {
      roleOf(place.schema)
      await adminTransaction(pool(place.placement), {}, async (client) => {
        if ((await tablesOf(client, place.schema)).length > 0) await revokeRights(client, place.schema)
      })
      await drain(place)
      await change(
        place,
        async (client, role) => await dropTenantSchema(client, role),
        async (client) => await asOperator(client, registry),
      )
    },

    async owning({ schema, placement }, work) {
      if (schema !== 'gatehouse') assertSchema(schema)
      return await adminTransaction(pool(placement), {}, async (client) => await asOwnerOf(client, schema, work))
    },

    placements,

    transfer({ schema, from, to, move, holder }) {
      return createTransfer({
        source: options.ownPool(from),
        target: options.ownPool(to),
        role: roleOf(schema),
        move,
        holder,
        migrations: migrations.tenant,
        settle: async (client) => await prepare(client, { app, log }),
      })
    },

    wall: async () => await probe(pool('default')),
  }

  async function migrateOne(schema: string, placement: string): Promise<void> {
    const role = roleOf(schema)
    const bring = async (client: pg.PoolClient): Promise<void> => {
      await assertLives(client, schema)
      // A fenced tenant is migrated too, and stays fenced.
      const atWork = await hasRights(client, schema)
      await bringUp(client, role, migrations.tenant)
      if (atWork) await grantRights(client, schema)
    }
    const note = async (client: pg.PoolClient): Promise<void> => await setVersion(client, schema, required.tenant)
    await adminTransaction(
      pool(placement),
      { lockTimeout: MIGRATION_LOCK_TIMEOUT, retry: isLocked },
      async (client) => {
        await bring(client)
        if (placement === 'default') await note(client)
      },
    )
    if (placement !== 'default') await adminTransaction(pool('default'), {}, note)
  }
}

const isLocked = (error: unknown): boolean =>
  madeAtOnce(error) || (error instanceof Error && 'code' in error && error.code === '55P03')
