import { expect, test } from 'vitest'
import { createMetrics } from '#base/metrics.ts'

const lines = async (metrics: ReturnType<typeof createMetrics>): Promise<string[]> =>
  (await metrics.render()).text.split('\n').filter((line) => line.startsWith('gatehouse_'))

test('a value that is not in a label’s list, or beyond its number, is told as other', async () => {
  const metrics = createMetrics()
  const count = metrics.counter({
    name: 'gatehouse_a_total',
    help: 'a',
    labels: { kind: ['good', 'bad'], who: { most: 2 } },
  })
  for (let i = 0; i < 50; i++) count({ kind: `made-up-${i}`, who: `somebody-${i}` })
  count({ kind: 'good', who: 'somebody-0' }, 3)
  count({ kind: 'bad', who: 'x'.repeat(129) })
  expect(await lines(metrics)).toEqual([
    'gatehouse_a_total{kind="other",who="somebody-0"} 1',
    'gatehouse_a_total{kind="other",who="somebody-1"} 1',
    'gatehouse_a_total{kind="other",who="other"} 48',
    'gatehouse_a_total{kind="good",who="somebody-0"} 3',
    'gatehouse_a_total{kind="bad",who="other"} 1',
  ])
})

test('what is read at each scrape is as it is then, and what is gone is gone', async () => {
  const metrics = createMetrics()
  let now: readonly (readonly [{ readonly place: string }, number])[] = [[{ place: 'a' }, 1]]
  metrics.gauge({ name: 'gatehouse_b', help: 'b', labels: { place: { most: 5 } } }, () => now)
  metrics.total({ name: 'gatehouse_c_total', help: 'c', labels: { place: { most: 5 } } }, () => now)
  expect(await lines(metrics)).toEqual(['gatehouse_b{place="a"} 1', 'gatehouse_c_total{place="a"} 1'])
  now = [[{ place: 'b' }, 2]]
  expect(await lines(metrics)).toEqual(['gatehouse_b{place="b"} 2', 'gatehouse_c_total{place="b"} 2'])
})

test('a number that cannot be read costs the scrape that number only', async () => {
  const metrics = createMetrics()
  metrics.gauge({ name: 'gatehouse_b', help: 'b', labels: {} }, () => {
    throw new Error('away')
  })
  metrics.counter({ name: 'gatehouse_a_total', help: 'a', labels: {} })
  expect(await lines(metrics)).toEqual(['gatehouse_a_total 0'])
})
