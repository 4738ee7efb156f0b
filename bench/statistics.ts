/** The value below which this part (0 to 1) of the values lies; NaN without values. Of two in the middle, the median is the upper one. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
}

/** What several rounds said of one thing. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** The middle value, of an even number the mean of the two in the middle. Throws without values: nothing measured is no figure. */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const [min, max] = [sorted[0], sorted.at(-1)]
  const upper = sorted[Math.floor(sorted.length / 2)]
  const lower = sorted[Math.floor((sorted.length - 1) / 2)]
  if (min === undefined || max === undefined || upper === undefined || lower === undefined)
    throw new Error('nothing was measured')
  return { median: (upper + lower) / 2, min, max }
}

/**
 * Each slice against the mean of the two base slices around it, so that what the machine's other users do in between counts on both sides.
 *
 * @param base one more than there are slices
 */
export function ratios(slices: readonly number[], base: readonly number[]): number[] {
  if (base.length !== slices.length + 1) throw new Error('each slice needs a base slice before and after it')
  return slices.map((value, index) => value / (((base[index] ?? 0) + (base[index + 1] ?? 0)) / 2))
}
