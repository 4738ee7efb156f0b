import type { CallToolResult } from '@modelcontextprotocol/server'
import { systemClock, type Clock } from '#base/clock.ts'
import { createLog, type Log } from '#base/log.ts'
import type { Database } from '#db/database.ts'
import type { Identity } from '#identity/identity.ts'
import { createScopes, type PersonRole } from '#tenancy/roles.ts'
import type { Principal, Tenant } from '#tenancy/tenant.ts'
import { createAuditor, type Auditor } from '#toolkit/audit.ts'
import { createCaller, type CallRequest } from '#toolkit/call.ts'
import { createCatalogue, type Catalogue } from '#toolkit/catalogue.ts'
import { createChanges } from '#toolkit/changes.ts'
import { loadTools } from '#toolkit/load.ts'
import { createStateSeal } from '#toolkit/request-state.ts'
import { createRunner, type Runner, type RunnerOptions } from '#toolkit/run.ts'
import type { Tool } from '#toolkit/tool.ts'

export const SECRET = 'a session secret that only tests know, 0123456789'
export const silent = createLog('silent')

/** Log lines as objects, for what a test wants to read of them. */
export function listening(): { readonly log: Log; readonly lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = []
  const log = createLog('trace', { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) })
  return { log, lines }
}

export async function builtIn(): Promise<ReadonlyMap<string, Tool>> {
  return await loadTools({ toolsDir: null, production: false, log: silent })
}

export function identityOf(sub: string, more: Partial<Identity> = {}): Identity {
  return {
    provider: 'oidc',
    iss: 'https://issuer.test',
    sub,
    client_id: null,
    scopes: null,
    exp: null,
    iat: null,
    email: `${sub}@acme.test`,
    email_verified: true,
    email_authority: 'live',
    name: sub,
    picture: null,
    organization: null,
    key: null,
    tenant: null,
    claims: {},
    ...more,
  }
}

export function principalOf(
  tenant: Tenant,
  role: PersonRole,
  known: readonly string[],
  more: Partial<Principal> = {},
): Principal {
  const role_scopes = createScopes(known).ofRole(role)
  return { identity: identityOf('alice'), tenant, role, scopes: role_scopes, role_scopes, ...more }
}

const request = (more: Partial<CallRequest> = {}): CallRequest => ({
  signal: new AbortController().signal,
  requestId: 'request-1',
  ip: '127.0.0.1',
  progress: async () => {},
  ...more,
})

export interface Desk {
  readonly audit: Auditor
  readonly catalogue: Catalogue
  readonly runner: Runner
  /** Calls as the given principal. */
  as(principal: Principal): (name: string, args?: unknown, more?: Partial<CallRequest>) => Promise<CallToolResult>
  principal(tenant: Tenant, role?: PersonRole, more?: Partial<Principal>): Principal
}

/** The toolkit put together as the server does it, around a real database. */
export function createDesk(
  database: Database,
  tools: ReadonlyMap<string, Tool>,
  more: Partial<RunnerOptions> & { clock?: Clock } = {},
): Desk {
  const clock = more.clock ?? systemClock
  const log = more.log ?? silent
  const audit = more.audit ?? createAuditor({ database, clock, log, secret: SECRET, checkpoint: async () => {} })
  const states = createStateSeal({ issuer: 'https://mcp.example.com', secrets: [SECRET], clock })
  const usage = { call: () => {} }
  const options = {
    database,
    audit,
    usage,
    clock,
    log,
    states,
    changes: createChanges(),
    reread: async () => null,
    ...more,
  }
  const runner = createRunner(options)
  const caller = createCaller({ tools, runner })
  const catalogue = createCatalogue(tools)
  return {
    audit,
    catalogue,
    runner,
    as: (principal) => async (name, args, options) =>
      (await caller.call(principal, name, args, request(options))) as CallToolResult,
    principal: (tenant, role = 'owner', options = {}) => principalOf(tenant, role, catalogue.scopes, options),
  }
}

/** The text of a result. */
export const textOf = (result: CallToolResult): string =>
  result.content.map((part) => (part.type === 'text' ? part.text : '')).join('\n')
