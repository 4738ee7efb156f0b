/** Control characters, and those that turn the direction of text: names come from outside and must not steer a terminal. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** A value as one line for people: lists by commas, nothing as a dash. */
export function plain(value: unknown): string {
  if (value === null || value === undefined || value === '') return '-'
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.map(plain).join(',')
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  const text = typeof value === 'string' ? value : typeof value === 'number' ? String(value) : JSON.stringify(value)
  return text.replaceAll(UNPRINTABLE, '\uFFFD')
}

/** Aligned columns under their names; '' when there are no rows. */
export function table(rows: readonly Readonly<Record<string, unknown>>[]): string {
  const [first] = rows
  if (first === undefined) return ''
  const names = Object.keys(first)
  return columns([
    names.map((name) => name.toUpperCase().replaceAll('_', ' ')),
    ...rows.map((row) => names.map((name) => plain(row[name]))),
  ])
}

/** One thing, a line for each of its facts. */
export const sheet = (record: Readonly<Record<string, unknown>>): string =>
  columns(Object.entries(record).map(([name, value]) => [name.replaceAll('_', ' '), plain(value)]))

/** Rows of cells, aligned; nothing is left at the end of a line. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows)
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length)
  return rows
    .map((row) =>
      row
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const

/** `2026-11-21 07:36 UTC (3 h ago)`; null stays null. */
export function moment(time: string | null, now: number): string | null {
  if (time === null) return null
  const away = Date.parse(time) - now
  const [unit, size] = UNITS.find(([, size]) => Math.abs(away) >= size) ?? UNITS[3]
  const count = Math.floor(Math.abs(away) / size)
  return `${time.slice(0, 16).replace('T', ' ')} UTC (${away > 0 ? `in ${count} ${unit}` : `${count} ${unit} ago`})`
}
