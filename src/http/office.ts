import type { Clock } from '#base/clock.ts'
import type { Config } from '#base/config.ts'
import type { Log } from '#base/log.ts'
import type { Database } from '#db/database.ts'
import type { Desk } from '#desk/operation.ts'
import { createArchive } from '#tenancy/archive/archive.ts'
import { createAnswers, type Answers } from '#tenancy/answers.ts'
import { auditKey, CONTROL_SCHEMA } from '#tenancy/audit.ts'
import { createDeletionWatch } from '#tenancy/deletion-watch.ts'
import { createAuditRetention } from '#tenancy/audit-retention.ts'
import { createDns } from '#tenancy/dns.ts'
import { createDomainWatch } from '#tenancy/domain-watch.ts'
import { createOperators, type Operators } from '#tenancy/operators.ts'
import { createRegistry, type Registry } from '#tenancy/registry.ts'
import type { OfferedTool } from '#tenancy/tenant-tools.ts'
import type { Scopes } from '#tenancy/roles.ts'
import { logEvents } from '#tenancy/security-event.ts'
import { createUsageMeter, type UsageMeter } from '#tenancy/usage-meter.ts'
import { createUsageRetention } from '#tenancy/usage-retention.ts'
import type { Counters } from '#toolkit/counters.ts'
import { createLimit } from '#toolkit/limit.ts'

/** Keys per minute that one person may have judged. */
const VALIDATIONS = 30

export interface OfficeOptions {
  readonly config: Config
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  readonly scopes: Scopes
  /** The server's tools, as they are now. */
  readonly offered: () => readonly OfferedTool[]
  /** Has the registry been reached, in the version that this program needs? */
  readonly ready: () => boolean
  /** For those who are known (counting.ts). */
  readonly counters: Counters
}

/** What admins and operators work with, from whichever side they come: the registry, and what watches over it in the background. */
export interface Office {
  readonly registry: Registry
  /** Who is an operator (D3). */
  readonly operators: Operators
  /** What the operations of admins are done with. */
  readonly desk: Desk
  /** Kept for callers of the API that repeat a request. */
  readonly answers: Answers
  /** Counts what is called; written every 10 s and at close. */
  readonly usage: UsageMeter
  /** Begins the work in the background. */
  start(): void
  /** Waits for what is under way. */
  close(): Promise<void>
}

const limitsOf = ({ rateLimit, rateLimitStore, sizes, concurrency }: Config): Desk['limits'] => ({
  requests_per_minute_tenant: rateLimit.on ? rateLimit.perTenant : null,
  requests_per_minute_caller: rateLimit.on ? rateLimit.perPrincipal : null,
  concurrent_calls: concurrency.perTenant,
  result_bytes: sizes.resultBytes,
  call_seconds: sizes.callMs / 1000,
  shared: rateLimitStore.kind !== 'memory',
})

export function createOffice(options: OfficeOptions): Office {
  const { config, database, clock, log, scopes, offered, ready, counters } = options
  const { sessionSecrets } = config
  const shared = {
    database,
    clock,
    auditKey: auditKey(sessionSecrets[0] ?? '', CONTROL_SCHEMA),
    events: logEvents(log),
    dns: createDns({ servers: config.dnsServers }),
  }
  const validations = createLimit({
    on: config.rateLimit.on,
    name: 'validations',
    counters,
    perMinute: VALIDATIONS,
    detail: 'keys that one person had judged',
  })
  const registry = createRegistry({
    ...shared,
    scopes,
    offered,
    slugPrefix: config.database.slugPrefix,
    validations: async (who) => await validations.consume(who),
    deleteDays: config.tenantDeleteDays,
    links: { issuer: config.publicUrl, secrets: sessionSecrets },
    upstreams: config.upstreams,
  })
  const archive = createArchive({ ...shared, tenantAuditKey: (schema) => auditKey(sessionSecrets[0] ?? '', schema) })
  const usage = createUsageMeter({ database, clock, log })
  const background = [
    createDomainWatch({ ...shared, log, ready }),
    createDeletionWatch({ ...shared, log, ready }),
    usage,
    createUsageRetention({ database, clock, log, ready, days: config.usageRetentionDays }),
    createAuditRetention({
      database,
      clock,
      log,
      ready,
      days: config.auditRetentionDays,
      secret: sessionSecrets[0] ?? '',
    }),
  ]
  return {
    registry,
    operators: createOperators({ config, database, clock, scopes, ready }),
    desk: { registry, clock, limits: limitsOf(config), archive },
    answers: createAnswers({ database, clock }),
    usage,
    start() {
      for (const work of background) work.start()
    },
    async close() {
      await Promise.all(background.map(async (work) => await work.close()))
    },
  }
}
