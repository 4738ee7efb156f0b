import { TenantFenced, type ControlDb } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { AUDIT_MEDIA, auditHeader, auditLine, type AuditFormat } from './audit-export.ts'
import { findSubjects, findTargets, namesFor } from './audit-people.ts'
import { actionsOf, cursorOf, isLater, rangeOf, wordOf, type AuditPlace, type AuditQuery } from './audit-query.ts'
import { toAuditRecord, type AuditRecord } from './audit-record.ts'
import { searchAudit, type AuditSearch, type FoundEntry } from './audit-search.ts'
import { authorOf, createLedger, needScope, roleFor, type Note } from './ledger.ts'
import type { Page, PageOptions } from './paging.ts'
import type { Actor, RegistryOptions } from './registry.ts'
import { rfc3339 } from './tenant-row.ts'
import type { Tenant } from './tenant.ts'

export interface AuditPage extends Page<AuditRecord> {
  /** false: the tenant is suspended or being moved, and only what the registry holds of it could be read. */
  readonly complete: boolean
}

/** A file for whoever asked, as it grows. */
interface AuditExport {
  readonly filename: string
  readonly media_type: string
  /**
   * Text of some hundred entries at a time, read only as it is asked for: whoever reads slowly holds no connection and no memory.
   * Fails half-way when the database does, or when the tenant is suspended: what was sent then is not whole.
   */
  readonly text: AsyncIterable<string>
}

/**
 * What happened in a tenant, the latest first: tool calls and refused requests of its own audit, and administrative changes of the
 * registry's. Needs `audit:read`. Reading is itself recorded (`audit.read`, once per person in ten minutes), an export always
 * (`audit.exported`, with what was looked for).
 * Entries of reads and refusals are written about a second after they happened: such a one can appear above a cursor, never below.
 * Does not look at whether rows were altered: `audit verify` does.
 */
export interface AuditDesk {
  /**
   * `page.after` is `next` of the page before. Without a limit: everything that matches.
   * @throws RegistryError `forbidden`; `invalid` for a filter or cursor that cannot be.
   */
  list(tenant: Tenant, actor: Actor, query: AuditQuery, page?: PageOptions): Promise<AuditPage>
  /** The same errors, before anything is sent. */
  export(tenant: Tenant, actor: Actor, query: AuditQuery, format: AuditFormat): Promise<AuditExport>
}

/** Entries read at once where all are wanted. */
const BATCH = 250
/** Milliseconds in which one person's reading is recorded once. */
const READ_NOTED = 600_000
const LONGEST_PAGE = 100

interface Source {
  readonly name: AuditRecord['source']
  read(before: AuditPlace | null, limit: number): Promise<readonly FoundEntry[]>
}

type Sourced = { readonly entry: FoundEntry; readonly source: AuditRecord['source'] }

export function createAuditDesk(options: RegistryOptions): AuditDesk {
  const { database, clock } = options
  const ledger = createLedger(options)

  /** Looks up who and what is meant, and notes that somebody looks. */
  async function begin(
    tenant: Tenant,
    actor: Actor,
    query: AuditQuery,
    note: (db: ControlDb) => Promise<Pick<Note, 'action' | 'detail'> | null>,
  ): Promise<Omit<AuditSearch, 'since' | 'tenant'>> {
    needScope(actor, 'audit:read')
    const who = wordOf('actor', query.actor)
    const what = wordOf('target', query.target)
    const actions = actionsOf(query)
    return await ledger.write(roleFor(actor, tenant), tenant.id, authorOf(actor), async (db) => {
      const subjects = who === null ? null : await findSubjects(db, tenant, who)
      const targets = what === null ? null : await findTargets(db, tenant, what)
      const noted = await note(db)
      return [
        { ...actions, subjects, targets, outcome: query.outcome ?? null },
        noted === null ? null : { ...noted, target: tenant.slug, changes: [] },
      ]
    })
  }

  function sourcesOf(
    tenant: Tenant,
    actor: Actor,
    query: AuditQuery,
    search: Omit<AuditSearch, 'tenant'>,
  ): readonly Source[] {
    const tools: Source = {
      name: 'tools',
      read: async (before, limit) =>
        await database.tenant(
          tenant,
          { access: 'read' },
          async (db) => await searchAudit(db, { ...search, tenant: null }, before, limit),
        ),
    }
    const admin: Source = {
      name: 'admin',
      read: async (before, limit) =>
        await database.control(
          roleFor(actor, tenant),
          async (db) => await searchAudit(db, { ...search, tenant: tenant.id }, before, limit),
        ),
    }
    return [tools, admin].filter(({ name }) => query.source === undefined || query.source === name)
  }

  async function named(tenant: Tenant, actor: Actor, found: readonly Sourced[]): Promise<readonly AuditRecord[]> {
    if (found.length === 0) return []
    const entries = found.map(({ entry }) => entry)
    const names = await database.control(roleFor(actor, tenant), async (db) => await namesFor(db, tenant, entries))
    return found.map(({ entry, source }) => toAuditRecord(entry, source, names))
  }

  /** Has this person's reading been noted lately? */
  async function isNoted(db: ControlDb, tenant: Tenant, actor: Actor): Promise<boolean> {
    const { iss, sub } = authorOf(actor)
    const rows = await db.query(sql`
      SELECT 1 FROM audit WHERE tenant_id = ${tenant.id} AND at > ${new Date(clock.now() - READ_NOTED)}
        AND action = 'audit.read' AND iss = ${iss} AND sub = ${sub} LIMIT 1`)
    return rows.length > 0
  }

  return {
    async list(tenant, actor, query, { limit, after } = {}) {
      const { before, since } = rangeOf(query, after)
      const terms = await begin(tenant, actor, query, async (db) =>
        (await isNoted(db, tenant, actor)) ? null : { action: 'audit.read', detail: noteOf(query) },
      )
      let complete = true
      const sources = sourcesOf(tenant, actor, query, { ...terms, since }).map((source) => ({
        ...source,
        async read(place: AuditPlace | null, most: number) {
          return await source.read(place, most).catch((error: unknown) => {
            if (!(error instanceof TenantFenced)) throw error
            complete = false
            return []
          })
        },
      }))
      const size = limit === undefined ? null : Math.min(Math.max(limit, 1), LONGEST_PAGE)
      const found: Sourced[] = []
      const records: AuditRecord[] = []
      for await (const batch of latestFirst(sources, before, size === null ? BATCH : size + 1)) {
        found.push(...batch)
        if (size !== null) break
        records.push(...(await named(tenant, actor, found.splice(0))))
      }
      if (size === null) return { items: records, next: null, complete }
      const shown = found.slice(0, size)
      const last = found.length > size ? shown.at(-1) : undefined
      return {
        items: await named(tenant, actor, shown),
        next: last === undefined ? null : cursorOf(last.entry.place),
        complete,
      }
    },

    async export(tenant, actor, query, format) {
      const { before, since } = rangeOf(query, undefined)
      const terms = await begin(tenant, actor, query, async () => ({
        action: 'audit.exported',
        detail: { format, ...noteOf(query) },
      }))
      const sources = sourcesOf(tenant, actor, query, { ...terms, since })
      async function* text(): AsyncGenerator<string> {
        const header = auditHeader(format)
        if (header !== '') yield header
        for await (const batch of latestFirst(sources, before, BATCH)) {
          const records = await named(tenant, actor, batch)
          yield records.map((record) => auditLine(format, record)).join('')
        }
      }
      const day = rfc3339(new Date(clock.now())).slice(0, 10)
      return { filename: `audit-${tenant.slug}-${day}.${format}`, media_type: AUDIT_MEDIA[format], text: text() }
    },
  }
}

/** Batches of both sources in one order; each source is read on from its own last entry. */
async function* latestFirst(
  sources: readonly Source[],
  from: AuditPlace | null,
  size: number,
): AsyncGenerator<readonly Sourced[]> {
  const lanes = sources.map((source) => ({ source, waiting: [] as FoundEntry[], before: from, more: true }))
  for (;;) {
    await Promise.all(
      lanes.map(async (lane) => {
        if (!lane.more || lane.waiting.length >= size) return
        const read = await lane.source.read(lane.before, size)
        lane.waiting.push(...read)
        lane.before = read.at(-1)?.place ?? lane.before
        lane.more = read.length === size
      }),
    )
    // Each lane holds a whole batch or all it has left, so that the latest of these are the latest there are.
    const batch = lanes
      .flatMap((lane) => lane.waiting.map((entry) => ({ entry, lane })))
      .sort((a, b) => (isLater(a.entry.place, b.entry.place) ? -1 : 1))
      .slice(0, size)
    for (const { lane } of batch) lane.waiting.shift()
    if (batch.length === 0) return
    yield batch.map(({ entry, lane }) => ({ entry, source: lane.source.name }))
  }
}

/** What was looked for, as the audit keeps it. */
const noteOf = ({ since, until, ...query }: AuditQuery): Readonly<Record<string, unknown>> => ({
  ...query,
  ...(since === undefined ? {} : { since: rfc3339(new Date(since)) }),
  ...(until === undefined ? {} : { until: rfc3339(new Date(until)) }),
})
