import type { Clock } from '#base/clock.ts'
import type { Config } from '#base/config.ts'
import type { Log } from '#base/log.ts'
import { Refusal } from '#base/refusal.ts'
import { DatabaseUnavailable, type Change, type ControlDb, type Database } from '#db/database.ts'
import type { Identity } from '#identity/identity.ts'
import { blockedOf } from './blocked.ts'
import { personDigest } from './digest.ts'
import { evidenceDigest } from './evidence.ts'
import { keyStanding, staticKeyStanding } from './key-standing.ts'
import { refusalNow } from './fenced.ts'
import { createLastUse } from './last-use.ts'
import { createLedger, type Author } from './ledger.ts'
import { oldestServed } from './migration-report.ts'
import { provision } from './provision.ts'
import { RegistryCache, type RegistryWatch } from './registry-cache.ts'
import { resolvePerson, type Resolution } from './resolve.ts'
import type { Scopes } from './roles.ts'
import type { Seed } from './seeds.ts'
import { deny, type Denied, type Standing } from './standing.ts'
import type { SecurityEvents } from './security-event.ts'
import type { Principal, Tenant } from './tenant.ts'

export interface DirectoryOptions {
  readonly database: Database
  /** `await watchRegistry(database)`, shared with the key lookup. */
  readonly watch: RegistryWatch
  readonly clock: Clock
  readonly log: Log
  readonly config: Config['tenancy'] & Pick<Config, 'production' | 'requiredScopes'>
  /** Role of the static key's principal; null: there is no static key. */
  readonly staticKeyRole: 'viewer' | 'member' | 'admin' | null
  readonly scopes: Scopes
  /** `auditKey(SESSION_SECRET, CONTROL_SCHEMA)`. */
  readonly auditKey: Buffer
  /** Told of each change once it is committed. */
  readonly events?: SecurityEvents
  /** config.database.slugPrefix */
  readonly slugPrefix: string
  /** DEVELOPMENT_PEOPLE when config.developmentSignIn, else []. */
  readonly seeds: readonly Seed[]
}

export interface Asked {
  /** From the path /t/{slug}/mcp; null: the person's home tenant. */
  readonly slug: string | null
  /** For the key's last use and the audit of joining. */
  readonly ip: string | null
  /** `revocationDigest(token)` of the token presented (D22). */
  readonly tokenDigest: string
}

/** Who belongs where. */
export interface Directory {
  /**
   * The one way from an Identity to a tenant (DESIGN section 7). Throws Refusal: token_revoked, person_blocked, key_revoked, key_expired,
   * scope_insufficient, tenant_unknown, tenant_foreign, tenant_suspended, tenant_behind, member_removed, evidence_missing,
   * join_by_request, provision_limited, database_unavailable. Does not check the token itself, nor a key's address (its provider does).
   */
  principal(identity: Identity, asked: Asked): Promise<Principal>
  /** After TenantFenced (D18): reads the registry anew, forgets what was held of the tenant, and answers what to refuse with. */
  fenced(tenant: Tenant): Promise<Refusal>
  /** Waits for last-use stamps under way. */
  settle(): Promise<void>
}

/** What is held: one answer, and whose token asked, so that a change finds it. */
interface Entry {
  readonly outcome: Standing | Denied
  readonly token: string
  readonly person: string
}

const ENTRIES = 10_000
/** How often another replica may have been faster before something else must be wrong. */
const TRIES = 5

export function createDirectory(options: DirectoryOptions): Directory {
  const { database, watch, clock, config, scopes, staticKeyRole } = options
  const ledger = createLedger(options)
  const rules = { ...config, seeds: options.seeds }
  const cache = new RegistryCache<Entry>({
    watch,
    clock,
    max: ENTRIES,
    affected,
    apart: ({ outcome }) => 'denied' in outcome,
  })
  const lastUse = createLastUse(options)

  async function load(identity: Identity, asked: Asked): Promise<Entry> {
    const person = personDigest(identity.iss, identity.sub)
    const outcome = await resolve(identity, asked, person)
    if (!('denied' in outcome)) assertServable(outcome.tenant)
    return { outcome, token: asked.tokenDigest, person }
  }

  async function resolve(identity: Identity, asked: Asked, person: string): Promise<Standing | Denied> {
    const author: Author = {
      iss: identity.iss,
      sub: identity.sub,
      key_id: identity.key?.id ?? null,
      request_id: null,
      ip: asked.ip,
    }
    for (let tries = 0; tries < TRIES; tries++) {
      const outcome = await ledger.write(
        { as: 'resolver' },
        null,
        author,
        async (db) => await once(db, identity, asked, person),
      )
      if (outcome === null) continue
      if (!('vacancy' in outcome)) return outcome
      await provision(identity, author, outcome, {
        database,
        ledger,
        clock,
        slugPrefix: options.slugPrefix,
        limit: config.provisionLimit,
      })
    }
    throw new Refusal('database_unavailable', {
      retryAfter: 1,
      detail: 'too many replicas resolve this person at once',
    })
  }

  async function once(db: ControlDb, identity: Identity, asked: Asked, person: string): Promise<Resolution> {
    const blocked = await blockedOf(db, asked.tokenDigest, person)
    if (blocked === 'token') return [deny('token_revoked', 'this token was revoked'), null]
    if (blocked === 'person') return [deny('person_blocked', 'this person is blocked'), null]
    const now = clock.now()
    if (identity.key === null) return await resolvePerson(db, identity, asked.slug, now, rules)
    if (identity.provider !== 'static-key') return [await keyStanding(db, identity.key.id, asked.slug, now), null]
    if (staticKeyRole === null) return [deny('key_revoked', 'no static key is configured'), null]
    return [await staticKeyStanding(db, identity.key.tenant, staticKeyRole, asked.slug), null]
  }

  function assertServable({ slug, schemaVersion }: Tenant): void {
    const { tenant: required } = database.admin.required
    if (schemaVersion >= oldestServed(required)) return
    throw new Refusal('tenant_behind', {
      detail: `${slug} has schema version ${schemaVersion}, ${required} is needed: gatehouse migrate`,
    })
  }

  function toPrincipal(identity: Identity, { tenant, role, key }: Standing): Principal {
    const own = key?.scopes ?? null
    const effective = scopes.effective(role, identity.scopes, own)
    return {
      identity,
      tenant,
      role: key === null ? role : 'service',
      scopes: effective,
      role_scopes: scopes.effective(role, null, own),
      ...(key === null || key.requests_per_hour === null ? {} : { requests_per_hour: key.requests_per_hour }),
    }
  }

  return {
    async principal(identity, asked) {
      assertRequiredScopes(identity, config.requiredScopes, scopes)
      const key = JSON.stringify([asked.tokenDigest, evidenceDigest(identity), asked.slug])
      const { outcome } = await unavailable(async () => await cache.get(key, async () => await load(identity, asked)))
      if ('denied' in outcome) throw new Refusal(outcome.denied, { detail: outcome.detail })
      assertTimely(identity, outcome, clock.now())
      if (typeof outcome.key?.id === 'string') lastUse.stamp(outcome.key.id, asked.ip)
      return toPrincipal(identity, outcome)
    },
    async fenced({ id, slug }) {
      watch.invalidate({ table: 'tenants', tenant: id, id })
      return await unavailable(async () => await refusalNow(database, id, slug))
    },
    settle: async () => await lastUse.settle(),
  }
}

/** Could a change make this entry wrong? A refusal is read again whenever anything changed: it is what people wait to be lifted. */
function affected({ outcome, token, person }: Entry, { table, tenant, id }: Change): boolean {
  if ('denied' in outcome) return true
  switch (table) {
    case 'members':
      return id === null ? tenant === null || tenant === outcome.tenant.id : id === outcome.member
    case 'api_keys':
      return id === null ? tenant === null || tenant === outcome.tenant.id : id === outcome.key?.id
    case 'tenants':
    case 'domains':
    case 'organizations':
    case 'invitations':
      return tenant === null || tenant === outcome.tenant.id
    case 'upstreams':
      return false
    case 'plans':
      return id === null || id === outcome.tenant.plan
    case 'revocations':
      return id === null || id === token || id === person || outcome.key !== null
    default:
      return true
  }
}

/** What can be judged without the registry but changes with time, on every use of an entry. */
function assertTimely({ iat }: Identity, { notBefore, key }: Standing, now: number): void {
  if (notBefore !== null && (iat === null || iat * 1000 < notBefore)) {
    throw new Refusal('token_revoked', {
      detail: "issued before this member's tokens were revoked, or at an unknown time (D22)",
    })
  }
  if (key !== null && key.expires_at !== null && key.expires_at <= now)
    throw new Refusal('key_expired', { detail: 'the key has expired' })
}

/** REQUIRED_SCOPES: asked of every token whose issuer carries ours; keys have their own. @throws Refusal `scope_insufficient`. */
export function assertRequiredScopes(
  { scopes: carried, key }: Identity,
  required: readonly string[],
  scopes: Scopes,
): void {
  if (carried === null || key !== null) return
  const held = scopes.expand(carried)
  const missing = required.filter((scope) => !held.has(scope))
  if (missing.length > 0)
    throw new Refusal('scope_insufficient', {
      scope: required,
      detail: `the token lacks ${missing.join(' ')} (REQUIRED_SCOPES)`,
    })
}

/** Without the registry nobody can be judged: 503, never a refusal of the person. */
async function unavailable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof DatabaseUnavailable)
      throw new Refusal('database_unavailable', { cause: error, detail: error.message })
    throw error
  }
}
