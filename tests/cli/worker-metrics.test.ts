import { expect, test } from 'vitest'
import { createMetrics, type Metrics } from '#base/metrics.ts'
import { merged, relayMetrics, withOtherWorkers, type Channel } from '#cli/worker-metrics.ts'

/** The two ends of the channel between a primary and a worker, which hear one another a moment later. */
function pair(): { readonly primary: Channel; readonly worker: Channel } {
  const hearing = { primary: [] as ((message: unknown) => void)[], worker: [] as ((message: unknown) => void)[] }
  const end = (own: 'primary' | 'worker', other: 'primary' | 'worker'): Channel => ({
    on: (_event, hear) => hearing[own].push(hear),
    send: (message) => queueMicrotask(() => hearing[other].forEach((hear) => hear(structuredClone(message)))),
  })
  return { primary: end('primary', 'worker'), worker: end('worker', 'primary') }
}

/** @param mute these never answer. */
function workers(count: number, mute: readonly number[] = []): readonly Metrics[] {
  const asking = new Map<string, Channel>()
  const pairs = Array.from({ length: count }, pair)
  const all = pairs.map(({ primary }) => primary)
  for (const { primary } of pairs) relayMetrics(primary, () => all.filter((each) => each !== primary), asking)
  return pairs.map(({ worker }, index) => {
    const own = createMetrics(index + 1)
    own.counter({ name: 'gatehouse_test_total', help: 'A test', labels: { code: ['a'] } })({ code: 'a' }, index + 1)
    return mute.includes(index) ? own : withOtherWorkers(own, worker, String(index))
  })
}

const series = (text: string): readonly string[] =>
  text.split('\n').filter((line) => line.startsWith('gatehouse_test_total'))

test('whichever worker is asked tells what all of them count, each with its number', async () => {
  for (const metrics of workers(3)) {
    const { text } = await metrics.render()
    expect(series(text).toSorted()).toEqual([
      'gatehouse_test_total{code="a",worker="1"} 1',
      'gatehouse_test_total{code="a",worker="2"} 2',
      'gatehouse_test_total{code="a",worker="3"} 3',
    ])
    const described = text.match(/^# TYPE .*$/gm) ?? []
    expect(new Set(described).size).toBe(described.length)
    expect(described).toContain('# TYPE gatehouse_test_total counter')
  }
})

test('a worker that does not answer is left out, after a second', async () => {
  const [first] = workers(3, [2])
  expect(series((await first?.render())?.text ?? '')).toHaveLength(2)
})

test('a worker that is alone answers at once', async () => {
  const [only] = workers(1)
  expect(series((await only?.render())?.text ?? '')).toEqual(['gatehouse_test_total{code="a",worker="1"} 1'])
})

test('texts of several workers are one text, in which the series of a metric stand together under its description', () => {
  const text = (worker: number): string =>
    `# HELP a A\n# TYPE a counter\na{worker="${worker}"} 1\n\n# HELP b B\n# TYPE b gauge\n`
  expect(merged([text(1), text(2)])).toBe(
    '# HELP a A\n# TYPE a counter\na{worker="1"} 1\na{worker="2"} 1\n\n# HELP b B\n# TYPE b gauge\n',
  )
})
