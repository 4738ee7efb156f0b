import { createHash, type Hash } from 'node:crypto'
import { pipeline, type Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { documentIn, linesOf } from '../archive/lines.ts'
import { readTar, type TarEntry } from '../archive/tar.ts'
import { RegistryError } from '../registry-error.ts'
import { END, endSchema, LIMITS, MANIFEST, manifestSchema, parsePart, type End, type Manifest } from './format.ts'
import { notTaken, unseal } from './sealed-file.ts'

/** A backup that is being read. Whatever comes out of it is not known to be whole before `data` has come to its end. */
export interface OpenBackup {
  readonly manifest: Manifest
  /** Rows as JSON objects, by table of the registry. */
  readonly registry: ReadonlyMap<string, readonly string[]>
  /** Pieces of the tables in the manifest's order, as COPY takes them. Throws RegistryError `invalid` at the end when counts or digests are wrong. */
  data(): AsyncGenerator<{ readonly table: string; readonly content: Buffer }>
  /** Of everything read so far. */
  rows(): Readonly<Record<string, number>>
}

/**
 * @param secrets SESSION_SECRET; any of them opens.
 * Throws RegistryError `invalid`: not ours, another secret's, changed, cut off, or of an unknown format.
 */
export async function openBackup(
  source: Readable | AsyncIterable<Uint8Array>,
  secrets: readonly string[],
): Promise<OpenBackup> {
  const gunzip = createGunzip()
  gunzip.on('error', () => {})
  const unpacked = pipeline(unseal(source, secrets), gunzip, () => {})
  const entries = readTar(unpacked, LIMITS)
  const seen = createTally()
  const next = async (): Promise<TarEntry | null> => {
    try {
      const result = await entries.next()
      return result.done === true ? null : result.value
    } catch (error) {
      throw error instanceof RegistryError ? notTaken(error.message.replace(/^.*?: /, '')) : error
    }
  }
  const first = await next()
  if (first?.name !== MANIFEST) throw notTaken(`it does not begin with ${MANIFEST}`)
  const manifest = documentIn(MANIFEST, first.content, manifestSchema)
  const registry = new Map<string, string[]>()
  let held = await next()
  for (; held !== null; held = await next()) {
    const part = parsePart(held.name)
    if (part?.area !== 'registry') break
    seen.add(`registry/${part.table}`, held.content)
    registry.set(part.table, [...(registry.get(part.table) ?? []), ...linesOf(held.name, held.content)])
  }
  return {
    manifest,
    registry,
    rows: () => seen.rows(),
    async *data() {
      let place = 0
      for (; held !== null && held.name !== END; held = await next()) {
        const part = parsePart(held.name)
        const at = manifest.tables.findIndex(({ name }) => name === part?.table)
        if (part?.area !== 'data' || at < place) throw notTaken('its parts are not in their order')
        place = at
        seen.add(`data/${part.table}`, held.content)
        yield { table: part.table, content: held.content }
      }
      if (held === null) throw notTaken(`it ends without ${END}: it was cut off`)
      seen.assert(documentIn(END, held.content, endSchema))
      if ((await next()) !== null) throw notTaken(`something follows ${END}`)
    },
  }
}

const NEWLINE = 0x0a

interface Tally {
  add(name: string, content: Buffer): void
  assert(end: End): void
  rows(): Readonly<Record<string, number>>
}

function createTally(): Tally {
  const parts = new Map<string, { rows: number; readonly hash: Hash }>()
  return {
    add(name, content) {
      const part = parts.get(name) ?? { rows: 0, hash: createHash('sha256') }
      part.hash.update(content)
      for (const octet of content) if (octet === NEWLINE) part.rows += 1
      parts.set(name, part)
    },
    assert(end) {
      for (const [name, { rows, sha256 }] of Object.entries(end.parts)) {
        const part = parts.get(name)
        const digest = (part?.hash ?? createHash('sha256')).copy().digest('hex')
        if ((part?.rows ?? 0) !== rows || digest !== sha256) throw notTaken(`${name} is not what ${END} says it is`)
      }
      for (const name of parts.keys()) if (!(name in end.parts)) throw notTaken(`${END} does not name ${name}`)
    },
    rows: () => Object.fromEntries([...parts].map(([name, part]) => [name, part.rows])),
  }
}
