import { pipeline, type Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import type { Clock } from '#base/clock.ts'
import type { Database, TenantDb } from '#db/database.ts'
import { insertRows, isEmpty, tablesIn, type Table } from '#db/rows.ts'
import { insertAudit, signAudit, type AuditEntry } from '../audit.ts'
import type { Author } from '../ledger.ts'
import { RegistryError } from '../registry-error.ts'
import type { Tenant } from '../tenant.ts'
import { createContents, type Part } from './contents.ts'
import { LIMITS, NOT_DATA, PART, type Manifest } from './format.ts'
import { importedAudit } from './imported-audit.ts'
import { linesOf, objectOn, toldOf } from './lines.ts'
import { broken, readTar } from './tar.ts'

/**
 * Milliseconds for all of it, one transaction. Shorter than the time after which a window of the audit counts as closed
 * (checkpoint.ts): its rows get their ids now and are there when it commits.
 */
const LONGEST = 480_000
/** Rows of one statement. */
const ROWS = 1_000

export interface ImportOptions {
  readonly database: Database
  readonly clock: Clock
  /** `auditKey` of the tenant's own audit. */
  readonly auditKey: Buffer
  readonly author: Author
  /** Octets after decompression. */
  readonly maxBytes: number
}

export interface ImportReport {
  /** Which tenant it was made of, and when. */
  readonly from: Pick<Manifest, 'slug' | 'name' | 'exported_at' | 'gatehouse'>
  /** Rows by table. */
  readonly imported: Readonly<Record<string, number>>
  /** Rows of its audit, marked as imported. */
  readonly audit: number
  /** Rows of the registry that the archive tells of and an import never takes (D36): members, keys, domains and the like. */
  readonly left_out: Readonly<Record<string, number>>
}

/**
 * D36: an import is data. Rows of known tables and columns are inserted as the tenant's role, in one transaction that is committed only
 * when all counts and digests are right. Whoever made the archive may be hostile.
 * Throws RegistryError: conflict (the tenant has data), invalid (the archive, or what the database says of its rows).
 */
export async function importArchive(
  options: ImportOptions,
  tenant: Tenant,
  source: Readable | AsyncIterable<Uint8Array>,
): Promise<ImportReport> {
  const gunzip = createGunzip()
  // Its errors, and the source's, come out where it is read; that may begin later than they do.
  gunzip.on('error', () => {})
  const unpacked = pipeline(source, gunzip, () => {})
  try {
    return await options.database.tenant(
      tenant,
      { access: 'write', timeout: LONGEST },
      async (db) => await take(options, tenant, db, unpacked),
    )
  } catch (error) {
    throw toldOf(error)
  } finally {
    gunzip.destroy()
  }
}

async function take(
  { clock, auditKey, author, maxBytes }: ImportOptions,
  tenant: Tenant,
  db: TenantDb,
  unpacked: AsyncIterable<Uint8Array>,
): Promise<ImportReport> {
  const live = (await tablesIn(db)).filter(({ name }) => !NOT_DATA.includes(name))
  for (const table of live)
    if (!(await isEmpty(db, table)))
      throw new RegistryError('conflict', `${tenant.slug} is not empty: its table ${table.name} has rows`)

  const write = async (entries: readonly AuditEntry[]): Promise<void> =>
    await insertAudit(
      db,
      entries.map((entry) => signAudit(auditKey, entry, clock.now())),
    )
  const contents = createContents((manifest) => assertKnown(manifest, live))
  const limits = { file: LIMITS.file, entries: LIMITS.entries, total: Math.min(maxBytes, Number.MAX_SAFE_INTEGER) }
  for await (const entry of readTar(unpacked, limits)) {
    const part = contents.next(entry)
    if (part === null) continue
    const lines = counted(linesOf(entry.name, entry.content), part)
    if (part.area === 'data') {
      for (const batch of batches(checked(entry.name, lines, part.columns)))
        await insertRows(db, { name: part.table }, part.columns, batch)
    } else if (part.area === 'audit') {
      for (const batch of batches(lines))
        await write(batch.map((line) => importedAudit(entry.name, objectOn(entry.name, line), tenant.id)))
    } else {
      // Of the registry nothing is taken. It is read through, for the counts are to be right.
      for (const _line of lines) continue
    }
  }
  const { manifest, rows } = contents.finish()
  const { slug, name, exported_at, gatehouse } = manifest
  const report: ImportReport = {
    from: { slug, name, exported_at, gatehouse },
    imported: under(rows, 'data/'),
    audit: rows['audit'] ?? 0,
    left_out: under(rows, 'registry/'),
  }
  const what = { tenant_id: tenant.id, action: 'tenant.imported', target: tenant.slug, outcome: 'ok' } as const
  const nothing = { latency_ms: null, arguments_digest: null }
  await write([{ at: clock.now(), ...what, ...author, ...nothing, detail: { ...report } }])
  return report
}

/** Tables and columns come from the live schema; what the archive has and the schema does not is lost on nobody silently. */
function assertKnown({ tables }: Manifest, live: readonly Table[]): void {
  for (const { name, columns } of tables) {
    const known = live.find((table) => table.name === name)
    if (known === undefined) throw broken(`this server has no table ${name}`)
    const unknown = columns.find((column) => !known.columns.includes(column))
    if (unknown !== undefined) throw broken(`the table ${name} has no column ${unknown} here`)
    if (new Set(columns).size < columns.length) throw broken(`the table ${name} has a column twice`)
  }
  if (new Set(tables.map(({ name }) => name)).size < tables.length) throw broken('it has a table twice')
}

function* counted(lines: Iterable<string>, part: Part): Generator<string> {
  for (const line of lines) {
    part.rows += 1
    yield line
  }
}

function* checked(name: string, lines: Iterable<string>, columns: readonly string[]): Generator<string> {
  for (const line of lines) {
    const unknown = Object.keys(objectOn(name, line)).find((key) => !columns.includes(key))
    if (unknown !== undefined) throw broken(`${name} has a column that its manifest does not name`)
    yield line
  }
}

/** As many as go into one statement. */
function* batches(lines: Iterable<string>): Generator<readonly string[]> {
  let batch: string[] = []
  let length = 0
  for (const line of lines) {
    batch.push(line)
    length += line.length
    if (batch.length < ROWS && length < PART) continue
    yield batch
    batch = []
    length = 0
  }
  if (batch.length > 0) yield batch
}

const under = (rows: Readonly<Record<string, number>>, area: string): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Object.entries(rows).flatMap(([name, count]) => (name.startsWith(area) ? [[name.slice(area.length), count]] : [])),
  )
