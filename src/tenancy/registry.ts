import type { Clock } from '#base/clock.ts'
import type { UpstreamConfig } from '#base/upstream.ts'
import type { Database } from '#db/database.ts'
import type { Principal } from './tenant.ts'
import type { Scopes } from './roles.ts'
import { createAuditDesk, type AuditDesk } from './audit-desk.ts'
import { createClaims, type Claims } from './claims.ts'
import { createConfirmations, type Confirmations } from './confirmations.ts'
import type { Dns } from './dns.ts'
import { createDomains, type Domains } from './domains.ts'
import { createInvitations, type Invitations } from './invitations.ts'
import { createKeys, type Keys } from './keys.ts'
import { createMembers, type Members } from './members.ts'
import { createPlans, type Plans } from './plans.ts'
import { createMoves, type Moves } from './moves.ts'
import { createOrganizations, type Organizations } from './organizations.ts'
import { createRequests, type Requests } from './requests.ts'
import { createRevocations, type Revocations } from './revocations.ts'
import type { SecurityEvents } from './security-event.ts'
import { createSeeAs, type SeeAs } from './see-as.ts'
import { createTenantTools, type OfferedTool, type TenantTools } from './tenant-tools.ts'
import { createTenants, type Tenants } from './tenants.ts'
import { createTenantUpstreams, type TenantUpstreams } from './upstreams.ts'
import { createUsage, type Usage } from './usage.ts'

/** May do everything. */
export interface OperatorActor {
  readonly kind: 'operator'
  /** The operating system's user (CLI), or `iss|sub`; for the audit. */
  readonly name: string
  /** Absent: not by HTTP. */
  readonly request_id?: string
  readonly ip?: string | null
}

/** Who changes the registry. An operator may do everything; a person what their role in their own tenant allows. */
export type Actor =
  | OperatorActor
  | {
      readonly kind: 'person'
      readonly principal: Principal
      readonly request_id: string | null
      readonly ip: string | null
    }

export interface RegistryOptions {
  readonly database: Database
  readonly clock: Clock
  /** `auditKey(SESSION_SECRET, CONTROL_SCHEMA)`. */
  readonly auditKey: Buffer
  /** Told of each change once it is committed. */
  readonly events?: SecurityEvents
  readonly scopes: Scopes
  /** config.database.slugPrefix */
  readonly slugPrefix: string
  /** TENANT_DELETE_DAYS */
  readonly deleteDays: number
  /** Where records of claims are looked for: `createDns({ servers: config.dnsServers })`. */
  readonly dns: Dns
  /** What invitations are sealed with, and for whom: `{ issuer: config.publicUrl, secrets: config.sessionSecrets }`. */
  readonly links: { readonly issuer: string; readonly secrets: readonly string[] }
  /** config.upstreams. Absent: none. */
  readonly upstreams?: readonly UpstreamConfig[]
  /** Every tool of the server, as it is at that moment (TOOLS_DIR may change in development). Absent: none is known. */
  readonly offered?: () => readonly OfferedTool[]
  /** Counts one look at a key's text by somebody; throws Refusal `rate_limited`. Absent: not counted (the command line). */
  readonly validations?: (who: string) => Promise<unknown>
}

/**
 * The registry's tables, one member each. Every function that concerns a tenant takes the Tenant first, then who asks.
 * A change, its audit row and its rights are one transaction; every replica is told after it. Throws RegistryError
 * (codes there) and DatabaseUnavailable.
 */
export interface Registry {
  readonly tenants: Tenants
  readonly tools: TenantTools
  readonly plans: Plans
  readonly moves: Moves
  readonly domains: Domains
  readonly claims: Claims
  readonly members: Members
  readonly invitations: Invitations
  readonly requests: Requests
  readonly organizations: Organizations
  readonly keys: Keys
  readonly revocations: Revocations
  readonly audit: AuditDesk
  readonly usage: Usage
  readonly seeAs: SeeAs
  readonly confirmations: Confirmations
  readonly upstreams: TenantUpstreams
}

export function createRegistry(options: RegistryOptions): Registry {
  const members = createMembers(options)
  return {
    tenants: createTenants(options),
    tools: createTenantTools(options),
    plans: createPlans(options),
    moves: createMoves(options),
    domains: createDomains(options),
    claims: createClaims(options),
    members,
    invitations: createInvitations(options),
    requests: createRequests(options, members),
    organizations: createOrganizations(options),
    keys: createKeys(options),
    revocations: createRevocations(options),
    audit: createAuditDesk(options),
    usage: createUsage(options),
    seeAs: createSeeAs(options),
    confirmations: createConfirmations(options),
    upstreams: createTenantUpstreams(options),
  }
}
