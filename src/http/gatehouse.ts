import type { FastifyInstance } from 'fastify'
import { systemClock, type Clock } from '#base/clock.ts'
import type { Config } from '#base/config.ts'
import { openEmbedder, type OpenEmbedder } from '#base/embedder-open.ts'
import { createGuardedFetch, type GuardOptions, type GuardedFetch } from '#base/fetch.ts'
import { createLog, type Log } from '#base/log.ts'
import { createMetrics, type Metrics } from '#base/metrics.ts'
import { createConsole } from '#console/console.ts'
import { createProviders, type ProviderOptions } from '#providers/index.ts'
import type { Database } from '#db/database.ts'
import { openDatabase } from '#db/open.ts'
import { createAuthenticator } from '#identity/authenticate.ts'
import { createServiceTokens } from '#login/service-tokens.ts'
import { createSigningKeys } from '#login/signing-key.ts'
import { createLogin } from '#login/login.ts'
import { createCheckpointer } from '#tenancy/checkpoint.ts'
import { DEVELOPMENT_PEOPLE } from '#tenancy/seeds.ts'
import { logEvents, tokenIssued } from '#tenancy/security-event.ts'
import { createTenantVersions } from '#tenancy/tenant-versions.ts'
import { createAuditor } from '#toolkit/audit.ts'
import { createLoader, type GivenDefinitions } from '#toolkit/load.ts'
import { createStateSeal } from '#toolkit/request-state.ts'
import { createRunner } from '#toolkit/run.ts'
import { buildApp } from './app.ts'
import { developmentIssuer, devClientSecret } from './dev-client.ts'
import { createDevIssuer } from './dev-issuer.ts'
import { createCounting } from './counting.ts'
import type { AppDeps } from './deps.ts'
import { createOffer, type Offer } from './offer.ts'
import { createOffice } from './office.ts'
import { createRegistryDoor } from './registry-door.ts'
import { createSearch } from './search.ts'
import { serve } from './serve.ts'
import { createOpaqueMeter, measured, watchState } from './telemetry.ts'
import { createThresholds } from './thresholds.ts'
import { openTraces, type Traces } from './trace-exporter.ts'
import { measuredUpstreams } from './upstreams.ts'
import { tellOfTools } from './tools-news.ts'
import { warm } from './warm.ts'

export interface GatehouseParts {
  readonly clock?: Clock
  readonly log?: Log
  readonly metrics?: Metrics
  /** Where Google, Auth0 and GitHub are asked instead; for tests. */
  readonly endpoints?: ProviderOptions['endpoints']
  /** Names and connections of outgoing requests; for tests (D30). */
  readonly outbound?: Pick<GuardOptions, 'resolve' | 'dispatcherConnect'>
  /** Of the program that has Gatehouse as its library, beside those of TOOLS_DIR. */
  readonly definitions?: GivenDefinitions
  /** Of the same: a Fastify plugin with routes of its own. */
  readonly routes?: NonNullable<AppDeps['routes']>
}

export interface Gatehouse {
  readonly app: FastifyInstance
  /**
   * Listens and takes over SIGTERM and SIGINT of the process; `stop` is a third way to say it. Answers the address; not ready yet while the
   * database is away.
   */
  serve(stop?: AbortSignal): Promise<{ readonly address: string }>
  /** Listens only; `close` ends it. For programs and tests that have signals of their own. */
  listen(): Promise<{ readonly address: string }>
  /** Ends calls in flight, writes the audit, closes the database. */
  close(): Promise<void>
}

/**
 * The whole server, made from a configuration: every cache, pool and provider is made here, once, and handed down.
 * Throws ConfigError when the configuration, a tool or the embedded database cannot be used. A Postgres that cannot be reached yet
 * stops nothing: it is tried again, and until then the server is not ready.
 */
export async function createGatehouse(config: Config, parts: GatehouseParts = {}): Promise<Gatehouse> {
  const clock = parts.clock ?? systemClock
  const log = parts.log ?? createLog(config.logLevel)
  for (const warning of config.warnings) log.warn(warning)
  const secret = config.sessionSecrets[0] ?? ''

  const { toolsDir, production } = config
  const loader = createLoader({ toolsDir, production, log, given: parts.definitions ?? {} })
  const offer = createOffer({ config, log, loader, definitions: await loader.load() })
  // The development issuer is this server, on loopback; D1 keeps it out of production.
  const allowPrivate = config.egressAllowPrivate || config.developmentSignIn
  const fetch = createGuardedFetch({ allowPrivate, ...parts.outbound })
  const metrics = parts.metrics ?? createMetrics()
  const traces = await openTraces(config.tracing, log)
  const { tracing } = traces
  const model = await openEmbedder(config.embeddings, { fetch, clock, log })
  const database = await openDatabase({ config, log, clock, metrics, tracing })
  try {
    return await assemble({ config, parts, clock, log, secret, offer, fetch, model, database, metrics, traces })
  } catch (error) {
    // Otherwise the embedded database would keep the process, and its files, for itself.
    await database.close()
    await Promise.all([model.close(), fetch.close(), traces.close()])
    throw error
  }
}

interface Ground {
  readonly config: Config
  readonly parts: GatehouseParts
  readonly clock: Clock
  readonly log: Log
  readonly secret: string
  readonly offer: Offer
  readonly fetch: GuardedFetch
  readonly model: OpenEmbedder
  readonly database: Database
  readonly metrics: Metrics
  readonly traces: Traces
}

async function assemble(ground: Ground): Promise<Gatehouse> {
  const { config, parts, clock, log, secret, offer, fetch, model, database, metrics, traces } = ground
  const { scopes, known, offered } = offer
  const door = createRegistryDoor({
    database,
    config,
    clock,
    log,
    scopes,
    secret,
    seeds: config.developmentSignIn ? DEVELOPMENT_PEOPLE : [],
  })
  const ready = (): boolean => door.open
  const counting = await createCounting({ config, database, clock, log, ready })
  const office = createOffice({ config, database, clock, log, scopes, offered, ready, counters: counting.known })
  const thresholds = createThresholds(config, counting)
  const { calls: limits } = thresholds
  const signingKeys = await createSigningKeys(config)
  const asked = createProviders({
    config,
    mcpUrl: `${config.publicUrl}/mcp`,
    fetch,
    clock,
    log,
    keyLookup: door.key,
    strangers: thresholds.strangers,
    keyFailed: thresholds.keyFailed,
    serviceTokens: { issuer: config.publicUrl, keys: signingKeys.keySet },
    meter: createOpaqueMeter(metrics),
    extra: config.developmentSignIn ? [developmentIssuer(config.publicUrl, devClientSecret(secret))] : [],
    ...(parts.endpoints === undefined ? {} : { endpoints: parts.endpoints }),
  })
  const providers = measured(metrics, clock, asked)
  const authenticator = createAuthenticator({ providers, clock })
  const auditor = createAuditor({
    database,
    clock,
    log,
    secret,
    checkpoint: createCheckpointer({ database, clock, secret }),
  })
  const versions = createTenantVersions({ database, clock, ready })
  watchState(metrics, { auditor, usage: office.usage, ready, versions: () => versions.read() })
  const events = logEvents(log)
  const search = createSearch({ config, embedder: model.embedder, database, clock, log, metrics, ready })
  door.onChange(tellOfTools(search.changes))
  const runner = createRunner({
    sizes: config.sizes,
    database,
    audit: auditor,
    usage: office.usage,
    clock,
    log,
    states: createStateSeal({ secrets: config.sessionSecrets, issuer: config.publicUrl, clock }),
    ...search,
    upstreams: measuredUpstreams({ config, fetch, clock, log, metrics, tracing: traces.tracing, own: door.upstream }),
    reread: async (tenant) => await door.fenced(tenant),
  })
  const open = offer.open({ desk: office.desk, runner, changes: search.changes })
  const { catalogue, caller, library } = open
  const serviceTokens = createServiceTokens({
    publicUrl: config.publicUrl,
    keys: signingKeys,
    clock,
    authenticate: async (key, from) => await authenticator.authenticate(key, from),
    principal: async (identity, asked) => await door.principal(identity, asked),
    limit: async (principal) => await limits.consume(principal),
    issued: async ({ principal, jti, scope, at, ip, requestId }) => {
      await auditor.record({
        principal,
        tool: 'token.issued',
        target: jti,
        outcome: 'ok',
        reason: null,
        startedAt: at,
        requestId,
        ip,
        args: { scope },
      })
      events(tokenIssued(principal, jti, { ip, requestId }))
    },
  })
  const login = createLogin({
    config,
    clock,
    log,
    fetch,
    database,
    ready,
    providers,
    scopes: [...new Set([...config.requiredScopes, ...known])],
    services: serviceTokens,
    authenticate: async (token, context) => await authenticator.authenticate(token, context),
    revokeToken: async (token, from) => await door.revokeToken(token, from),
    documents: thresholds.documents,
    renewals: thresholds.renewals,
  })
  const app = await buildApp({
    config,
    log,
    clock,
    metrics,
    tracing: traces.tracing,
    authenticate: async (token, context) => await authenticator.authenticate(token, context),
    principal: async (identity, asked) => await door.principal(identity, asked),
    generation: () => door.generation,
    caller,
    catalogue,
    library,
    changes: search.changes,
    limits,
    ipLimit: thresholds.address,
    operators: office.operators,
    login,
    serviceTokens,
    auditor,
    usage: office.usage,
    providers,
    ...(parts.routes === undefined ? {} : { routes: parts.routes }),
    database: { ping: async () => await database.ping(), migrated: async () => door.open },
    console: createConsole({
      events,
      publicUrl: config.publicUrl,
      secrets: config.sessionSecrets,
      clock,
      database,
      ready,
      upstreams: login.upstreams,
      registry: office.registry,
      operators: office.operators,
      vouching: { config: config.providers, providers },
      desk: office.desk,
      auditDays: config.auditRetentionDays,
      principal: async (identity, asked) => await door.principal(identity, asked),
      limit: async (principal) => await limits.consume(principal),
      rateLimit: config.rateLimit,
    }),
    desk: office.desk,
    answers: office.answers,
    developmentIssuer: config.developmentSignIn
      ? await createDevIssuer({
          dataDir: config.dataDir,
          publicUrl: config.publicUrl,
          clientSecret: devClientSecret(secret),
          log,
        })
      : null,
  })
  await door.start()
  office.start()
  await search.changes.start()
  counting.start()
  open.start()

  // In this order: what is still waiting is written before the database goes.
  const after = [
    async () => await open.close(),
    async () => await auditor.close(),
    async () => await office.close(),
    async () => await counting.close(),
    async () => await search.changes.close(),
    async () => await door.close(),
    async () => await database.close(),
    async () => await model.close(),
    async () => await fetch.close(),
    async () => await traces.close(),
  ]
  return {
    app,
    async serve(stop) {
      const started = await serve({ app, config, log, after, ...(stop === undefined ? {} : { stop }) })
      warm(providers, log)
      return started
    },
    async listen() {
      const address = await app.listen({ host: config.host, port: config.port })
      warm(providers, log)
      return { address }
    },
    async close() {
      await app.close()
      for (const step of after) await step()
    },
  }
}
