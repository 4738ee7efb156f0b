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
  endSessions,
  grantRights,
  hasRights,
  openTenant,
  settleLogins,
  shutTenant,
  tablesOf,
  type TenantRole,
} from './tenant-schema.ts'
import { loginState } from './tenant-login-state.ts'
import { probe } from './wall.ts'

export interface AdministrationOptions {
  /** The admin's pool on the server of a placement; 'default' holds the registry. */
  readonly pool: (placement: string) => pg.Pool
  readonly placements: readonly string[]
  readonly migrations: { readonly control: readonly Migration[]; readonly tenant: readonly Migration[] }
  readonly app: { readonly role: string; readonly password: string | null }
  /** D16: the password of a tenant's own login; null when tenants do not log in. */
  readonly tenantPassword: (schema: string) => string | null
  /** Milliseconds that open transactions of a fenced tenant's own sessions have (D16); default 20 s. */
  readonly grace?: number
  readonly log: Log
}

/** A migration gives way to tools rather than the other way round; it is tried again. */
const MIGRATION_LOCK_TIMEOUT = 2_000
/** Longer than any tool may run. */
const DRAIN_TIMEOUT = 310_000
/** Milliseconds until a tenant's own sessions are ended after its fence. */
const GRACE = 20_000
/** Roles that are looked at in one transaction: each one that changes holds a lock. */
const LOGINS_AT_ONCE = 100
const WORKERS = 2

/** What changes structure: roles, schemas, migrations, fences. */
export function createAdministration(options: AdministrationOptions): Administration {
  const { pool, placements, migrations, app, log } = options
  const required = { control: migrations.control.length, tenant: migrations.tenant.length }

  const roleOf = (schema: string): TenantRole => {
    assertSchema(schema)
    return { schema, app: app.role, password: options.tenantPassword(schema) }
  }

  /** One transaction that changes a tenant's schema and the registry; two, the schema's first, when they live on different servers. */
  async function change(
    { schema, placement }: Pick<TenantPlace, 'schema' | 'placement'>,
    structure: (client: pg.PoolClient, role: TenantRole) => Promise<void>,
    registry: (client: pg.PoolClient) => Promise<void>,
  ): Promise<void> {
    const role = roleOf(schema)
    await adminTransaction(pool(placement), {}, async (client) => {
      await structure(client, role)
      if (placement === 'default') await registry(client)
    })
    if (placement !== 'default') await adminTransaction(pool('default'), {}, registry)
  }

  /**
   * Waits until no transaction uses the tenant's tables. One that is logged in as the tenant (D16) may take its time off and hold them for
   * ever: after as long as a call usually may take it is ended.
   */
  async function drain(place: TenantPlace): Promise<void> {
    if (options.tenantPassword(place.schema) === null) return await locked(place)
    const end = async (which: 'idle' | 'all'): Promise<void> =>
      await adminTransaction(
        pool(place.placement),
        {},
        async (client) => await endSessions(client, place.schema, which),
      )
    await end('idle')
    const late = setTimeout(() => {
      end('all').catch((error: unknown) =>
        log.warn({ err: error, schema: place.schema }, 'sessions could not be ended'),
      )
    }, options.grace ?? GRACE)
    try {
      await locked(place)
    } finally {
      clearTimeout(late)
    }
  }

  /** One table at a time, so that nobody can deadlock with it. */
  async function locked({ schema, placement }: TenantPlace): Promise<void> {
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
        for (let from = 0; from < roles.length; from += LOGINS_AT_ONCE) {
          await adminTransaction(
            pool(placement),
            { retry: madeAtOnce },
            async (client) => await settleLogins(client, roles.slice(from, from + LOGINS_AT_ONCE)),
          )
        }
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
        async (client, role) => await shutTenant(client, role),
        async (client) => await asOperator(client, registry),
      )
      await onShut?.()
      await drain(place)
    },

    async unfence(place, registry) {
      await change(
        place,
        async (client, role) => await openTenant(client, role),
        async (client) => await asOperator(client, registry),
      )
    },

    async drop(place, registry) {
      const role = roleOf(place.schema)
      await adminTransaction(pool(place.placement), {}, async (client) => {
        if ((await tablesOf(client, place.schema)).length > 0) await shutTenant(client, role)
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

    wall: async () => await probe(pool('default')),
    logins: async () => await loginState(pool),
  }

  async function migrateOne(schema: string, placement: string): Promise<void> {
    const role = roleOf(schema)
    const bring = async (client: pg.PoolClient): Promise<void> => {
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
