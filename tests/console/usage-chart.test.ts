import { describe, expect, test } from 'vitest'
import { htmlText } from '#base/html.ts'
import { mean, share, usageChart } from '#console/usage-chart.ts'
import type { UsagePoint } from '#tenancy/usage.ts'

const point = (day: number, calls: number, failures = 0): UsagePoint => ({
  at: new Date(Date.UTC(2026, 10, day)).toISOString(),
  calls,
  failures,
  refusals: 0,
  total_ms: 0,
  max_ms: 0,
})

function drawn(series: readonly UsagePoint[]): {
  readonly text: string
  readonly bars: readonly number[]
  readonly bad: readonly number[]
} {
  const sum = (name: 'calls' | 'failures'): number => series.reduce((all, each) => all + each[name], 0)
  const totals = { calls: sum('calls'), failures: sum('failures'), refusals: 0, total_ms: 0, max_ms: 0 }
  const text = htmlText(usageChart({ series, step: 'day', totals }, 'x'))
  const heights = (kind: string): number[] =>
    [...text.matchAll(new RegExp(`<rect class="${kind}" x="[^"]*" y="[^"]*" width="[^"]*" height="([^"]*)"`, 'g'))].map(
      ([, height]) => Number(height),
    )
  return { text, bars: heights('bar'), bad: heights('bad') }
}

describe('the chart of calls', () => {
  test('draws each day as high as its calls, the failed part at the foot', () => {
    const { bars, bad, text } = drawn([point(1, 400), point(2, 0), point(3, 100, 50), point(4, 10, 10)])
    expect(bars).toEqual([200, 25, 0])
    expect(bad).toEqual([25, 5])
    expect(text).toContain('<span>400</span><span>200</span><span>0</span>')
    expect(text).toContain('510 calls in 4 days, 60 of them failed. Most on 1 Nov: 400.')
  })

  test.each([
    [1, 2],
    [3, 4],
    [7, 10],
    [10, 20],
    [11, 20],
    [4_001, 10_000],
  ])('with %i calls at most its scale ends at %i or just above', (most, top) => {
    const { text, bars } = drawn([point(1, most)])
    const [, shown = ''] = /<span>([\d,]+)<\/span>/.exec(text) ?? []
    expect(Number(shown.replaceAll(',', ''))).toBeLessThanOrEqual(top)
    expect(Number(shown.replaceAll(',', ''))).toBeGreaterThanOrEqual(most)
    expect(bars[0]).toBeLessThanOrEqual(200)
  })

  test('without calls draws no bar and says so', () => {
    const { bars, text } = drawn([point(1, 0), point(2, 0)])
    expect(bars).toEqual([])
    expect(text).toContain('0 calls in 2 days')
    expect(text).not.toContain('of which')
  })

  test('tells shares and means in words people read', () => {
    expect([share({ calls: 0, failures: 0 }), share({ calls: 3, failures: 1 })]).toEqual(['-', '33.3 %'])
    expect([
      mean({ calls: 0, total_ms: 0 }),
      mean({ calls: 2, total_ms: 25 }),
      mean({ calls: 1, total_ms: 1_240 }),
    ]).toEqual(['-', '13 ms', '1.2 s'])
  })
})
