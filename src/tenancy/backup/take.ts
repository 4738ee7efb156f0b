import { LEDGERS } from '#db/migrations.ts'
import { createHash, type Hash } from 'node:crypto'
import type { Readable, Writable } from 'node:stream'
import { createGzip } from 'node:zlib'
import type { Clock } from '#base/clock.ts'
import { version } from '#base/package.ts'
import type { Database } from '#db/database.ts'
import { readRows, type Batch, type Table } from '#db/rows.ts'
import { tarEnd, tarFile } from '../archive/tar.ts'
import { rfc3339 } from '../tenant-row.ts'
import type { Tenant } from '../tenant.ts'
import {
  END,
  FORMAT,
  FORMAT_VERSION,
  MANIFEST,
  PART,
  partPath,
  type End,
  type Manifest,
  type PartName,
} from './format.ts'
import { registryTablesOf } from './registry-columns.ts'

const ROWS = 500

/**
 * Everything of a tenant as a gzipped tar, not sealed yet. Of the schema it is one snapshot; of the registry each table is read just before it.
 * What is not read waits, and the snapshot stays open as long. What cannot be finished ends in an error and without `end.json`.
 */
export function takeBackup(database: Database, clock: Clock, tenant: Tenant): Readable {
  const gzip = createGzip()
  // Whoever reads is told by the stream itself; who does not read yet must not end the process.
  gzip.on('error', () => {})
  const writer = createWriter(gzip, clock)
  async function produce(): Promise<void> {
    const registry: { readonly name: string; readonly lines: readonly string[] }[] = []
    for (const table of registryTablesOf(tenant.id)) {
      registry.push({ name: table.name, lines: await registryLines(database, table) })
    }
    await database.admin.snapshot(tenant, async (source) => {
      const tables = source.tables.filter(({ name }) => !LEDGERS.includes(name))
      const manifest: Manifest = {
        format: FORMAT,
        version: FORMAT_VERSION,
        taken_at: rfc3339(new Date(clock.now())),
        gatehouse: version,
        tenant: { id: tenant.id, slug: tenant.slug, schema: tenant.schema },
        migrations: [...source.applied],
        tools: [...source.tools],
        tables: tables.map(({ name, columns }) => ({ name, columns: [...columns] })),
        sequences: [...source.sequences],
      }
      await writer.file(MANIFEST, Buffer.from(JSON.stringify(manifest, null, 2)))
      for (const { name, lines } of registry)
        await writer.table(
          { area: 'registry', table: name },
          lines.map((line) => Buffer.from(`${line}\n`)),
        )
      for (const table of tables) await writer.table({ area: 'data', table: table.name }, source.rows(table))
      await writer.end()
    })
  }
  produce().then(
    () => gzip.end(),
    (error: unknown) => gzip.destroy(error instanceof Error ? error : new Error('the backup failed', { cause: error })),
  )
  return gzip
}

async function registryLines(database: Database, table: Table): Promise<readonly string[]> {
  const lines: string[] = []
  for (let after: Batch['last'] = null; ;) {
    const asked = { after, rows: ROWS, bytes: PART }
    const batch: Batch = await database.control(
      { as: 'operator', access: 'read' },
      async (db) => await readRows(db, table, asked),
    )
    lines.push(...batch.lines)
    if (batch.last === null) return lines
    after = batch.last
  }
}

interface Writer {
  file(name: string, content: Uint8Array): Promise<void>
  /** Pieces as they come, put together to parts. A line ends with a line feed, so these are the rows. */
  table(name: Omit<PartName, 'number'>, pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void>
  end(): Promise<void>
}

const NEWLINE = 0x0a

function createWriter(sink: Writable, clock: Clock): Writer {
  const parts: End['parts'] = {}
  const write = async (bytes: Uint8Array): Promise<void> =>
    await new Promise<void>((done, fail) => sink.write(bytes, (error) => (error ? fail(error) : done())))
  const file = async (name: string, content: Uint8Array): Promise<void> => {
    for (const piece of tarFile(name, content, clock.now())) await write(piece)
  }
  return {
    file,
    async table(name, pieces) {
      const hash: Hash = createHash('sha256')
      let rows = 0
      let number = 0
      let held: Uint8Array[] = []
      let length = 0
      const flush = async (): Promise<void> => {
        number += 1
        await file(partPath({ ...name, number }), Buffer.concat(held))
        held = []
        length = 0
      }
      for await (const piece of pieces) {
        hash.update(piece)
        for (const octet of piece) if (octet === NEWLINE) rows += 1
        held.push(piece)
        length += piece.length
        if (length >= PART) await flush()
      }
      if (length > 0) await flush()
      parts[`${name.area}/${name.table}`] = { rows, sha256: hash.digest('hex') }
    },
    async end() {
      await file(END, Buffer.from(JSON.stringify({ parts })))
      await write(tarEnd())
    },
  }
}
