import { Counter, Gauge, Registry, collectDefaultMetrics, type Metric } from 'prom-client'
import { createHistogram } from './histogram.ts'

/**
 * What values a label may have: exactly these, or at most so many different ones, whichever come first. Whatever is beyond that is told
 * as `other`, so that no caller can make the number of series grow by what it writes. Never a person, a tenant or an address.
 */
type LabelRule = readonly string[] | { readonly most: number }

interface MetricFacts<Label extends string> {
  /** Base units (seconds, bytes); a count that only grows ends in `_total`. */
  readonly name: `gatehouse_${string}`
  /** One line, for whoever reads /metrics. */
  readonly help: string
  readonly labels: Readonly<Record<Label, LabelRule>>
}

type Labels<Label extends string> = Readonly<Record<Label, string>>

/** One number of several, with its labels. */
export type Reading<Label extends string> = readonly [labels: Labels<Label>, value: number]

/**
 * Where every room counts what it does. To add a metric: call one of these once where the thing is made, keep what it answers, and write a
 * row into docs/operations/observability.md (a test compares that page with /metrics). Making the same name twice throws.
 */
export interface Metrics {
  /** @returns adds `by` (default 1). */
  counter<Label extends string>(facts: MetricFacts<Label>): (labels: Labels<Label>, by?: number) => void
  /** @param buckets upper bounds; the default suits seconds of requests, from a millisecond to 30 s. @returns notes one value. */
  histogram<Label extends string>(
    facts: MetricFacts<Label> & { readonly buckets?: readonly number[] },
  ): (labels: Labels<Label>, value: number) => void
  /** @param read answers what holds now; asked at each scrape, so it must be quick. What it throws costs that scrape this metric. */
  gauge<Label extends string>(facts: MetricFacts<Label>, read: () => readonly Reading<Label>[]): void
  /** As `gauge`, for a count that is kept elsewhere and only grows. */
  total<Label extends string>(facts: MetricFacts<Label>, read: () => readonly Reading<Label>[]): void
  /** In the Prometheus text format. */
  render(): Promise<{ readonly type: string; readonly text: string }>
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** For commands and tests that nobody scrapes. */
export const NO_METRICS: Metrics = {
  counter: () => () => {},
  histogram: () => () => {},
  gauge: () => {},
  total: () => {},
  render: async () => ({ type: 'text/plain', text: '' }),
}

const OTHER = 'other'

/**
 * A registry of its own, with Node's own metrics beside ours (event loop delay, memory, garbage collection).
 * @param worker its number, as the label `worker` of every series; null: there is one process.
 */
export function createMetrics(worker: number | null = null): Metrics {
  const registry = new Registry()
  if (worker !== null) registry.setDefaultLabels({ worker: String(worker) })
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const base = <Label extends string>({ name, help, labels }: MetricFacts<Label>) => ({
    name,
    help,
    labelNames: namesOf(labels),
    registers,
  })

  return {
    counter(facts) {
      const counter = new Counter(base(facts))
      const bound = bounded(facts.labels)
      // Otherwise the first event makes the series, and a rate over it misses that event.
      if (namesOf(facts.labels).length === 0) counter.inc(0)
      return (labels, by = 1) => counter.inc(bound(labels), by)
    },
    histogram({ buckets = SECONDS, ...facts }) {
      const { name, help } = facts
      if (registry.getSingleMetric(name) !== undefined) throw new Error(`there is a metric ${name} already`)
      const histogram = createHistogram(name, buckets)
      const bound = bounded(facts.labels)
      const get = async () => ({ name, help, type: 'histogram', aggregator: 'sum', values: histogram.lines() })
      // A registry asks nothing else of a metric.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its own class is what is replaced here
      registry.registerMetric({ name, get } as unknown as Metric)
      return (labels, value) => histogram.observe(bound(labels), value)
    },
    gauge(facts, read) {
      const bound = bounded(facts.labels)
      const gauge: Gauge = new Gauge({
        ...base(facts),
        collect: () => {
          gauge.reset()
          // Without labels reset makes it 0, which would be a lie when nothing can be read.
          gauge.remove({})
          for (const [labels, value] of quietly(read)) gauge.set(bound(labels), value)
        },
      })
    },
    total(facts, read) {
      const bound = bounded(facts.labels)
      const counter: Counter = new Counter({
        ...base(facts),
        collect: () => {
          counter.reset()
          counter.remove({})
          for (const [labels, value] of quietly(read)) counter.inc(bound(labels), value)
        },
      })
    },
    render: async () => ({ type: registry.contentType, text: await registry.metrics() }),
  }
}

/** A scrape is never lost to one number that could not be read. */
function quietly<Label extends string>(read: () => readonly Reading<Label>[]): readonly Reading<Label>[] {
  try {
    return read()
  } catch {
    return []
  }
}

const namesOf = (labels: Readonly<Record<string, LabelRule>>): string[] => Object.keys(labels)

function bounded(rules: Readonly<Record<string, LabelRule>>): (labels: Labels<string>) => Record<string, string> {
  const allow = Object.entries(rules).map(([name, rule]) => [name, allowing(rule)] as const)
  return (labels) => {
    const out: Record<string, string> = {}
    for (const [name, allowed] of allow) out[name] = allowed(labels[name] ?? '')
    return out
  }
}

function allowing(rule: LabelRule): (value: string) => string {
  if ('most' in rule) {
    const seen = new Set<string>()
    return (value) => {
      if (seen.has(value)) return value
      if (seen.size >= rule.most || value.length > 128) return OTHER
      seen.add(value)
      return value
    }
  }
  const known = new Set(rule)
  return (value) => (known.has(value) ? value : OTHER)
}
