import type { Generator } from './loads.ts'
import type { Job, Slice } from './load.ts'
import type { Running } from './processes.ts'
import type { Call } from './requests.ts'
import type { Row, Target } from './row.ts'
import { quantile, ratios, spread } from './statistics.ts'
import { wordsOf } from './words.ts'

/** A server and what it is asked. */
export interface Subject {
  readonly server: Running
  readonly call: Call
  readonly token: Job['token']
  readonly path?: string
  readonly connections?: number
  readonly idle?: number
  readonly rate?: number | null
}

export interface Case {
  readonly id: string
  readonly title: string
  readonly target?: Target
  /** Must it give the words that the base gives? Then whoever does something else is void. */
  readonly same?: boolean
  /** Seconds under load before its first slice, where the pace's own are too few to have met everybody. */
  readonly warm?: number
  /** Starts the server if need be. When it rejects the case is void, and the reason stands in the table. */
  readonly subject: () => Promise<Subject>
}

export interface Pace {
  readonly rounds: number
  readonly seconds: number
  /** Seconds under load before the first slice of each server, so that what is compiled is compiled. */
  readonly warm: number
}

/** What all slices of one case said. */
export interface Measured {
  readonly slices: readonly Slice[]
  readonly ratios: readonly number[]
  readonly row: Row
}

/** Seconds of each slice that do not count: connections are opened, caches are reached again. */
const LEAD = 0.25

export const jobOf = (subject: Subject, seconds: number, warm = Math.min(LEAD, seconds / 2)): Job => ({
  port: subject.server.port,
  pid: subject.server.pid,
  path: subject.path ?? '/mcp',
  call: subject.call,
  token: subject.token,
  connections: subject.connections ?? 32,
  idle: subject.idle ?? 0,
  rate: subject.rate ?? null,
  warm,
  seconds,
})

const median = (values: readonly (number | null)[]): number =>
  quantile(
    values.filter((value) => value !== null),
    0.5,
  )

/** The columns beside the figure. */
export const columns = (slices: readonly Slice[]): Pick<Row, 'rps' | 'cpu' | 'p50' | 'p99' | 'busy'> => ({
  rps: median(slices.map(({ rps }) => rps)),
  cpu: median(slices.map(({ cpu }) => cpu)),
  p50: median(slices.map(({ p50 }) => p50)),
  p99: median(slices.map(({ p99 }) => p99)),
  busy: median(slices.map(({ busy }) => busy)),
})

const reason = (error: unknown): string =>
  error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)

/**
 * Base, case, base, case ... base, as often as there are rounds, each round in another order; a case is compared with the two base slices
 * around it. A case that fails once is void and not tried again. Rejects when the base fails.
 */
export async function alternate(
  generator: Generator,
  base: Omit<Case, 'target' | 'same' | 'warm'>,
  cases: readonly Case[],
  pace: Pace,
): Promise<ReadonlyMap<string, Measured>> {
  const ground = await base.subject()
  const words = cases.some(({ same }) => same === true) ? await wordsOf(ground) : null
  await generator.run(jobOf(ground, pace.seconds, pace.warm))
  const found = cases.map((each) => ({
    each,
    slices: [] as Slice[],
    bases: [] as Slice[][],
    failed: null as string | null,
  }))
  const subjects = new Map<string, Subject>()
  for (const entry of found) {
    try {
      const subject = await entry.each.subject()
      if (entry.each.same === true && (await wordsOf(subject)) !== words)
        throw new Error('another answer than the base')
      await generator.run(jobOf(subject, pace.seconds, Math.max(pace.warm, entry.each.warm ?? 0)))
      subjects.set(entry.each.id, subject)
    } catch (error) {
      entry.failed = reason(error)
    }
  }
  const all: Slice[] = []
  for (let round = 0; round < pace.rounds; round++) {
    let before = await generator.run(jobOf(ground, pace.seconds))
    all.push(before)
    for (let step = 0; step < found.length; step++) {
      const entry = found[(step + round) % found.length]
      const subject = entry === undefined ? undefined : subjects.get(entry.each.id)
      if (entry === undefined || subject === undefined || entry.failed !== null) continue
      try {
        entry.slices.push(await generator.run(jobOf(subject, pace.seconds)))
      } catch (error) {
        entry.failed = reason(error)
      }
      const after = await generator.run(jobOf(ground, pace.seconds))
      all.push(after)
      entry.bases.push([before, after])
      before = after
    }
  }
  const measured = new Map<string, Measured>()
  measured.set(base.id, {
    slices: all,
    ratios: all.map(() => 1),
    row: { id: base.id, title: base.title, figure: null, of: 'base', ...columns(all) },
  })
  for (const { each, slices, bases, failed } of found) {
    const { id, title, target } = each
    const common = { id, title, of: `of ${base.title}`, ...(target === undefined ? {} : { target }) }
    if (failed !== null || slices.length === 0) {
      measured.set(id, {
        slices,
        ratios: [],
        row: { ...common, figure: null, failed: failed ?? 'nothing was measured' },
      })
      continue
    }
    const pairs = (of: (slice: Slice) => number): number[] =>
      slices.flatMap((slice, index) => ratios([of(slice)], (bases[index] ?? []).map(of)))
    const cpu = pairs((slice) => slice.cpu ?? Number.NaN).map((value) => 1 / value)
    const rates = pairs(({ rps }) => rps)
    measured.set(id, {
      slices,
      ratios: rates,
      row: { ...common, figure: { ...spread(rates), unit: 'x' }, cpuRatio: median(cpu), ...columns(slices) },
    })
  }
  return measured
}

/** One case against another of the same run, each by its own ratio to the base of the round. */
export function between(
  id: string,
  title: string,
  of: string,
  target: Target,
  above?: Measured,
  below?: Measured,
): Row {
  const pairs = (above?.ratios ?? []).flatMap((value, index) => {
    const other = below?.ratios[index]
    return other === undefined ? [] : [value / other]
  })
  if (pairs.length === 0)
    return {
      id,
      title,
      of,
      target,
      figure: null,
      failed: `not measured: ${below?.row.failed ?? above?.row.failed ?? 'left out'}`,
    }
  return { id, title, of, target, figure: { ...spread(pairs), unit: 'x' } }
}
