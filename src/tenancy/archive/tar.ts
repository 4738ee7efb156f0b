import { RegistryError } from '../registry-error.ts'

/**
 * The part of tar (POSIX.1-1988 ustar) that an archive of ours needs: plain files with short names. Written here and not taken from a
 * library because a library reads far more: links, devices, and extended headers that are held in memory whatever their size.
 */
const BLOCK = 512
/** Tools fill the end up to 10 KiB, or 64. */
const MOST_PADDING = 65_536

/** One file as header, content and padding. Names: at most 100 octets of ASCII. */
export function tarFile(name: string, content: Uint8Array, at: number): readonly Uint8Array[] {
  const header = Buffer.alloc(BLOCK)
  if (!/^[\x21-\x7e]{1,100}$/.test(name)) throw new TypeError('not a name for this archive')
  header.write(name, 0)
  header.write('0000600\0', 100)
  header.write('0000000\0', 108)
  header.write('0000000\0', 116)
  header.write(`${octal(content.length)}\0`, 124)
  header.write(`${octal(Math.floor(at / 1000))}\0`, 136)
  header.write('        ', 148)
  header.write('0', 156)
  header.write('ustar\u000000', 257)
  header.write(`${sumOf(header).toString(8).padStart(6, '0')}\0 `, 148)
  return [header, content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)]
}

/** What a tar ends with. */
export const tarEnd = (): Uint8Array => Buffer.alloc(2 * BLOCK)

const octal = (value: number): string => value.toString(8).padStart(11, '0')

/** The sum of the header's octets, its own field counted as blanks. */
const sumOf = (header: Buffer): number =>
  header.reduce((sum, octet, index) => sum + (index >= 148 && index < 156 ? 0x20 : octet), 0)

export interface TarLimits {
  /** Octets of one file. */
  readonly file: number
  readonly entries: number
  /** Octets of everything that comes out of `source`. */
  readonly total: number
}

export interface TarEntry {
  readonly name: string
  readonly content: Buffer
}

/**
 * The files of a tar, one at a time, each held whole. `source` may be hostile: nothing beyond the limits is ever held.
 * Throws RegistryError `invalid` for everything that is not a plain file with a short name, and for an end that comes too early.
 */
export async function* readTar(source: AsyncIterable<Uint8Array>, limits: TarLimits): AsyncGenerator<TarEntry> {
  const input = createInput(source, limits.total)
  for (let entries = 0; ; entries += 1) {
    const header = await input.take(BLOCK)
    if (header.every((octet) => octet === 0)) return await input.nothingMore()
    if (entries === limits.entries) throw broken(`it holds more than ${limits.entries} files`)
    const { name, size } = parseHeader(header)
    if (size > limits.file) throw broken(`${name} is larger than ${limits.file} bytes`)
    const content = await input.take(size)
    await input.take((BLOCK - (size % BLOCK)) % BLOCK)
    yield { name, content }
  }
}

function parseHeader(header: Buffer): { readonly name: string; readonly size: number } {
  const field = (from: number, to: number): string => header.toString('latin1', from, to)
  if (field(257, 262) !== 'ustar') throw broken('it is no tar of plain files')
  const sum = /^ *([0-7]{1,7})[\0 ]*$/.exec(field(148, 156))?.[1]
  if (sum === undefined || Number.parseInt(sum, 8) !== sumOf(header)) throw broken('a header is damaged')
  if (!['0', '\0'].includes(field(156, 157)) || field(157, 158) !== '\0' || field(345, 346) !== '\0')
    throw broken('it holds something other than plain files with short names: links, folders and the like are not read')
  const [, name] = /^([\x21-\x7e]{1,100})\0*$/.exec(field(0, 100)) ?? []
  if (name === undefined) throw broken('a name in it has characters that no name of ours has')
  const size = /^([0-7]{11})[\0 ]$/.exec(field(124, 136))?.[1]
  if (size === undefined) throw broken(`the size of ${name} cannot be read`)
  return { name, size: Number.parseInt(size, 8) }
}

interface Input {
  /** Exactly so many octets. */
  take(count: number): Promise<Buffer>
  nothingMore(): Promise<void>
}

function createInput(source: AsyncIterable<Uint8Array>, most: number): Input {
  const chunks = source[Symbol.asyncIterator]()
  let held: Buffer[] = []
  let length = 0
  let total = 0

  /** False: there is nothing more. */
  async function more(): Promise<boolean> {
    const next = await chunks.next()
    if (next.done === true) return false
    total += next.value.length
    if (total > most) throw broken(`unpacked it is larger than ${most} bytes`)
    held.push(Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength))
    length += next.value.length
    return true
  }

  return {
    async take(count) {
      while (length < count) if (!(await more())) throw broken('it ends too early: it was cut off')
      const all = held.length === 1 && held[0] !== undefined ? held[0] : Buffer.concat(held)
      held = [all.subarray(count)]
      length -= count
      return all.subarray(0, count)
    },
    async nothingMore() {
      for (let padding = 0; ;) {
        for (const chunk of held) {
          if (chunk.some((octet) => octet !== 0)) throw broken('something follows its end')
          padding += chunk.length
        }
        held = []
        if (padding > MOST_PADDING) throw broken('something follows its end')
        if (!(await more())) return
      }
    },
  }
}

/** What is said of an archive that is not read. */
export const broken = (why: string): RegistryError => new RegistryError('invalid', `this archive is not taken: ${why}`)
