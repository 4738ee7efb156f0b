import { createHash } from 'node:crypto'
import {
  END,
  endSchema,
  LIMITS,
  MANIFEST,
  manifestSchema,
  parsePart,
  totalOf,
  type End,
  type FileSeal,
  type Manifest,
  type PartName,
} from './format.ts'
import { documentIn } from './lines.ts'
import { broken, type TarEntry } from './tar.ts'

/** A part whose turn it is. */
export interface Part extends PartName {
  /** Of a table of data: those the manifest names; otherwise empty. */
  readonly columns: readonly string[]
  /** Lines of it that were read; whoever reads them counts. */
  rows: number
}

/** Does an archive hold what it says, in the order in which it must come? */
export interface Contents {
  /** null: not a part with rows, and dealt with. Throws `invalid` for everything that does not come now. */
  next(entry: TarEntry): Part | null
  /** After the last one. Throws `invalid` when end.json was not there. */
  finish(): { readonly manifest: Manifest; readonly rows: Readonly<Record<string, number>> }
}

const AREAS: readonly PartName['area'][] = ['data', 'audit', 'registry']

/** @param begin looks at the manifest before anything else is read. */
export function createContents(begin: (manifest: Manifest) => void): Contents {
  const seals = new Map<string, { readonly seal: Omit<FileSeal, 'rows'>; readonly part: Part | null }>()
  let manifest: Manifest | null = null
  let before: Part | null = null
  let ended = false

  function rowsByTotal(): Record<string, number> {
    const rows: Record<string, number> = {}
    for (const { part } of seals.values())
      if (part !== null) rows[totalOf(part)] = (rows[totalOf(part)] ?? 0) + part.rows
    return rows
  }

  function assertEnd(end: End): void {
    const rows = rowsByTotal()
    if (end.files.length !== seals.size) throw broken(`${END} does not name its files`)
    for (const { name, rows, bytes, sha256 } of end.files) {
      const found = seals.get(name)
      if (found === undefined || found.seal.bytes !== bytes || found.seal.sha256 !== sha256)
        throw broken(`${name} is not what ${END} says it is`)
      if ((found.part?.rows ?? 0) !== rows) throw broken(`${name} has not as many rows as ${END} says`)
    }
    const names = new Set([...Object.keys(rows), ...Object.keys(end.rows)])
    for (const name of names) if (rows[name] !== end.rows[name]) throw broken(`the rows of ${name} are not all there`)
  }

  function partOf(name: PartName, { tables }: Manifest): Part {
    const place = tables.findIndex((table) => table.name === name.table)
    if (name.area === 'data' && place === -1) throw broken(`the manifest names no table ${name.table}`)
    const same = before !== null && totalOf(before) === totalOf(name)
    const behind =
      before !== null &&
      !same &&
      (AREAS.indexOf(name.area) < AREAS.indexOf(before.area) ||
        (name.area === 'data' &&
          before.area === 'data' &&
          place < tables.findIndex((table) => table.name === before?.table)))
    if (behind || name.number !== (same ? (before?.number ?? 0) + 1 : 1))
      throw broken('its files are not in their order')
    return { ...name, columns: name.area === 'data' ? (tables[place]?.columns ?? []) : [], rows: 0 }
  }

  return {
    next({ name, content }) {
      if (ended) throw broken(`something follows ${END}`)
      if (seals.has(name)) throw broken(`${name} is there twice`)
      if (name === END) {
        assertEnd(documentIn(name, content, endSchema))
        ended = true
        return null
      }
      const seal = { name, bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') }
      if (manifest === null) {
        if (name !== MANIFEST) throw broken(`it does not begin with ${MANIFEST}`)
        if (content.length > LIMITS.manifest) throw broken(`${MANIFEST} is larger than ${LIMITS.manifest} bytes`)
        manifest = documentIn(name, content, manifestSchema)
        begin(manifest)
        seals.set(name, { seal, part: null })
        return null
      }
      const parsed = parsePart(name)
      if (parsed === null) throw broken(`${JSON.stringify(name)} is no file of an archive`)
      const part = partOf(parsed, manifest)
      before = part
      seals.set(name, { seal, part })
      return part
    },
    finish() {
      if (manifest === null || !ended) throw broken(`it ends without ${END}: it was cut off`)
      return { manifest, rows: rowsByTotal() }
    },
  }
}
