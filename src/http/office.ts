import type { Clock } from '#base/clock.ts'
import type { Config } from '#base/config.ts'
import type { Log } from '#base/log.ts'
import type { Database } from '#db/database.ts'
import type { Desk } from '#desk/operation.ts'
import { createArchive, type Archive } from '#tenancy/archive/archive.ts'
import { auditKey, CONTROL_SCHEMA } from '#tenancy/audit.ts'
import { createDeletionWatch } from '#tenancy/deletion-watch.ts'
import { createDns } from '#tenancy/dns.ts'
import { createDomainWatch } from '#tenancy/domain-watch.ts'
import { createRegistry, type Registry } from '#tenancy/registry.ts'
import type { Scopes } from '#tenancy/roles.ts'
import { createUsageMeter, type UsageMeter } from '#tenancy/usage-meter.ts'
import { createUsageRetention } from '#tenancy/usage-retention.ts'

export interface OfficeOptions {
  readonly config: Config
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  readonly scopes: Scopes
  /** Has the registry been reached, in the version that this program needs? */
  readonly ready: () => boolean
}

/** What admins and operators work with, from whichever side they come: the registry, and what watches over it in the background. */
export interface Office {
  readonly registry: Registry
  readonly archive: Archive
  /** What the operations of admins are done with. */
  readonly desk: Desk
  /** Counts what is called; written every 10 s and at close. */
  readonly usage: UsageMeter
  /** Begins the work in the background. */
  start(): void
  /** Waits for what is under way. */
  close(): Promise<void>
}

export function createOffice({ config, database, clock, log, scopes, ready }: OfficeOptions): Office {
  const { sessionSecrets } = config
  const shared = {
    database,
    clock,
    auditKey: auditKey(sessionSecrets[0] ?? '', CONTROL_SCHEMA),
    dns: createDns({ servers: config.dnsServers }),
  }
  const registry = createRegistry({
    ...shared,
    scopes,
    slugPrefix: config.database.slugPrefix,
    deleteDays: config.tenantDeleteDays,
    links: { issuer: config.publicUrl, secrets: sessionSecrets },
  })
  const archive = createArchive({ ...shared, tenantAuditKey: (schema) => auditKey(sessionSecrets[0] ?? '', schema) })
  const usage = createUsageMeter({ database, clock, log })
  const background = [
    createDomainWatch({ ...shared, log, ready }),
    createDeletionWatch({ ...shared, log, ready }),
    usage,
    createUsageRetention({ database, clock, log, ready, days: config.usageRetentionDays }),
  ]
  return {
    registry,
    archive,
    desk: { registry, clock },
    usage,
    start() {
      for (const work of background) work.start()
    },
    async close() {
      await Promise.all(background.map(async (work) => await work.close()))
    },
  }
}
