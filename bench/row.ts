import type { Spread } from './statistics.ts'

/** What issue 7 promises of a figure. */
export interface Target {
  readonly is: 'at least' | 'at most'
  readonly value: number
}

/** One line of the table. */
export interface Row {
  /** The same in every run, so that results can be compared. */
  readonly id: string
  readonly title: string
  /** The figure that counts; null where a line is there for its other columns only. */
  readonly figure: (Spread & { readonly unit: 'x' | 'ms' | 's' | 'MB' | '%' | 'us' }) | null
  /** What the figure is, in words: `of bare Fastify`, `p99 / p50`. */
  readonly of?: string
  readonly target?: Target
  /** Is more of it better? Default: as the target says, else yes. */
  readonly better?: 'more' | 'less'
  /** Medians of the slices: answers a second, microseconds of the server's processor per answer, milliseconds. */
  readonly rps?: number
  readonly cpu?: number | null
  readonly p50?: number
  readonly p99?: number
  /** Part of one core that the server was at work: well under 1 means that something else was the limit. */
  readonly busy?: number | null
  /** The same ratio of the servers' processor time: the cross-check. */
  readonly cpuRatio?: number | null
  /** Why there is no figure. */
  readonly failed?: string
}

/** `yes`, `no`, `failed`, or nothing where nothing was promised. */
export function verdict({
  figure,
  target,
  failed,
}: Pick<Row, 'figure' | 'target' | 'failed'>): '' | 'yes' | 'no' | 'failed' {
  if (failed !== undefined) return 'failed'
  if (target === undefined) return ''
  if (figure === null || Number.isNaN(figure.median)) return 'no'
  return (target.is === 'at least' ? figure.median >= target.value : figure.median <= target.value) ? 'yes' : 'no'
}

/** Is more of its figure better? */
export const moreIsBetter = ({ target, better }: Pick<Row, 'target' | 'better'>): boolean =>
  better === undefined ? target?.is !== 'at most' : better === 'more'
