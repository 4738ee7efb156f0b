import type pg from 'pg'
import type { Log } from '#base/log.ts'
import { adminTransaction, asOperator, asOwnerOf, madeAtOnce } from './admin-connection.ts'
import { asOwner, prepare } from './bootstrap.ts'
import { readCapacity } from './capacity.ts'
import type { Administration, TenantPlace } from './database.ts'
import { examineDrift } from './drift.ts'
import { createTenantMigration } from './migrate-tenants.ts'
import { setVersion } from './migration-record.ts'
import { citusState } from './citus-state.ts'
import { createOnCitus, prepareCitus } from './citus.ts'
import { migrate, type Migration } from './migrations.ts'
import { assertSchema, ROLE } from './names.ts'
import { readPrivileges } from './privileges.ts'
import { sql } from './sql.ts'
import { createTenantBackup } from './tenant-backup.ts'
import {
  createTenantSchema,
  dropTenantSchema,
  endSessions,
  openTenant,
  settleLogins,
  shutTenant,
  tablesOf,
  tenantLogins,
  type TenantRole,
} from './tenant-schema.ts'
import { createTransfer } from './transfer.ts'
import { loginState } from './tenant-login-state.ts'
import { probe } from './wall.ts'

export interface AdministrationOptions {
  /** The admin's pool on the server of a placement; 'default' holds the registry. */
  readonly pool: (placement: string) => pg.Pool
  readonly placements: readonly string[]
  /** Where new tenants live; default `default`. */
  readonly defaultPlacement?: string
  /** Connections of an admin for one piece of work alone, which ends them. */
  readonly ownPool: (placement: string) => pg.Pool
  readonly migrations: Readonly<Record<'control' | 'tenant', readonly Migration[]> & { tools?: readonly Migration[] }>
  readonly app: { readonly role: string; readonly password: string | null }
  /** Connections of each such pool. */
  readonly connections: number
  /** The admin's URL of the coordinator; absent: the placement `default` is no Citus cluster. */
  readonly citus?: { readonly url: string } | null
  /** D16: the password of a tenant's own login; null when tenants do not log in. */
  readonly tenantPassword: (schema: string) => string | null
  /** Milliseconds that open transactions of a fenced tenant's own sessions have (D16); default 20 s. */
  readonly grace?: number
  readonly log: Log
}

const DRAIN_TIMEOUT = 310_000 // longer than any tool may run
/** Milliseconds until a tenant's own sessions are ended after its fence. */
const GRACE = 20_000
/** Schemas of one transaction at start; each role that changes holds a lock. */
const PAGE = 200

/** What changes structure: roles, schemas, migrations, fences. */
export function createAdministration(options: AdministrationOptions): Administration {
  const { pool, placements, migrations, app, log, citus = null } = options
  const tools = migrations.tools ?? []
  const required = { control: migrations.control.length, tenant: migrations.tenant.length, tools: tools.length }
  const roleOf = (schema: string): TenantRole => {
    assertSchema(schema)
    return { schema, app: app.role, password: options.tenantPassword(schema), tools }
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

  /** Of those on a server that are not deleted, the next in order; with names: only those. */
  async function schemas(placement: string, after: string, names: readonly string[] | null): Promise<string[]> {
    const rows = await adminTransaction(
      pool('default'),
      {},
      async (client) =>
        await asOperator(
          client,
          async (db) =>
            await db.query<{ schema: string }>(sql`SELECT schema FROM tenants
              WHERE status <> 'deleted' AND placement = ${placement} AND schema > ${after}
                AND (${names}::text[] IS NULL OR schema = ANY (${names}))
              ORDER BY schema LIMIT ${PAGE}`),
        ),
    )
    return rows.map(({ schema }) => schema)
  }

  const isEnlisted = async (schema: string): Promise<boolean> =>
    await adminTransaction(pool('default'), {}, async (client) => {
      const rows = await asOperator(
        client,
        async (db) => await db.query(sql`SELECT 1 FROM tenants WHERE schema = ${schema}`),
      )
      return rows.length > 0
    })

  /** D16: every tenant's login as it must be now. Where tenants do not log in, only roles that still may are looked at: a start must not take longer with each tenant. */
  async function settle(placement: string): Promise<void> {
    const loggingIn = options.tenantPassword('tenant_any') !== null
    const names = loggingIn ? null : await adminTransaction(pool(placement), {}, tenantLogins)
    if (names?.length === 0) return
    for (let after = ''; ;) {
      const page = await schemas(placement, after, names)
      if (page.length > 0)
        await adminTransaction(
          pool(placement),
          { retry: madeAtOnce },
          async (client) => await settleLogins(client, page.map(roleOf)),
        )
      if (page.length < PAGE) return
      after = page.at(-1) ?? after
    }
  }

  return {
    required,

    async bootstrap() {
      for (const placement of placements) {
        await adminTransaction(pool(placement), { retry: madeAtOnce }, async (client) => {
          await prepare(client, { app, log })
          if (citus !== null && placement === 'default') await prepareCitus(client)
          if (placement === 'default') await migrate(client, 'gatehouse', migrations.control)
        })
      }
      for (const placement of placements) await settle(placement)
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
        await asOperator(client, async (db) => await setVersion(db, place.schema, required))
      }
      const onCitus = citus !== null && place.placement === 'default'
      if (place.placement === 'default' && !onCitus) {
        return await adminTransaction(pool('default'), {}, async (client) => {
          // The registry first: a slug that is taken is its error to tell.
          await enlist(client)
          await build(client)
        })
      }
      const elsewhere = pool(place.placement)
      const undo = async (): Promise<void> =>
        await adminTransaction(elsewhere, {}, async (client) => await dropTenantSchema(client, roleOf(place.schema)))
      if (onCitus) {
        await createOnCitus(elsewhere, roleOf(place.schema), migrations.tenant)
        return await adminTransaction(pool('default'), {}, enlist).catch(async (error: unknown) => {
          await undo()
          throw error
        })
      }
      let built = false
      try {
        // The registry's row is written first and committed last: who makes the same tenant at once waits for it, and is told that it is there.
        await adminTransaction(pool('default'), {}, async (client) => {
          await enlist(client)
          await adminTransaction(elsewhere, {}, build)
          built = true
        })
      } catch (error) {
        // When the connection broke at the end, only the registry knows; when it cannot be asked, an empty schema is the lesser evil.
        if (built && !(await isEnlisted(place.schema).catch(() => true))) await undo()
        throw error
      }
    },

    migrateTenants: createTenantMigration({ ...options, migrations: migrations.tenant, tools, roleOf }),

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

    placements,
    defaultPlacement: options.defaultPlacement ?? 'default',

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

    files: migrations.tenant,
    toolFiles: tools,
    ...createTenantBackup({ pool, roleOf, migrations: migrations.tenant }),
    wall: async (placement) => await probe(pool(placement)),
    privileges: async (placement = 'default') => await readPrivileges(pool(placement), app.role),
    capacity: async (placement) => await readCapacity(pool(placement), app.role),
    drift: async (tenants) => await examineDrift({ pool, migrations: migrations.tenant, roleOf }, tenants),
    logins: async () => await loginState(pool),
    citus: async () => (citus === null ? null : await citusState(pool('default'), citus.url)),
  }
}
