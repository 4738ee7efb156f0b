import pg from 'pg'
import type { Clock } from '#base/clock.ts'
import type { Config } from '#base/config.ts'
import { isUuid } from '#base/id.ts'
import type { Log } from '#base/log.ts'
import { NO_METRICS, type Metrics } from '#base/metrics.ts'
import { NO_TRACING, type Tracing } from '#base/tracing.ts'
import { createAdministration } from './administration.ts'
import { appLogin, asApp } from './app-login.ts'
import { createNodes } from './citus.ts'
import { CHANNEL, formatChange, NEWS_CHANNEL } from './change.ts'
import { createDesks } from './desks.ts'
import { DatabaseUnavailable, type ControlActor, type ControlDb, type Database } from './database.ts'
import { openEmbedded } from './embedded/open.ts'
import { Hub } from './hub.ts'
import { timed, watchListener, watchPools, type WatchedPool } from './metrics.ts'
import { readMigrations } from './migrations.ts'
import { ROLE } from './names.ts'
import { connectionConfig, createPool, parseUrl, say } from './pool.ts'
import { createPoolBudget } from './pool-budget.ts'
import { following, whereabouts } from './relocation.ts'
import { readReplicaState } from './replica-state.ts'
import { createReplicas } from './replicas.ts'
import { serverOf, urlAt } from './servers.ts'
import { isSql, type Sql } from './sql.ts'
import { readToolMigrations } from './tool-migrations.ts'
import { traced } from './traced.ts'
import { createTenantDoor } from './tenant-door.ts'
import { createTenantLogins, tenantPassword } from './tenant-logins.ts'
import { transaction } from './transaction.ts'

export interface OpenOptions {
  readonly config: Pick<Config, 'database' | 'dataDir' | 'sessionSecrets' | 'production'> &
    Partial<Pick<Config, 'toolsDir'>>
  readonly log: Log
  readonly clock: Clock
  /** Of the admin on each Postgres server, at most; the embedded database has its own number. Default 2. */
  readonly adminConnections?: number
  /** Absent: nobody scrapes. */
  readonly metrics?: Metrics
  /** Absent: nobody collects spans. */
  readonly tracing?: Tracing
}

const CONTROL_TIMEOUT = 10_000
const ADMIN_POOL_MAX = 2
const TRANSFER_POOL_MAX = 4

/**
 * The door to Postgres at DATABASE_URL, or to the embedded one in DATA_DIR: started here, or reached through its socket when another
 * process holds it. Connects to a server only when something is asked of it; its roles need not exist yet.
 * Throws ConfigError when the embedded database cannot be had.
 */
export async function openDatabase({
  config,
  log,
  metrics = NO_METRICS,
  tracing = NO_TRACING,
  adminConnections = ADMIN_POOL_MAX,
}: OpenOptions): Promise<Database> {
  const settings = config.database
  // Before anything is opened: it may stop the start.
  const tools = await readToolMigrations(config)
  const embedded = settings.url === null ? await openEmbedded(config.dataDir, log) : null
  const url = settings.url ?? embedded?.url ?? ''
  const secret = config.sessionSecrets[0] ?? ''
  // The embedded database has one session and no passwords: whoever may open its socket is its administrator.
  const ownRole = settings.appRole && embedded === null
  if (!settings.appRole && embedded === null) {
    log.warn(
      'DATABASE_APP_ROLE=off: the pool logs in as the user of DATABASE_URL, which can do more than a tool call needs',
    )
  }
  const own = ownRole ? appLogin(settings, secret) : null
  const app =
    own === null
      ? { role: decodeURIComponent(parseUrl(url).username) || 'postgres', password: null }
      : { role: own.user, password: own.password }
  const tenantLogin = settings.tenantLogin && embedded === null
  const limits = { max: settings.poolMax, maxLifetime: settings.poolMaxLifetime, maxUses: settings.poolMaxUses }

  const urlOf = (name: string): string => {
    const { placement, replica, node } = serverOf(name)
    if (replica) return replicaUrlOf(placement)
    const found = placement === 'default' ? url : settings.placements[placement]
    if (found === undefined)
      throw new DatabaseUnavailable(`DATABASE_URL_${placement.toUpperCase()} is not set, and a tenant lives there`)
    return node === null ? found : urlAt(found, node)
  }
  const replicaUrlOf = (placement: string): string => settings.replicas[placement] ?? urlOf(placement)
  const adminUrlOf = (placement: string): string =>
    placement === 'default' ? (settings.adminUrl ?? url) : urlOf(placement)

  const budget = createPoolBudget(settings.poolTotal)
  const pools = new PoolShelf((placement) =>
    budget.join(createPool(asApp(urlOf(placement), own), limits, settings.pipeline)),
  )
  const connections = embedded === null ? adminConnections : ADMIN_POOL_MAX
  const adminPools = new PoolShelf((placement) =>
    createPool({ url: adminUrlOf(placement) }, { ...limits, max: connections }),
  )
  const replicaPools = new PoolShelf((placement) =>
    budget.join(createPool(asApp(replicaUrlOf(placement), own), limits, settings.pipeline)),
  )
  const poolOf = (name: string): pg.Pool => {
    const { placement, replica } = serverOf(name)
    return replica ? replicaPools.get(placement) : pools.get(name)
  }
  const hub = new Hub({ connect: () => connectionConfig(asApp(settings.directUrl ?? url, own)), log })
  const door = createTenantDoor({
    pool: poolOf,
    logins: tenantLogin
      ? createTenantLogins({
          url: urlOf,
          secrets: config.sessionSecrets,
          connections: settings.tenantConnections,
          maxLifetime: settings.poolMaxLifetime,
          pipeline: settings.pipeline,
        })
      : null,
    nodes: settings.citus ? createNodes(() => pools.get('default')) : null,
    replicas: createReplicas({
      has: (placement) => settings.replicas[placement] !== undefined,
      primary: (placement) => pools.get(placement),
      log,
      metrics,
    }),
    poolMax: settings.poolMax,
    pipeline: settings.pipeline,
    metrics,
  })
  const admin = createAdministration({
    pool: (placement) => adminPools.get(placement),
    connections,
    placements: ['default', ...Object.keys(settings.placements)],
    defaultPlacement: settings.defaultPlacement,
    ownPool: (placement) => createPool({ url: adminUrlOf(placement) }, { ...limits, max: TRANSFER_POOL_MAX }),
    migrations: { control: await readMigrations('control'), tenant: await readMigrations('tenant'), tools },
    app,
    citus: settings.citus ? { url: adminUrlOf('default') } : null,
    tenantPassword: (schema) => (tenantLogin ? tenantPassword(secret, schema) : null),
    log,
  })

  const desks = createDesks(settings.poolMax)

  async function control<T>(actor: ControlActor, run: (db: ControlDb) => Promise<T>): Promise<T> {
    const pool = (actor.as === 'operator' ? adminPools : pools).get('default')
    const options = { prelude: controlPrelude(actor), check: onlySql, timeout: CONTROL_TIMEOUT }
    const ask = async (): Promise<T> => await transaction(pool, options, run)
    return actor.as === 'desk' ? await desks.run(actor.tenant, ask) : await ask()
  }

  watchListener(metrics, hub)
  watchPools(metrics, () => [
    ...pools.watched('calls'),
    ...adminPools.watched('admin'),
    ...replicaPools.watched('replica'),
  ])

  const enter = following(
    door.enter,
    async (schema) => await control({ as: 'resolver', access: 'read' }, async (db) => await whereabouts(db, schema)),
  )
  return {
    kind: embedded === null ? 'postgres' : 'embedded',
    tenant: traced(tracing, timed(metrics, enter)),
    admin,
    async replica(placement) {
      if (settings.replicas[placement] === undefined) return null
      return await readReplicaState(pools.get(placement), replicaPools.get(placement))
    },
    control,
    async announce(change) {
      await say(pools.get('default'), `NOTIFY ${CHANNEL}, ${pg.escapeLiteral(formatChange(change))}`)
    },
    listen: async (onChange, onGap) => await hub.listen(onChange, onGap),
    async tell(texts) {
      const said = texts.map((text) => `NOTIFY ${NEWS_CHANNEL}, ${pg.escapeLiteral(text)}`)
      if (said.length > 0) await say(pools.get('default'), said.join('; '))
    },
    hear: async (onText, onGap) => await hub.hear(onText, onGap),
    async ping() {
      await say(pools.get('default'), 'SELECT 1')
    },
    async close() {
      await Promise.allSettled([hub.close(), door.close(), pools.close(), adminPools.close(), replicaPools.close()])
      await embedded?.close()
    },
  }
}

function controlPrelude(actor: ControlActor): string {
  const role = { resolver: ROLE.resolver, desk: ROLE.desk, operator: ROLE.operator }[actor.as]
  if (actor.as === 'desk' && !isUuid(actor.tenant)) throw new TypeError('not a tenant id')
  return [
    actor.access === 'read' ? 'BEGIN READ ONLY' : 'BEGIN',
    `SET LOCAL ROLE ${role}`,
    'SET LOCAL search_path = gatehouse, pg_temp',
    `SET LOCAL statement_timeout = ${CONTROL_TIMEOUT}`,
    `SET LOCAL idle_in_transaction_session_timeout = ${CONTROL_TIMEOUT + 1_000}`,
    // Row security reads it. An identifier checked above: nothing to quote.
    ...(actor.as === 'desk' ? [`SET LOCAL gatehouse.tenant = '${actor.tenant}'`] : []),
  ].join('; ')
}

/** The registry's statements are this program's own: D15's refused words are for tools. */
function onlySql(statement: Sql): Sql {
  if (!isSql(statement)) throw new TypeError('db.query takes only what the sql`...` template made')
  return statement
}

/** One pool per placement, made when first asked for. */
class PoolShelf {
  readonly #pools = new Map<string, pg.Pool>()
  readonly #make: (placement: string) => pg.Pool

  constructor(make: (placement: string) => pg.Pool) {
    this.#make = make
  }

  get(placement: string): pg.Pool {
    const found = this.#pools.get(placement)
    if (found !== undefined) return found
    const made = this.#make(placement)
    this.#pools.set(placement, made)
    return made
  }

  watched(use: string): WatchedPool[] {
    return [...this.#pools].map(([placement, pool]) => ({ placement, use, pool }))
  }

  async close(): Promise<void> {
    const pools = [...this.#pools.values()]
    this.#pools.clear()
    await Promise.allSettled(pools.map(async (pool) => await pool.end()))
  }
}
