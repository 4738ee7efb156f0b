/** A function of a profile, as V8 writes it down. */
interface ProfileNode {
  readonly id: number
  readonly callFrame: { readonly functionName: string; readonly url: string }
  readonly children?: readonly number[]
}
/** A .cpuprofile, as far as it is read here. */
export interface Profile {
  readonly nodes: readonly ProfileNode[]
  /** Microseconds of the machine's monotonic clock. */
  readonly startTime: number
  readonly samples?: readonly number[]
  readonly timeDeltas?: readonly number[]
}

/** Where a file belongs: `ours` is what is asked for, `other` ends the search, null is neither and the caller decides. */
type Place = 'ours' | 'other' | null

/** What no function of the program takes: waiting, and what V8 does for all of them together. */
const OUTSIDE = new Set(['(idle)', '(program)', '(root)', '(garbage collector)'])

/** Microseconds of the machine's monotonic clock. */
export interface Stretch {
  readonly from: number
  readonly to: number
}

export interface Work {
  readonly ours: number
  readonly all: number
}

/**
 * Working time in this stretch, in microseconds: all of it, and what is spent in functions of some place and in what they call. A sample belongs to the first function,
 * from the innermost out, whose file has a place; so what these functions hand on to (`done()` of Fastify) is not theirs. Garbage collection
 * is left out of both sides, as if it were spread evenly.
 */
export function workOf(profile: Profile, { from, to }: Stretch, placeOf: (url: string) => Place): Work {
  const { nodes, startTime, samples = [], timeDeltas = [] } = profile
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)))
  const places = new Map<number, Place>()
  const place = (id: number): Place => {
    const known = places.get(id)
    if (known !== undefined) return known
    const own = placeOf(byId.get(id)?.callFrame.url ?? '')
    const parent = parents.get(id)
    const found = own ?? (parent === undefined ? null : place(parent))
    places.set(id, found)
    return found
  }
  let [ours, all] = [0, 0]
  let at = startTime
  for (const [index, id] of samples.entries()) {
    const time = timeDeltas[index] ?? 0
    at += time
    if (at < from || at > to) continue
    if (OUTSIDE.has(byId.get(id)?.callFrame.functionName ?? '')) continue
    all += time
    if (place(id) === 'ours') ours += time
  }
  return { ours, all }
}

/** Auth and tenancy: who is calling, and in which tenant. The audit lies in tenancy/ too, and is not that. */
export function authOrTenancy(url: string): Place {
  const file = /\/dist\/((?:src|providers)\/.*)$/.exec(url)?.[1]
  if (file === undefined) return url.includes('/fastify/') ? 'other' : null
  if (/^src\/tenancy\/(?:audit|usage|checkpoint|requests)/.test(file)) return 'other'
  return /^(?:src\/identity\/|src\/tenancy\/|providers\/|src\/http\/gate)/.test(file) ? 'ours' : 'other'
}

/** What took the most processor time itself in this stretch: function and file, and its part of all work, garbage collection included. */
export function hottest({ nodes, startTime, samples = [], timeDeltas = [] }: Profile, { from, to }: Stretch): string[] {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
  const times = new Map<string, number>()
  let [at, all] = [startTime, 0]
  for (const [index, id] of samples.entries()) {
    const time = timeDeltas[index] ?? 0
    at += time
    const { functionName = '', url = '' } = frames.get(id) ?? {}
    if (at < from || at > to || functionName === '(idle)') continue
    all += time
    const file = url.replace(/^.*\/(?:node_modules|dist)\//, '')
    const name = `${functionName === '' ? '(anonymous)' : functionName} ${file}`.trim()
    times.set(name, (times.get(name) ?? 0) + time)
  }
  return [...times]
    .toSorted(([, a], [, b]) => b - a)
    .map(([name, time]) => `${((time / all) * 100).toFixed(1).padStart(5)} %  ${name}`)
}
