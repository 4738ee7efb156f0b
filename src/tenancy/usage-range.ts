import { RegistryError } from './registry-error.ts'

export type UsageStep = 'hour' | 'day'

/** The ranges that people choose from. Their days are UTC and the last is today. */
export const USAGE_RANGES = ['24h', '7d', '30d', '90d'] as const
export type UsageRangeName = (typeof USAGE_RANGES)[number]

/** What to look at. Times in milliseconds since the epoch. */
export interface UsageRange {
  /** Inclusive; the hour or day (UTC) that it lies in counts whole. */
  readonly since: number
  /** Exclusive. */
  readonly until: number
  readonly step: UsageStep
}

const HOUR = 3_600_000
const DAY = 24 * HOUR
const LENGTH: Readonly<Record<UsageStep, number>> = { hour: HOUR, day: DAY }
/** Points of one series: more than a month by hours, or some years by days, is no chart. */
const MOST = 800

export const isUsageRange = (value: unknown): value is UsageRangeName => USAGE_RANGES.some((name) => name === value)

/** What RFC 3339 can tell: years have four digits. */
const LATEST = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

/** So many steps, of which the last is the present hour or day. */
export function usageRange(name: UsageRangeName, now: number): UsageRange {
  const step = name === '24h' ? 'hour' : 'day'
  const steps = Number.parseInt(name, 10)
  return { since: beginning(now, step) - (steps - 1) * LENGTH[step], until: now + 1, step }
}

/** The last 30 days unless told otherwise; by hours up to two days. invalid: no such range, or one with too many steps. */
export function checkedRange(asked: Partial<UsageRange>, now: number): UsageRange {
  const whole = usageRange('30d', now)
  const { until = whole.until, since = asked.until === undefined ? whole.since : asked.until - 30 * DAY } = asked
  if (!(since < until) || !(since >= 0) || !(until <= LATEST))
    throw new RegistryError('invalid', 'the range must begin before it ends')
  const step = asked.step ?? (until - since <= 2 * DAY ? 'hour' : 'day')
  const range = { since: beginning(since, step), until, step }
  if ((until - range.since) / LENGTH[step] > MOST)
    throw new RegistryError('invalid', `the range must have ${MOST} ${step}s at most`)
  return range
}

/** The beginning of every step of the range. */
export function stepsOf({ since, until, step }: UsageRange): readonly number[] {
  return Array.from({ length: Math.ceil((until - since) / LENGTH[step]) }, (_, at) => since + at * LENGTH[step])
}

const beginning = (at: number, step: UsageStep): number => at - (at % LENGTH[step])
