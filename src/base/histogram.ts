/** One line of a histogram in the Prometheus text format. */
interface Line {
  readonly metricName: string
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
}

interface Series {
  readonly labels: Readonly<Record<string, string>>
  /** How many fell into each bucket alone; the last is for what is above all bounds. */
  readonly counts: number[]
  sum: number
}

/**
 * A histogram that prom-client's registry can render. Its own asks, sorts and joins the labels with each value, and ours are noted twice with every
 * request.
 */
export interface Histogram {
  /** @param labels always the same names, in the same order. */
  observe(labels: Readonly<Record<string, string>>, value: number): void
  lines(): readonly Line[]
}

export function createHistogram(name: string, buckets: readonly number[]): Histogram {
  const held = new Map<string, Series>()
  return {
    observe(labels, value) {
      let key = ''
      for (const label in labels) key += `${labels[label]}\n`
      let series = held.get(key)
      if (series === undefined) {
        series = { labels, counts: Array.from({ length: buckets.length + 1 }, () => 0), sum: 0 }
        held.set(key, series)
      }
      let bucket = 0
      while (bucket < buckets.length && value > (buckets[bucket] ?? Infinity)) bucket += 1
      series.counts[bucket] = (series.counts[bucket] ?? 0) + 1
      series.sum += value
    },
    lines: () => [...held.values()].flatMap((series) => linesOf(name, buckets, series)),
  }
}

/** Buckets count everything up to their bound (Prometheus exposition format). */
function linesOf(name: string, buckets: readonly number[], { labels, counts, sum }: Series): readonly Line[] {
  let count = 0
  const lines: Line[] = counts.map((own, at) => {
    count += own
    return { metricName: `${name}_bucket`, labels: { le: buckets[at] ?? '+Inf', ...labels }, value: count }
  })
  return [
    ...lines,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ]
}
