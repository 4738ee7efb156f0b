import { LEDGERS } from '#db/migrations.ts'
import { z } from 'zod'

/** The archive of a tenant: a gzipped tar of plain files, in this order: manifest, data and audit of one snapshot, registry, end. */
export const FORMAT = 'gatehouse-tenant'
export const FORMAT_VERSION = 1
export const MANIFEST = 'manifest.json'
export const END = 'end.json'

/** Octets of one part that is written: held a few times over while it is. What is read may be larger, up to the limits below. */
export const PART = 262_144
/** What an archive may hold, after decompression. In octets, but for `entries`. */
export const LIMITS = {
  line: 8 * 1_048_576,
  file: 16 * 1_048_576,
  manifest: 1_048_576,
  entries: 50_000,
  /** Of all together, unless `--max-bytes` says otherwise. */
  total: 10 * 1_073_741_824,
} as const

const NAME = '[a-z_][a-z0-9_]{0,62}'
const PATH = new RegExp(`^(data|registry)/(${NAME})/([0-9]{6})\\.ndjson$|^(audit)/([0-9]{6})\\.ndjson$`)

/** Tables that are no data of the tenant. `audit` has a part of its own; checkpoints are signatures over it; passages follow from documents. */
export const NOT_DATA: readonly string[] = [...LEDGERS, 'audit', 'audit_checkpoints', 'document_passages', 'passages']

export interface PartName {
  readonly area: 'data' | 'audit' | 'registry'
  /** '' for the audit. */
  readonly table: string
  /** 1 for the first. */
  readonly number: number
}

export const partPath = ({ area, table, number }: PartName): string =>
  `${[area, ...(table === '' ? [] : [table]), String(number).padStart(6, '0')].join('/')}.ndjson`

/** What rows are counted by: `data/projects`, `audit`, `registry/members`. */
export const totalOf = ({ area, table }: Pick<PartName, 'area' | 'table'>): string =>
  table === '' ? area : `${area}/${table}`

/** null: no name that an archive of ours has; nothing else is ever opened. */
export function parsePart(path: string): PartName | null {
  const [, area, table = '', number, audit, auditNumber] = PATH.exec(path) ?? []
  if (audit !== undefined) return { area: 'audit', table: '', number: Number(auditNumber) }
  return area === 'data' || area === 'registry' ? { area, table, number: Number(number) } : null
}

const name = z.string().regex(new RegExp(`^${NAME}$`))

export const manifestSchema = z.strictObject({
  format: z.literal(FORMAT),
  version: z.literal(FORMAT_VERSION),
  slug: z.string().max(41),
  name: z.string().max(200),
  /** When the snapshot was taken; RFC 3339. */
  exported_at: z.iso.datetime(),
  /** Version of the program that wrote it. */
  gatehouse: z.string().max(64),
  /** Of sql/tenant. */
  schema_version: z.int().min(0),
  /** In the order of their files; each after those it refers to. */
  tables: z.array(z.strictObject({ name, columns: z.array(name).min(1).max(1_600) })).max(1_000),
})
export type Manifest = z.output<typeof manifestSchema>

export const endSchema = z.strictObject({
  /** Rows by `data/projects`, `audit`, `registry/members`. */
  rows: z.record(z.string().max(80), z.int().min(0)),
  files: z
    .array(
      z.strictObject({
        name: z.string().max(100),
        rows: z.int().min(0),
        bytes: z.int().min(0),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
      }),
    )
    .max(LIMITS.entries),
})
export type End = z.output<typeof endSchema>
export type FileSeal = End['files'][number]
