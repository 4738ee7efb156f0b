import { createHash } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import { auditKey, CONTROL_SCHEMA } from '#tenancy/audit.ts'
import { createArchive, type Archive } from '#tenancy/archive/archive.ts'
import { readTar, tarEnd, tarFile } from '#tenancy/archive/tar.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import type { FreshDatabase } from '../../support/database.ts'
import { SECRET, type Replica } from '../support.ts'

export const archiveOf = ({ database, clock }: Pick<Replica, 'database' | 'clock'>, patience?: number): Archive =>
  createArchive({
    ...(patience === undefined ? {} : { patience }),
    database,
    clock,
    auditKey: auditKey(SECRET, CONTROL_SCHEMA),
    tenantAuditKey: (schema) => auditKey(SECRET, schema),
  })

export async function bytesOf(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of source) chunks.push(chunk)
  return Buffer.concat(chunks)
}

export async function* oneByOne(bytes: Uint8Array, size = 65_536): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

export interface File {
  readonly name: string
  readonly content: string
}

export async function filesOf(archive: Uint8Array): Promise<readonly File[]> {
  const files: File[] = []
  const limits = { file: 1e9, entries: 1e6, total: 1e9 }
  for await (const { name, content } of readTar(oneByOne(gunzipSync(archive)), limits))
    files.push({ name, content: content.toString() })
  return files
}

export const packed = (files: readonly File[]): Buffer =>
  gzipSync(Buffer.concat([...files.flatMap(({ name, content }) => tarFile(name, Buffer.from(content), 0)), tarEnd()]))

/** What end.json says of these files, by the code of this test alone. */
export function endOf(files: readonly File[]): File {
  const rows: Record<string, number> = {}
  const seals = files.map(({ name, content }) => {
    const count = name.endsWith('.ndjson') ? content.split('\n').length - 1 : 0
    const total = name.replace(/\/?\d{6}\.ndjson$/, '')
    if (name.endsWith('.ndjson')) rows[total] = (rows[total] ?? 0) + count
    const sha256 = createHash('sha256').update(content).digest('hex')
    return { name, rows: count, bytes: Buffer.byteLength(content), sha256 }
  })
  return { name: 'end.json', content: JSON.stringify({ rows, files: seals }) }
}

/** These files with a true end. */
export const sealed = (files: readonly File[]): Buffer => packed([...files, endOf(files)])

export const rowsIn = (files: readonly File[], prefix: string): readonly Record<string, unknown>[] =>
  files
    .filter(({ name }) => name.startsWith(prefix))
    .flatMap(({ content }) => content.trimEnd().split('\n'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)

/** Projects, todos that refer to them, and documents whose search column is generated. */
export async function fill(fresh: FreshDatabase, { schema }: Tenant, count: number, letters = 96): Promise<void> {
  await fresh.sql(`INSERT INTO ${schema}.projects (id, name, description, created_by, created_at, updated_at)
    SELECT gen_random_uuid(), 'project ' || n, 'with "quotes", ümläuts and' || chr(10) || 'lines', 'p:a',
      '2026-01-02 03:04:05.123456+00', now() FROM generate_series(1, ${count}) AS n`)
  await fresh.sql(`INSERT INTO ${schema}.todos (id, project_id, title, created_by, created_at, updated_at)
    SELECT gen_random_uuid(), id, 'of ' || name, 'p:a', now(), now() FROM ${schema}.projects`)
  await fresh.sql(`INSERT INTO ${schema}.documents (id, title, content, created_by, created_at, updated_at)
    SELECT gen_random_uuid(), 'doc ' || n,
      -- Nothing that gzip could make small.
      (SELECT string_agg(md5(random()::text), '') FROM generate_series(1, ${Math.ceil(letters / 32)} + n * 0)), 'p:a', now(), now()
    FROM generate_series(1, ${count}) AS n`)
}

/** Everything in the data tables as superuser, in an order of its own. */
export async function dataOf(fresh: FreshDatabase, { schema }: Tenant): Promise<readonly unknown[]> {
  const all: unknown[] = []
  for (const table of ['projects', 'todos', 'documents'])
    all.push(...(await fresh.sql(`SELECT * FROM ${schema}.${table} ORDER BY id`)))
  return all
}
