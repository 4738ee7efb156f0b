import { verdict, type Row } from './row.ts'

const HEAD = [
  'case',
  'reached',
  '[min-max]',
  'what',
  'by CPU',
  'target',
  'met',
  'calls/s',
  'CPU us',
  'p50 ms',
  'p99 ms',
  'busy',
]

/** Three digits that count. */
const short = (value: number): string => {
  if (Number.isNaN(value)) return '-'
  const size = Math.abs(value)
  return size >= 100 ? value.toFixed(0) : value.toFixed(size >= 10 ? 1 : size >= 1 ? 2 : 3)
}

const or = (value: number | null | undefined): string => (value === null || value === undefined ? '' : short(value))

function cells(row: Row): string[] {
  const { figure, target, failed } = row
  const unit = figure === null || figure.unit === 'x' ? '' : ` ${figure.unit}`
  const sign = target?.is === 'at least' ? '>=' : '<='
  return [
    row.title,
    figure === null ? '' : short(figure.median) + unit,
    figure === null || figure.min === figure.max ? '' : `[${short(figure.min)}-${short(figure.max)}]`,
    failed ?? row.of ?? '',
    or(row.cpuRatio),
    target === undefined ? '' : `${sign} ${target.value}${unit}`,
    verdict(row),
    row.rps === undefined ? '' : row.rps.toFixed(0),
    or(row.cpu),
    or(row.p50),
    or(row.p99),
    row.busy === null || row.busy === undefined ? '' : `${(row.busy * 100).toFixed(0)} %`,
  ]
}

/** The one table, as Markdown that can be read on a terminal too. */
export function table(rows: readonly Row[]): string {
  const lines = [HEAD, ...rows.map(cells)]
  const widths = HEAD.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  const drawn = lines.map((line) => `| ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`)
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`
  return [drawn[0], rule, ...drawn.slice(1)].join('\n')
}
