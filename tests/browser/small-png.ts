import { crc32, deflateSync, inflateSync } from 'node:zlib'

/**
 * A picture of a page with at most 256 colours: a third of what the browser writes, and nobody sees the difference, as a page has few colours and
 * the rest are edges of letters. PNG (ISO 15948), 8 bits per channel without interlace as Chromium writes it, in; with a palette, out.
 */
export function smallPng(png: Buffer): Buffer {
  const parts = chunks(png)
  const head = parts.find(({ type }) => type === 'IHDR')?.data ?? Buffer.alloc(13)
  const [width, height, depth, kind, interlace] = [
    head.readUInt32BE(0),
    head.readUInt32BE(4),
    head[8],
    head[9],
    head[12],
  ]
  const size = kind === 6 ? 4 : 3
  if (depth !== 8 || (kind !== 2 && kind !== 6) || interlace !== 0)
    throw new Error('not a picture as Chromium takes it')
  const packed = Buffer.concat(parts.filter(({ type }) => type === 'IDAT').map(({ data }) => data))
  const colours = pixels(inflateSync(packed), width, height, size)
  const { palette, indexOf } = reduced(colours)
  const rows = Buffer.alloc((width + 1) * height)
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) rows[y * (width + 1) + 1 + x] = indexOf(colours[y * width + x] ?? 0)
  const newHead = Buffer.from(head)
  newHead[9] = 3
  return Buffer.concat([
    png.subarray(0, 8),
    chunk('IHDR', newHead),
    chunk('PLTE', Buffer.from(palette.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255]))),
    chunk('IDAT', deflateSync(rows, { level: 9, memLevel: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

/** Squared distance of colours that differ for the eye. */
const APART = 24 ** 2

function chunks(png: Buffer): { readonly type: string; readonly data: Buffer }[] {
  const found = []
  for (let at = 8; at < png.length;) {
    const length = png.readUInt32BE(at)
    found.push({ type: png.toString('latin1', at + 4, at + 8), data: png.subarray(at + 8, at + 8 + length) })
    at += length + 12
  }
  return found
}

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(data.length)
  sum.writeUInt32BE(crc32(named))
  return Buffer.concat([length, named, sum])
}

/** Undoes the filters of the rows (section 9.2). Each pixel as 0xRRGGBB; what shines through is left out, as a page has a ground. */
function pixels(data: Buffer, width: number, height: number, size: number): Uint32Array {
  const line = width * size
  const out = new Uint32Array(width * height)
  let above = Buffer.alloc(line)
  for (let y = 0; y < height; y += 1) {
    const from = y * (line + 1)
    const filter = data[from] ?? 0
    const row = Buffer.from(data.subarray(from + 1, from + 1 + line))
    for (let x = 0; x < line; x += 1) {
      const [left, up, corner] = [
        x < size ? 0 : (row[x - size] ?? 0),
        above[x] ?? 0,
        x < size ? 0 : (above[x - size] ?? 0),
      ]
      row[x] = ((row[x] ?? 0) + predicted(filter, left, up, corner)) & 255
    }
    for (let x = 0; x < width; x += 1) out[y * width + x] = row.readUIntBE(x * size, 3)
    above = row
  }
  return out
}

function predicted(filter: number, left: number, up: number, corner: number): number {
  if (filter === 0) return 0
  if (filter === 1) return left
  if (filter === 2) return up
  if (filter === 3) return (left + up) >> 1
  const guess = left + up - corner
  const [toLeft, toUp, toCorner] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)]
  if (toLeft <= toUp && toLeft <= toCorner) return left
  return toUp <= toCorner ? up : corner
}

/** 256 colours, and for every other the nearest: first those that differ and are there most, so that a rare red stays red, then the most. */
function reduced(colours: Uint32Array): { readonly palette: readonly number[]; indexOf(colour: number): number } {
  const counts = new Map<number, number>()
  for (const colour of colours) counts.set(colour, (counts.get(colour) ?? 0) + 1)
  const far = (a: number, b: number): number =>
    ((a >> 16) - (b >> 16)) ** 2 + (((a >> 8) & 255) - ((b >> 8) & 255)) ** 2 + ((a & 255) - (b & 255)) ** 2
  const most = [...counts].toSorted(([, a], [, b]) => b - a).map(([colour]) => colour)
  const palette: number[] = []
  for (const colour of most)
    if (palette.length < 160 && palette.every((other) => far(other, colour) > APART)) palette.push(colour)
  const chosen = new Set(palette)
  palette.push(...most.filter((colour) => !chosen.has(colour)).slice(0, 256 - palette.length))
  const known = new Map(palette.map((colour, index) => [colour, index]))
  return {
    palette,
    indexOf(colour) {
      const found = known.get(colour)
      if (found !== undefined) return found
      let best = 0
      for (let index = 1; index < palette.length; index += 1)
        if (far(palette[index] ?? 0, colour) < far(palette[best] ?? 0, colour)) best = index
      known.set(colour, best)
      return best
    },
  }
}
