import type { Readable } from 'node:stream'
import { authorOf, createLedger, needOperator, needScope, roleFor, type LedgerOptions } from '../ledger.ts'
import { RegistryError } from '../registry-error.ts'
import type { Actor } from '../registry.ts'
import { tenantNote } from '../tenant-record.ts'
import type { Tenant } from '../tenant.ts'
import { streamExport } from './export.ts'
import { LIMITS } from './format.ts'
import { importArchive, type ImportReport } from './import.ts'

export interface ArchiveOptions extends LedgerOptions {
  /** `auditKey(SESSION_SECRET, schema)`: what a tenant's own audit is signed with. */
  readonly tenantAuditKey: (schema: string) => Buffer
  /** Milliseconds for which an export may be left alone; default one minute. */
  readonly patience?: number
}

/** Seconds. */
const RETRY = 10
/**
 * Exports of all tenants that one process writes at once. Each holds a connection for as long as somebody likes to read, and the
 * connections (DATABASE_POOL_MAX, 10) are everybody's.
 */
const MOST_RUNNING = 2

/** A tenant out of this server as one file, and data of such a file into another tenant (D36). */
export interface Archive {
  /**
   * A gzipped tar (docs/tenant-life.md), as a stream that can be read once and must be: left alone for a minute it fails. Destroy it to
   * stop. Needs `tenant:owner`, or an operator; in the audit before the first byte. limited: this server is writing one of this tenant, or two of others.
   * Digests, credentials and MACs are not in it (D38). A stream that fails has no end.json, and no import takes it.
   */
  exportTenant(tenant: Tenant, actor: Actor): Promise<Readable>
  /**
   * Operators only. conflict: the tenant has data. invalid: the archive is not whole, not ours or not for this schema; nothing of it
   * is kept then.
   * @param maxBytes of everything in it, unpacked; default 10 GiB.
   */
  importTenant(
    tenant: Tenant,
    actor: Actor,
    source: Readable | AsyncIterable<Uint8Array>,
    options?: { readonly maxBytes?: number },
  ): Promise<ImportReport>
}

export function createArchive(options: ArchiveOptions): Archive {
  const { database, clock } = options
  const ledger = createLedger(options)
  // An export holds a connection of the tenant for as long as it is read.
  const running = new Set<string>()
  return {
    async exportTenant(tenant, actor) {
      const as = roleFor(actor, tenant)
      needScope(actor, 'tenant:owner')
      if (running.has(tenant.id))
        throw new RegistryError(
          'limited',
          `${tenant.slug} is being exported: wait until that export has ended`,
          null,
          RETRY,
        )
      if (running.size >= MOST_RUNNING)
        throw new RegistryError('limited', 'other exports are being written: wait until one has ended', null, RETRY)
      running.add(tenant.id)
      try {
        await ledger.write({ as: 'operator' }, tenant.id, authorOf(actor), async () => [
          undefined,
          { ...tenantNote(tenant, 'tenant.exported'), changes: [] },
        ])
      } catch (error) {
        running.delete(tenant.id)
        throw error
      }
      const stream = streamExport(options, tenant, as)
      stream.once('close', () => running.delete(tenant.id))
      return stream
    },
    async importTenant(tenant, actor, source, { maxBytes = LIMITS.total } = {}) {
      needOperator(actor)
      const auditKey = options.tenantAuditKey(tenant.schema)
      return await importArchive({ database, clock, auditKey, author: authorOf(actor), maxBytes }, tenant, source)
    },
  }
}
