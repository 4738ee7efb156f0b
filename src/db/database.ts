import type { Capacity } from './capacity.ts'
import type { CitusState } from './citus-state.ts'
import type { ExaminedTenant, TenantDrift } from './drift.ts'
import type { Privileges } from './privileges.ts'
import type { ReplicaState } from './replica-state.ts'
import type { Sql } from './sql.ts'
import type { BackupSource, BackupTarget } from './tenant-backup.ts'
import type { Transfer } from './transfer.ts'

export type { BackupTarget, TableWriter } from './tenant-backup.ts'

/** Runs one statement in extended protocol with bound values and answers its rows. */
export interface Queryable {
  query<Row extends object = Record<string, unknown>>(statement: Sql): Promise<Row[]>
}

/** A tenant's own schema, inside one transaction. Only what `withTenant` hands out is one. */
export interface TenantDb extends Queryable {
  readonly access: 'read' | 'write'
}

/** The registry (schema `gatehouse`), inside one transaction. */
export interface ControlDb extends Queryable {}

/**
 * Who speaks to the registry. `resolver`: reads what identity resolution needs, of every tenant, and writes only what joining
 * and last-use stamps need. `desk`: rows of one tenant (row security). `operator`: everything; CLI and provisioning only.
 */
export type ControlActor = (
  | { readonly as: 'resolver' }
  | { readonly as: 'desk'; readonly tenant: string }
  | { readonly as: 'operator' }
) & {
  /** `read`: Postgres itself refuses every change (SQLSTATE 25006). */
  readonly access?: 'read' | 'write'
}

/** What of a tenant the wall needs to know; `Tenant` of tenancy satisfies it. */
export interface TenantPlace {
  readonly schema: `tenant_${string}`
  readonly placement: string
  readonly schemaVersion: number
}

export interface TenantOptions {
  readonly access: 'read' | 'write'
  /** Every statement sees what the first one saw (REPEATABLE READ), whatever is written meanwhile. For reading only. */
  readonly snapshot?: boolean
  /** Milliseconds for the whole transaction; default 15 000. */
  readonly timeout?: number
  /** Aborted: the running statement is cancelled and the transaction rolled back. */
  readonly signal?: AbortSignal
}

/** A hint that something in the registry changed: what kind of row and whose. Never believed, only used to re-read (D21). */
export interface Change {
  readonly table:
    | 'tenants'
    | 'domains'
    | 'members'
    | 'organizations'
    | 'api_keys'
    | 'upstreams'
    | 'invitations'
    | 'revocations'
    | 'plans'
  /** Tenant id; null when the row belongs to none. */
  readonly tenant: string | null
  /** Row id, for keys the public key id, for revocations the digest of the token or person, for plans the name; null for "all". */
  readonly id: string | null
}

export interface Listener {
  /** True while changes are known to arrive (heartbeat within 2 s). */
  readonly live: boolean
}

/** The one door to Postgres (or the embedded PGlite), for all rooms above. */
export interface Database {
  readonly kind: 'postgres' | 'embedded'
  /**
   * One transaction on the registry. Retries nothing. Throws DatabaseUnavailable when Postgres cannot be reached.
   * `run` must only use the db it is given.
   */
  control<T>(actor: ControlActor, run: (db: ControlDb) => Promise<T>): Promise<T>
  /**
   * One transaction inside a tenant's schema, under the tenant's role (DESIGN section 8). COMMIT when `run` resolves, ROLLBACK when it
   * throws. Throws DatabaseUnavailable, TenantFenced (42501 on the schema: suspended, deleted or moved), TenantBusy (waited too
   * long), StatementTimeout.
   */
  tenant<T>(tenant: TenantPlace, options: TenantOptions, run: (db: TenantDb) => Promise<T>): Promise<T>
  /** Tells every replica (after the change is committed). */
  announce(change: Change): Promise<void>
  /** Calls back for changes made anywhere, and `onGap` when some may have been missed (reconnect, heartbeat lost). */
  listen(onChange: (change: Change) => void, onGap: () => void): Promise<Listener>
  /**
   * Says these texts to every process that hears; each at most 7,999 octets of ASCII. Any role may hear and say as much: seal what nobody
   * else may read or make up. Throws DatabaseUnavailable.
   */
  tell(texts: readonly string[]): Promise<void>
  /** Calls back for texts told by whomever, one's own too, and `onGap` when some may have been missed. Until `close`. */
  hear(onText: (text: string) => void, onGap: () => void): Promise<void>
  readonly admin: Administration
  /** How the placement's read replica stands; null: it has none. Throws DatabaseUnavailable. */
  replica(placement: string): Promise<ReplicaState | null>
  /** One round trip; for /readyz. Throws DatabaseUnavailable. */
  ping(): Promise<void>
  close(): Promise<void>
}

/** What changes structure: used by serve at start, by provisioning, and by the CLI. Runs on the admin connection. */
export interface Administration {
  /** Version of sql/tenant and of sql/control that this program carries. */
  readonly required: { readonly control: number; readonly tenant: number; readonly tools: number }
  /** Roles, the `ext` schema, the registry and its migrations. Safe to run from several processes at once and again. */
  bootstrap(): Promise<void>
  /** null: never bootstrapped. */
  controlVersion(): Promise<number | null>
  /**
   * A new tenant in one transaction: `register` writes its registry rows (as operator), then role, schema, all migrations, grants.
   * Nothing is left when any of it fails. Sets tenants.schema_version itself.
   */
  provision(place: Pick<TenantPlace, 'schema' | 'placement'>, register: (db: ControlDb) => Promise<void>): Promise<void>
  /**
   * Brings tenants below the required version up, one transaction each; goes on after a failure and lists it. May be ended at any moment and
   * run again; several at once share the work. Throws DatabaseUnavailable when a server is away for longer than a tenant's attempts.
   */
  migrateTenants(options?: MigrateOptions): Promise<MigrationProgress>
  /**
   * D18: revokes the tenant role's rights and changes the registry in the same transaction, then waits out open transactions, which may
   * take minutes. `onShut`: after the first, before the second.
   */
  fence(place: TenantPlace, change: (db: ControlDb) => Promise<void>, onShut?: () => Promise<void>): Promise<void>
  /** Gives the rights back and changes the registry in the same transaction. */
  unfence(place: TenantPlace, change: (db: ControlDb) => Promise<void>): Promise<void>
  /** Fences, drops schema and role, and changes the registry. */
  drop(place: TenantPlace, change: (db: ControlDb) => Promise<void>): Promise<void>
  /**
   * One transaction as the owner of a tenant's schema or of the registry (`gatehouse`), who may delete what others may only add to: for
   * what has outlived its retention, and nothing else. May run more than once.
   */
  owning<T>(
    place: { readonly schema: string; readonly placement: string },
    work: (db: Queryable) => Promise<T>,
  ): Promise<T>
  /** For doctor: the cluster behind DATABASE_CITUS; null when it is off. */
  citus(): Promise<CitusState | null>
  /**
   * The steps that bring a tenant's schema to another server; whoever takes them keeps the registry. Opens connections of its own: close it.
   * @param move id of the move, @param holder of the process that works on it
   */
  transfer(place: {
    readonly schema: string
    readonly from: string
    readonly to: string
    readonly move: string
    readonly holder: string
  }): Transfer
  /** The names of the servers that tenants can live on; the first is `default`. */
  readonly placements: readonly string[]
  /** The one that new tenants live on (DEFAULT_PLACEMENT). */
  readonly defaultPlacement: string
  /** The files of sql/tenant, the first first: what a backup was made with must be the same here. */
  readonly files: readonly { readonly name: string; readonly sha256: string }[]
  /** The same of TOOLS_DIR/sql. */
  readonly toolFiles: Administration['files']
  /**
   * A tenant's tables as they are at one moment, for a backup (tenant-backup.ts). Not for the embedded database, which speaks no COPY.
   */
  snapshot<T>(place: Pick<TenantPlace, 'schema' | 'placement'>, work: (source: BackupSource) => Promise<T>): Promise<T>
  /**
   * A tenant from a backup: `register` writes its registry rows, then role, schema at `version`, rows by `fill`, the migrations since then, and
   * rights unless it is `fenced`. All of it or nothing. Throws MigrationFailed, and what Postgres says of rows that do not fit.
   */
  restore(
    place: Pick<TenantPlace, 'schema' | 'placement'>,
    backup: { readonly version: number; readonly tools: number; readonly fenced: boolean },
    register: (db: ControlDb) => Promise<void>,
    fill: (target: BackupTarget) => Promise<void>,
  ): Promise<void>
  /** For doctor (D16): how many active tenants there are, and how many of their roles may log in. */
  logins(): Promise<{ readonly total: number; readonly able: number }>
  /**
   * For doctor (D15): tries each escape on the server of a placement; 'hardened' when the database itself refuses all, 'guarded' when only
   * db.query does.
   */
  wall(placement: string): Promise<{ readonly level: 'hardened' | 'guarded'; readonly open: readonly string[] }>
  /** For doctor: what the admin, the pool's login role and everybody may do (D17). */
  privileges(placement?: string): Promise<Privileges>
  /** For doctor: how many connections the server of a placement gives. */
  capacity(placement: string): Promise<Capacity>
  /** For doctor: which of these tenants are not as the migrations make one. Some hundred at a time. */
  drift(tenants: readonly ExaminedTenant[]): Promise<readonly TenantDrift[]>
}

export interface MigrateOptions {
  /** Tenants at a time on each Postgres server; fewer where the server has not twice as many connections left. */
  readonly workers?: number
  /** Slugs or schemas. */
  readonly only?: readonly string[]
  /** So many, or these slugs, one by one before all others: when one fails, nothing else is tried. Default none. */
  readonly canary?: number | readonly string[]
  /** Milliseconds to wait for each lock: calls of the tenant wait as long. Default 2 s. */
  readonly lockTimeout?: number
  /** Milliseconds for each statement; 0: what the server says. Default 10 min. */
  readonly statementTimeout?: number
  /** How often a tenant is tried whose tables are locked, with growing pauses between; default 6. */
  readonly attempts?: number
  /** Aborted: no further tenant is begun. */
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: MigrationProgress) => void
}

export interface MigrationProgress {
  /** Tenants that were behind when it began. */
  readonly total: number
  /** Those brought up by this run; another at the same time may have done others. */
  readonly done: number
  /** Slug of the tenant it is about. */
  readonly current: string | null
  readonly failed: readonly MigrationFailure[]
  /** At the end: how many are behind now. */
  readonly left: number
  /** By placement: tenants at a time. */
  readonly workers: Readonly<Record<string, number>>
  readonly stopped: 'canary' | 'signal' | null
}

export interface MigrationFailure {
  readonly schema: string
  readonly slug: string
  /** Of sql/tenant; null: it failed before or after the files. */
  readonly file: string | null
  readonly error: string
  readonly sqlstate: string | null
  readonly hint: string | null
}

/** Postgres cannot be reached, or the connection broke before the outcome was known. */
export class DatabaseUnavailable extends Error {
  override readonly name = 'DatabaseUnavailable'
}
/** The tenant's role has no rights on its schema: suspended, deleted or moved (D18). Re-read the registry. */
export class TenantFenced extends Error {
  override readonly name = 'TenantFenced'
}
/** This tenant already has its share of connections and none came free in time. */
export class TenantBusy extends Error {
  override readonly name = 'TenantBusy'
}
/** The call took longer than its time limit and was ended. */
export class StatementTimeout extends Error {
  override readonly name = 'StatementTimeout'
}
