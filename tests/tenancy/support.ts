import { expect } from 'vitest'
import { createLog } from '#base/log.ts'
import { Refusal, type RefusalCode } from '#base/refusal.ts'
import type { Database } from '#db/database.ts'
import type { Identity } from '#identity/identity.ts'
import { auditKey, CONTROL_SCHEMA } from '#tenancy/audit.ts'
import { tokenDigest } from '#identity/token-digest.ts'
import { createDirectory, type Asked, type Directory, type DirectoryOptions } from '#tenancy/directory.ts'
import { createDns } from '#tenancy/dns.ts'
import type { ApiKeyLookup } from '#identity/api-key.ts'
import { createKeyLookup } from '#tenancy/key-lookup.ts'
import { RegistryError, type RegistryErrorCode } from '#tenancy/registry-error.ts'
import { createRegistry, type Actor, type Registry } from '#tenancy/registry.ts'
import { watchRegistry, type RegistryWatch } from '#tenancy/registry-cache.ts'
import { createScopes } from '#tenancy/roles.ts'
import type { PersonRole } from '#tenancy/roles.ts'
import type { SecurityEvents } from '#tenancy/security-event.ts'
import type { DomainInput } from '#tenancy/domains.ts'
import type { MemberRecord } from '#tenancy/members.ts'
import type { Principal, Tenant } from '#tenancy/tenant.ts'
import { MovedClock } from './people.ts'
import type { FreshDatabase } from '../support/database.ts'

export { keyIdentity, MovedClock, person } from './people.ts'

export const SECRET = 'a session secret for the tests of tenancy, 0123456789'
export const scopes = createScopes([
  'projects:read',
  'projects:write',
  'documents:read',
  'documents:write',
  'audit:read',
])
export const operator: Actor = { kind: 'operator', name: 'tests' }

/** What the server has. */
const TOOLS = [
  { name: 'list_projects', title: 'List projects' },
  { name: 'delete_project', title: 'Delete a project' },
  { name: 'whoami', title: 'Who am I' },
]

/** Nobody answers at the discard port. */
const NO_SERVER = '127.0.0.1:9'

export interface Replica {
  readonly database: Database
  readonly watch: RegistryWatch
  readonly clock: MovedClock
  readonly directory: Directory
  readonly registry: Registry
  readonly lookup: ApiKeyLookup
  principal(identity: Identity, asked?: Partial<Asked>): Promise<Principal>
}

export interface ReplicaOptions extends Partial<Pick<DirectoryOptions, 'staticKeyRole' | 'seeds'>> {
  readonly config?: Partial<DirectoryOptions['config']>
  readonly clock?: MovedClock
  /** `address:port` of a DNS server on loopback; without it no question is answered. */
  readonly dnsServer?: string
  /** TENANT_DELETE_DAYS; default 7. */
  readonly deleteDays?: number
  /** PUBLIC_URL. */
  readonly issuer?: string
  readonly events?: SecurityEvents
  /** Another door than the first one. */
  readonly database?: Database
}

/** One process, as far as tenancy goes. Production rules unless told otherwise. */
export async function startReplica(fresh: FreshDatabase, options: ReplicaOptions = {}): Promise<Replica> {
  const { clock = new MovedClock(), database = fresh.database, staticKeyRole = null, seeds = [] } = options
  const watch = await watchRegistry(database)
  const shared = {
    database,
    clock,
    scopes,
    auditKey: auditKey(SECRET, CONTROL_SCHEMA),
    slugPrefix: fresh.config.database.slugPrefix,
    deleteDays: options.deleteDays ?? 7,
    dns: createDns({ servers: [options.dnsServer ?? NO_SERVER] }),
    ...(options.events === undefined ? {} : { events: options.events }),
    offered: () => TOOLS,
    links: { issuer: options.issuer ?? 'https://gatehouse.test', secrets: [SECRET] },
  }
  const rules = {
    unmappedDomains: 'reject',
    personalTenants: 'off',
    provisionLimit: 20,
    production: true,
    requiredScopes: [],
  } as const
  const config = { ...rules, ...options.config }
  const directory = createDirectory({ ...shared, watch, log: createLog('silent'), config, staticKeyRole, seeds })
  return {
    database,
    watch,
    clock,
    directory,
    registry: createRegistry(shared),
    lookup: createKeyLookup({ database, clock, watch }),
    async principal(identity, asked = {}) {
      return await directory.principal(identity, {
        slug: null,
        ip: '192.0.2.7',
        tokenDigest: tokenDigest(`token of ${identity.sub}`),
        ...asked,
      })
    },
  }
}

/** A tenant whose domain admits the people of provider `oidc`, and of Google. */
export async function company(
  { registry }: Pick<Replica, 'registry'>,
  slug: string,
  domain = `${slug}.com`,
  rules: Partial<DomainInput> = {},
): Promise<Tenant> {
  const tenant = await registry.tenants.create(operator, { slug, name: slug.toUpperCase() })
  await registry.domains.add(tenant, operator, { domain, asserted_by: ['oidc', 'google'], ...rules })
  return tenant
}

/** Makes them a member, as an operator does it. */
export async function enlist(
  { registry }: Pick<Replica, 'registry'>,
  tenant: Tenant,
  { provider, iss, sub }: Identity,
  role: PersonRole,
): Promise<MemberRecord> {
  return await registry.members.add(tenant, operator, { provider, iss, sub, role })
}

export const actorOf = (principal: Principal): Actor => ({ kind: 'person', principal, request_id: 'request', ip: null })

/** The code a call was refused with; 'served' when it was not. */
export async function refusal(call: Promise<unknown>): Promise<RefusalCode | 'served'> {
  return await call.then(
    () => 'served' as const,
    (error: unknown) => {
      if (error instanceof Refusal) return error.code
      throw error
    },
  )
}

export async function registryError(call: Promise<unknown>): Promise<RegistryErrorCode | 'done'> {
  return await call.then(
    () => 'done' as const,
    (error: unknown) => {
      if (error instanceof RegistryError) return error.code
      throw error
    },
  )
}

/** Milliseconds until the call is answered as wanted; fails after 5 s. */
export async function until(wanted: string, ask: () => Promise<string>): Promise<number> {
  const began = performance.now()
  for (;;) {
    const answer = await ask()
    if (answer === wanted) return performance.now() - began
    if (performance.now() - began > 5_000) throw new Error(`still ${answer} after 5 s, wanted ${wanted}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** Like expect.poll, with patience for a busy machine: where a time is promised, `until` measures it. */
// oxlint-disable-next-line vitest/require-awaited-expect-poll -- whoever calls it awaits it
export const eventually = <T>(ask: () => T | Promise<T>) => expect.poll(ask, { timeout: 5_000, interval: 10 })
