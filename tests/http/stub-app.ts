import type { CallToolResult, Tool as WireTool } from '@modelcontextprotocol/server'
import net from 'node:net'
import type { Config } from '#base/config.ts'
import { createLog, type Log } from '#base/log.ts'
import { createMetrics } from '#base/metrics.ts'
import { NO_TRACING } from '#base/tracing.ts'
import { Refusal } from '#base/refusal.ts'
import { buildApp } from '#http/app.ts'
import type { AppDeps } from '#http/deps.ts'
import type { Identity } from '#identity/identity.ts'
import { ALL_ON, NO_LIMITS, type Principal } from '#tenancy/tenant.ts'
import type { RefusedRequest } from '#toolkit/audit.ts'
import { InvalidArguments, type CallRequest } from '#toolkit/call.ts'
import { createChanges } from '#toolkit/changes.ts'
import { createLibrary } from '#toolkit/library.ts'
import type { Answers } from '#tenancy/answers.ts'
import type { Archive } from '#tenancy/archive/archive.ts'
import type { Registry } from '#tenancy/registry.ts'
import { createLimits } from '#toolkit/limits.ts'
import { createIpLimit } from '#http/ip-limit.ts'
import type { Runner } from '#toolkit/run.ts'

/** The HTTP side over values that stand for the rooms beneath: who the token `alice` is, and a few tools. */
export interface StubApp {
  readonly app: Awaited<ReturnType<typeof buildApp>>
  readonly config: Config
  readonly log: Log
  /** Lines of the log, parsed. */
  readonly lines: () => Record<string, unknown>[]
  readonly audited: RefusedRequest[]
  /** Calls of the tools, in order. */
  readonly calls: { name: string; args: unknown; request: CallRequest }[]
}

export type StubOptions = Partial<Omit<AppDeps, 'config'>> & { readonly config?: Partial<Config> }

export const identity: Identity = {
  provider: 'test',
  iss: 'https://issuer.test',
  sub: 'alice',
  client_id: 'client',
  scopes: null,
  exp: null,
  iat: null,
  email: 'alice@acme.test',
  email_verified: true,
  email_authority: 'live',
  name: 'Alice',
  picture: null,
  organization: null,
  key: null,
  tenant: null,
  claims: {},
}

const scopes = new Set(['projects:read', 'projects:write'])
export const principal: Principal = {
  identity,
  tenant: {
    id: '0190a000-0000-7000-8000-000000000001',
    slug: 'acme_test',
    name: 'Acme',
    schema: 'tenant_acme_test',
    status: 'active',
    placement: 'default',
    schemaVersion: 1,
    mcpAdmin: false,
    deleteAfter: null,
    plan: null,
    limits: NO_LIMITS,
    toolsOff: ALL_ON,
  },
  role: 'member',
  scopes,
  role_scopes: scopes,
}

function testConfig(port: number, over: Partial<Config> = {}): Config {
  return {
    production: false,
    developmentSignIn: false,
    host: '127.0.0.1',
    port,
    publicUrl: `http://127.0.0.1:${port}`,
    allowedHosts: [],
    corsOrigins: 'loopback',
    dataDir: '/nonexistent',
    sessionSecrets: ['x'.repeat(32)],
    operators: [],
    logLevel: 'info',
    requestLog: true,
    directLane: true,
    rateLimit: { on: true, perIp: 300, perTenant: 6000, perPrincipal: 1200 },
    sizes: { bodyBytes: 1_048_576, resultBytes: 1_048_576, callMs: 15_000 },
    concurrency: { total: 256, perTenant: 64, perPrincipal: 128, streamsPerTenant: 128 },
    pressure: { maxDelay: 0, maxHeap: 0 },
    trustProxy: [],
    clientIpHeader: null,
    metricsToken: null,
    shutdownTimeout: 5000,
    workers: 1,
    toolsDir: null,
    tenancy: { unmappedDomains: 'provision', personalTenants: 'per-user', provisionLimit: 20 },
    egressAllowPrivate: true,
    requiredScopes: [],
    warnings: [],
    ...over,
  } as Config
}

/** A port that was free a moment ago: an issuer must be known before the server listens. */
export async function freePort(): Promise<number> {
  const server = net.createServer()
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const { port } = server.address() as net.AddressInfo
  await new Promise((done) => server.close(done))
  return port
}

const object = { type: 'object' } as const
export const TOOLS: readonly WireTool[] = [
  { name: 'count', title: 'Count', description: 'counts, telling of its progress', inputSchema: object },
  {
    name: 'echo',
    title: 'Echo',
    description: 'says it again',
    inputSchema: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
    outputSchema: { type: 'object', properties: { text: { type: 'string' } } },
  },
  { name: 'fail', title: 'Fail', description: 'throws', inputSchema: object },
  { name: 'wait', title: 'Wait', description: 'until aborted', inputSchema: object },
]

/** What each refusal's code is asked for by: the token of that name. */
const refuse = (token: string): never => {
  throw new Refusal(token as ConstructorParameters<typeof Refusal>[0], { detail: 'only the operator reads this' })
}

const text = (value: string): CallToolResult => ({ content: [{ type: 'text', text: value }] })

export async function stubApp({ config: over = {}, ...deps }: StubOptions = {}): Promise<StubApp> {
  const port = over.port ?? (await freePort())
  const config = testConfig(port, over)
  const written: string[] = []
  const log = createLog(config.logLevel, { write: (line: string) => void written.push(line) })
  const audited: RefusedRequest[] = []
  const calls: StubApp['calls'] = []
  const app = await buildApp({
    config,
    log,
    clock: { now: () => Date.now() },
    metrics: createMetrics(),
    tracing: NO_TRACING,
    generation: () => null,
    authenticate: async (token) => (token.startsWith('alice') ? identity : refuse(token)),
    principal: async (_identity, { slug }) => {
      if (slug !== null && slug !== 'acme_test') throw new Refusal('tenant_foreign')
      return principal
    },
    library: createLibrary({ resources: new Map(), prompts: new Map(), runner: {} as Runner }),
    changes: createChanges(),
    catalogue: {
      visible: () => TOOLS,
      cost: () => 1,
      requiredScopes: (_principal, name) =>
        name === 'admin'
          ? ['projects:read', 'tenant:admin']
          : TOOLS.some((tool) => tool.name === name)
            ? ['projects:read']
            : null,
      scopes: ['projects:read', 'projects:write'],
    },
    caller: {
      call: async (_principal, name, args, request) => {
        calls.push({ name, args, request })
        if (!TOOLS.some((tool) => tool.name === name)) throw new InvalidArguments(`Unknown tool: ${name}`)
        if (name === 'echo') {
          const value = (args as { text?: unknown }).text
          if (typeof value !== 'string') throw new InvalidArguments('text: expected a string')
          return { ...text(value), structuredContent: { text: value } }
        }
        if (name === 'count') {
          for (let done = 1; done <= 3; done++) await request.progress(done, 3, `step ${done}`)
          return text('counted')
        }
        if (name === 'wait') {
          await new Promise<void>((end) => request.signal.addEventListener('abort', () => end(), { once: true }))
          return text('aborted')
        }
        throw new Error('a secret of the inside')
      },
    },
    limits: createLimits(config.rateLimit),
    ipLimit: createIpLimit(config.rateLimit),
    operators: { is: () => false, admit: async () => refuse('operator_unknown') },
    auditor: { refused: (request) => void audited.push(request) },
    usage: { refused: () => {} },
    providers: [
      {
        id: 'test',
        authorization_server: 'https://issuer.test/',
        challenge_scopes: ['openid', 'email', 'offline_access'],
        grants_scopes: false,
      },
    ],
    database: { ping: async () => {}, migrated: async () => true },
    developmentIssuer: null,
    console: { mount: async () => {} },
    answers: {} as Answers,
    desk: {
      registry: {} as Registry,
      clock: { now: () => Date.now() },
      limits: {
        requests_per_minute_tenant: null,
        requests_per_minute_caller: null,
        concurrent_calls: null,
        result_bytes: null,
        call_seconds: null,
        shared: false,
      },
      archive: {} as Archive,
    },
    login: {
      upstreams: [],
      broker: null,
      tokens: { grantTypes: [], grant: async () => refuse('grant_unsupported') },
      revoke: async () => {},
    },
    serviceTokens: { issue: async () => refuse('client_invalid'), jwks: { keys: [] } },
    ...deps,
  })
  const lines = (): Record<string, unknown>[] => written.map((line) => JSON.parse(line) as Record<string, unknown>)
  return { app, config, log, lines, audited, calls }
}
