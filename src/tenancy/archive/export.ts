import { createHash } from 'node:crypto'
import type { Readable, Writable } from 'node:stream'
import { createGzip } from 'node:zlib'
import type { Clock } from '#base/clock.ts'
import { version } from '#base/package.ts'
import type { ControlActor, Database, Queryable } from '#db/database.ts'
import { readRows, tablesIn, type Batch, type BatchOptions, type Table } from '#db/rows.ts'
import { rfc3339 } from '../tenant-row.ts'
import type { Tenant } from '../tenant.ts'
import {
  END,
  FORMAT,
  FORMAT_VERSION,
  MANIFEST,
  NOT_DATA,
  PART,
  partPath,
  totalOf,
  type End,
  type FileSeal,
  type Manifest,
  type PartName,
} from './format.ts'
import { auditColumns, registryTables } from './registry-part.ts'
import { tarEnd, tarFile } from './tar.ts'

/** Milliseconds: how long an export may take, and how long whoever reads may leave it standing. The snapshot is open meanwhile. */
const LONGEST = 1_800_000
const PATIENCE = 60_000
/** Rows asked for at first and at most: the next question follows from how many fitted into a part. */
const FIRST_ROWS = 100
const MOST_ROWS = 2_000

export interface ExportOptions {
  readonly database: Database
  readonly clock: Clock
  /** Milliseconds; default one minute. */
  readonly patience?: number
}

/**
 * The archive of a tenant as a stream of gzip. What is not read waits, and is given up after a minute; what cannot be finished ends
 * in an error, and without `end.json`.
 * @param as who reads the registry
 */
export function streamExport(options: ExportOptions, tenant: Tenant, as: ControlActor): Readable {
  const { database, clock, patience = PATIENCE } = options
  const gzip = createGzip()
  const gone = new AbortController()
  gzip.once('close', () => gone.abort(new Error('nobody reads this export any more')))
  // Whoever reads is told by the stream itself; who does not read yet must not end the process.
  gzip.on('error', () => {})

  const archive = createWriter(gzip, gone.signal, clock, patience)
  async function produce(): Promise<void> {
    const options = { access: 'read', snapshot: true, timeout: LONGEST, signal: gone.signal } as const
    await database.tenant(tenant, options, async (db) => {
      const tables = await tablesIn(db)
      const data = tables.filter(({ name }) => !NOT_DATA.includes(name))
      await archive.json(MANIFEST, manifestOf(tenant, data, clock.now()))
      for (const table of data) await writeTable(archive, async (run) => await run(db), 'data', table.name, table)
      const audit = tables.find(({ name }) => name === 'audit')
      if (audit !== undefined)
        await writeTable(archive, async (run) => await run(db), 'audit', '', { ...audit, columns: auditColumns })
    })
    // The registry may live on another server: it is read after the snapshot, a transaction for each part.
    for (const [folder, table] of registryTables(tenant.id))
      await writeTable(archive, async (run) => await database.control(as, run), 'registry', folder, table)
    await archive.end()
  }
  produce().then(
    () => {
      gzip.end()
      endUnread(gzip, patience)
    },
    (error: unknown) => gzip.destroy(error instanceof Error ? error : new Error('the export failed', { cause: error })),
  )
  return gzip
}

const unread = (): Error => new Error('the export was left unread for a minute')

/** All is written, and a small archive needs no reader for that: whoever asked may have gone without taking any of it. */
function endUnread(gzip: Readable, patience: number): void {
  let left: number | null = null
  const timer = setInterval(() => {
    if (left === gzip.readableLength) gzip.destroy(unread())
    left = gzip.readableLength
  }, patience).unref()
  gzip.once('close', () => clearInterval(timer))
}

const manifestOf = ({ slug, name, schemaVersion }: Tenant, data: readonly Table[], now: number): Manifest => ({
  format: FORMAT,
  version: FORMAT_VERSION,
  slug,
  name,
  exported_at: rfc3339(new Date(now)),
  gatehouse: version,
  schema_version: schemaVersion,
  tables: data.map((table) => ({ name: table.name, columns: [...table.columns] })),
})

async function writeTable(
  archive: Writer,
  within: <T>(run: (db: Queryable) => Promise<T>) => Promise<T>,
  area: PartName['area'],
  folder: string,
  table: Table,
): Promise<void> {
  let after: readonly string[] | null = null
  let rows = FIRST_ROWS
  for (let number = 1; ; number += 1) {
    const asked: BatchOptions = { after, rows, bytes: PART }
    const { lines, last }: Batch = await within(async (db) => await readRows(db, table, asked))
    if (last === null) return
    await archive.part({ area, table: folder, number }, lines)
    after = last
    rows = Math.min(Math.max(lines.length * 2, 10), MOST_ROWS)
  }
}

interface Writer {
  json(name: string, value: unknown): Promise<void>
  part(name: PartName, lines: readonly string[]): Promise<void>
  /** end.json, and the end of the tar. */
  end(): Promise<void>
}

function createWriter(sink: Writable, gone: AbortSignal, clock: Clock, patience: number): Writer {
  const files: FileSeal[] = []
  const rows: Record<string, number> = {}
  // One for all parts: a new one for each would be garbage faster than it is collected.
  let space = Buffer.alloc(2 * PART)

  /** Goes on when it was taken, so that nothing piles up and `space` is free again. */
  async function write(bytes: Uint8Array): Promise<void> {
    gone.throwIfAborted()
    const late = setTimeout(() => sink.destroy(unread()), patience)
    try {
      await new Promise<void>((done, fail) => sink.write(bytes, (error) => (error ? fail(error) : done())))
    } finally {
      clearTimeout(late)
    }
  }
  async function file(name: string, lines: readonly string[], count: number): Promise<void> {
    let length = 0
    for (const line of lines) {
      const needed = length + line.length * 3 + 1
      if (needed > space.length) space = Buffer.concat([space.subarray(0, length)], needed * 2)
      length += space.write(line, length)
      length += space.write('\n', length)
    }
    const content = space.subarray(0, length)
    files.push({ name, rows: count, bytes: length, sha256: createHash('sha256').update(content).digest('hex') })
    for (const piece of tarFile(name, content, clock.now())) await write(piece)
  }
  return {
    json: async (name, value) => await file(name, [JSON.stringify(value, null, 2)], 0),
    async part(name, lines) {
      rows[totalOf(name)] = (rows[totalOf(name)] ?? 0) + lines.length
      await file(partPath(name), lines, lines.length)
    },
    async end() {
      const end: End = { rows, files: [...files] }
      await file(END, [JSON.stringify(end)], 0)
      await write(tarEnd())
    },
  }
}
