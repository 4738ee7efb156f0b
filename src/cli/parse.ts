import { InvalidArgumentError } from 'commander'

const SIZES: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `90d`, `24h`, `30m`, `10s`, or `0`: milliseconds. */
export function duration(text: string): number {
  const [, count = '', unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  if (text === '0') return 0
  const size = SIZES[unit]
  if (size === undefined) throw new InvalidArgumentError('Write a duration as 90d, 24h, 30m or 10s.')
  return Number(count) * size
}

/** A moment to come: `90d` from now, RFC 3339, or `never` (commander makes an empty text of null). Milliseconds since the epoch. */
export function expiry(text: string): number | 'never' {
  if (text === 'never') return text
  if (
    /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/.test(text) &&
    !Number.isNaN(Date.parse(text))
  )
    return Date.parse(text)
  if (/^\d+[smhd]$/.test(text)) return Date.now() + duration(text)
  throw new InvalidArgumentError('Write a moment as 90d, 2027-01-31, 2027-01-31T12:00:00Z, or never.')
}

/** Separated by commas, and the option may be repeated. */
export const list = (text: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  ...text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
]

/** A limit of a key, or `none` (commander makes an empty text of null). */
export function hourly(text: string): number | 'none' {
  if (text === 'none') return text
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('Write a whole number up to 1000000, or none.')
  return Number(text)
}

/** A limit of a plan, or `default`. Which numbers are sound the plan knows. */
export function limitOrDefault(text: string): number | 'default' {
  if (text === 'default') return text
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Write a whole number, or default.')
  return Number(text)
}

export function count(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError('Write a whole number from 1 to 9999.')
  return Number(text)
}

export function onOff(text: string): boolean {
  if (text !== 'on' && text !== 'off') throw new InvalidArgumentError('Write on or off.')
  return text === 'on'
}
