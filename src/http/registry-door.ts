import type { Clock } from '#base/clock.ts'
import type { Config } from '#base/config.ts'
import type { Log } from '#base/log.ts'
import { Refusal } from '#base/refusal.ts'
import { DatabaseUnavailable, type Change, type Database } from '#db/database.ts'
import type { Identity } from '#identity/identity.ts'
import { auditKey, CONTROL_SCHEMA } from '#tenancy/audit.ts'
import { createDirectory, type Asked, type Directory } from '#tenancy/directory.ts'
import type { ApiKeyLookup } from '#identity/api-key.ts'
import { createKeyLookup } from '#tenancy/key-lookup.ts'
import { watchRegistry } from '#tenancy/registry-cache.ts'
import { createRevocations, type Revocations } from '#tenancy/revocations.ts'
import type { Scopes } from '#tenancy/roles.ts'
import { logEvents } from '#tenancy/security-event.ts'
import { createUpstreamLookup, type UpstreamLookup } from '#tenancy/upstream-lookup.ts'
import type { Seed } from '#tenancy/seeds.ts'
import type { Principal, Tenant } from '#tenancy/tenant.ts'

export interface RegistryDoorOptions {
  readonly database: Database
  readonly config: Config
  readonly clock: Clock
  readonly log: Log
  readonly scopes: Scopes
  readonly secret: string
  readonly seeds: readonly Seed[]
}

/** The registry as the server uses it: shut (503) until the database is reached and has the version this program needs. */
export interface RegistryDoor {
  readonly open: boolean
  /**
   * Grows with every change of the registry; null while changes are not known to arrive. What was found out about a caller under the same number
   * is still so, but for the passing of time.
   */
  readonly generation: number | null
  /** Tells of each change of the registry from then on, once nothing older is held here; null: anything may have changed. For before `start`. */
  onChange(told: (change: Change | null) => void): void
  /** One try now; further ones in the background. Throws nothing. */
  start(): Promise<void>
  principal(identity: Identity, asked: Asked): Promise<Principal>
  readonly key: ApiKeyLookup
  readonly upstream: UpstreamLookup
  fenced(tenant: Tenant): Promise<Refusal | null>
  /** Refuses a token (D22) at the word of whoever holds it: here when this resolves, everywhere within the second of D21. */
  revokeToken(
    token: { readonly identity: Identity; readonly digest: string; readonly until: number | null },
    from: { readonly ip: string | null; readonly requestId: string },
  ): Promise<void>
  close(): Promise<void>
}

interface Opened {
  readonly directory: Directory
  readonly revoke: Revocations['revokePresented']
  readonly key: ApiKeyLookup
  readonly upstream: UpstreamLookup
  readonly generation: () => number | null
}

const RETRY_FIRST = 500
const RETRY_MOST = 10_000

export function createRegistryDoor({
  database,
  config,
  clock,
  log,
  scopes,
  secret,
  seeds,
}: RegistryDoorOptions): RegistryDoor {
  let opened: Opened | null = null
  let closed = false
  let timer: NodeJS.Timeout | null = null
  const listeners: ((change: Change | null) => void)[] = []

  async function attempt(): Promise<Opened | null> {
    const { admin } = database
    if (database.kind === 'embedded' || config.database.migrateOnStart) {
      await admin.bootstrap()
      const { failed } = await admin.migrateTenants()
      for (const { schema, error } of failed)
        log.error({ schema, error }, 'a tenant could not be migrated: it is refused until `gatehouse migrate` succeeds')
    }
    const version = await admin.controlVersion()
    if (version === null || version < admin.required.control) {
      log.warn(
        { version, required: admin.required.control },
        'the registry is not migrated: run `gatehouse migrate`; not ready until then',
      )
      return null
    }
    const watch = await watchRegistry(database)
    for (const told of listeners) watch.subscribe(told)
    const key = auditKey(secret, CONTROL_SCHEMA)
    const events = logEvents(log)
    const revocations = createRevocations({
      database,
      clock,
      auditKey: key,
      events,
    })
    return {
      async revoke(token, from) {
        await revocations.revokePresented(token, from)
        // The word of it comes back to this process too, but later than the answer.
        watch.invalidate({ table: 'revocations', tenant: null, id: token.digest })
      },
      directory: createDirectory({
        database,
        watch,
        clock,
        log,
        config: { ...config.tenancy, production: config.production, requiredScopes: config.requiredScopes },
        staticKeyRole: config.providers.staticKey?.role ?? null,
        scopes,
        auditKey: key,
        events,
        slugPrefix: config.database.slugPrefix,
        seeds,
      }),
      key: createKeyLookup({ database, clock, watch }),
      upstream: createUpstreamLookup({ database, clock, log, watch, secrets: config.sessionSecrets }),
      generation: () => (watch.live ? watch.generation : null),
    }
  }

  async function start(wait = RETRY_FIRST): Promise<void> {
    opened = await attempt().catch((error: unknown) => {
      log.warn(
        { err: error },
        error instanceof DatabaseUnavailable
          ? 'the database cannot be reached: not ready'
          : 'the registry could not be opened: not ready',
      )
      return null
    })
    if (opened !== null || closed) return
    timer = setTimeout(() => void start(Math.min(wait * 2, RETRY_MOST)), wait)
  }

  function need(): Opened {
    if (opened === null)
      throw new Refusal('database_unavailable', { retryAfter: 5, detail: 'the registry is not open yet' })
    return opened
  }

  return {
    get open() {
      return opened !== null
    },
    get generation() {
      return opened?.generation() ?? null
    },
    onChange: (told) => void listeners.push(told),
    start: async () => await start(),
    principal: async (identity, asked) => await need().directory.principal(identity, asked),
    key: async (id) => await need().key(id),
    upstream: async (tenant, name) => await need().upstream(tenant, name),
    fenced: async (tenant) => await need().directory.fenced(tenant),
    revokeToken: async (token, from) => await need().revoke(token, from),
    async close() {
      closed = true
      if (timer !== null) clearTimeout(timer)
      await opened?.directory.settle()
    },
  }
}
