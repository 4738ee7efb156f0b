import { z } from 'zod'

/** What is inside of a sealed backup: a gzipped tar in this order: manifest, registry, tables of the schema, end. */
export const FORMAT = 'gatehouse-backup'
export const FORMAT_VERSION = 1
export const MANIFEST = 'manifest.json'
export const END = 'end.json'

/** Octets of one part that is written; and what is read at most of one, and of how many. The seal vouches for them. */
export const PART = 262_144
export const LIMITS = { file: 16 * 1_048_576, entries: 10_000_000, total: Number.MAX_SAFE_INTEGER } as const

const NAME = '[a-z_][a-z0-9_]{0,62}'
const PATH = new RegExp(`^(registry|data)/(${NAME})/([0-9]{8})$`)

export interface PartName {
  /** `registry`: NDJSON; `data`: as COPY writes rows. */
  readonly area: 'registry' | 'data'
  readonly table: string
  /** 1 for the first. */
  readonly number: number
}

export const partPath = ({ area, table, number }: PartName): string =>
  `${area}/${table}/${String(number).padStart(8, '0')}`

export function parsePart(path: string): PartName | null {
  const [, area, table = '', number] = PATH.exec(path) ?? []
  return area === 'registry' || area === 'data' ? { area, table, number: Number(number) } : null
}

const name = z.string().regex(new RegExp(`^${NAME}$`))
const columns = z.array(name).min(1).max(1_600)

export const manifestSchema = z.strictObject({
  format: z.literal(FORMAT),
  version: z.literal(FORMAT_VERSION),
  /** When the snapshot was taken; RFC 3339. */
  taken_at: z.iso.datetime(),
  gatehouse: z.string().max(64),
  tenant: z.strictObject({
    id: z.uuid(),
    slug: z.string().regex(/^[a-z][a-z0-9_]{0,40}$/),
    schema: z.string().regex(/^tenant_[a-z][a-z0-9_]{0,55}$/),
  }),
  /** Files of sql/tenant that made the schema, in their order. */
  migrations: z.array(z.strictObject({ name: z.string().max(200), sha256: z.string().regex(/^[0-9a-f]{64}$/) })),
  /** Of TOOLS_DIR/sql. Backups made before there were any have none. */
  tools: z.array(z.strictObject({ name: z.string().max(200), sha256: z.string().regex(/^[0-9a-f]{64}$/) })).default([]),
  /** In the order of their parts; each after those it refers to. */
  tables: z.array(z.strictObject({ name, columns })).max(1_000),
  sequences: z.array(
    z.strictObject({ name: z.string().max(63), last: z.string().regex(/^-?\d{1,19}$/), called: z.boolean() }),
  ),
})
export type Manifest = z.output<typeof manifestSchema>

export const endSchema = z.strictObject({
  /** By `registry/members`, `data/projects`: rows, and SHA-256 of all parts one after the other. */
  parts: z.record(
    z.string().max(80),
    z.strictObject({ rows: z.int().min(0), sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  ),
})
export type End = z.output<typeof endSchema>
