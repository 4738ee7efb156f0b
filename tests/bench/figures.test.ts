import { expect, test } from 'vitest'
import { worse, type Results } from '../../bench/results.ts'
import { verdict, type Row } from '../../bench/row.ts'
import { quantile, ratios, spread } from '../../bench/statistics.ts'
import { table } from '../../bench/table.ts'

const row = (id: string, median: number, more: Partial<Row> = {}): Row => ({
  id,
  title: id,
  figure: { median, min: median, max: median, unit: 'x' },
  ...more,
})
const AT_LEAST = { is: 'at least', value: 0.65 } as const
const AT_MOST = { is: 'at most', value: 5 } as const

test('median, quantile and extremes', () => {
  expect(spread([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 })
  expect(spread([4, 1, 2, 3])).toEqual({ median: 2.5, min: 1, max: 4 })
  expect(() => spread([])).toThrow('nothing was measured')
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1)
  expect([quantile(hundred, 0.5), quantile(hundred, 0.99), quantile(hundred, 1)]).toEqual([51, 100, 100])
  expect(quantile([], 0.5)).toBeNaN()
})

test('each slice is compared with the mean of the base before and after it', () => {
  expect(ratios([50, 30], [100, 100, 20])).toEqual([0.5, 0.5])
  expect(() => ratios([50], [100])).toThrow('before and after')
})

test('a target is reached or not, and what was not measured is not reached', () => {
  expect(verdict({ ...row('a', 0.65), target: AT_LEAST })).toBe('yes')
  expect(verdict({ ...row('a', 0.649), target: AT_LEAST })).toBe('no')
  expect(verdict({ ...row('a', 5), target: AT_MOST })).toBe('yes')
  expect(verdict({ ...row('a', 5.01), target: AT_MOST })).toBe('no')
  expect(verdict({ ...row('a', Number.NaN), target: AT_MOST })).toBe('no')
  expect(verdict({ figure: null, target: AT_MOST })).toBe('no')
  expect(verdict({ figure: null, target: AT_MOST, failed: 'it broke' })).toBe('failed')
  expect(verdict(row('a', 1))).toBe('')
})

test('the table shows figure, target and whether it was reached', () => {
  const lines = table([
    row('fast', 0.7, { target: AT_LEAST, of: 'of bare Fastify', rps: 1234.5 }),
    row('slow', 9.1, { target: AT_MOST }),
    { id: 'peer', title: 'peer', figure: null, failed: 'status 500' },
  ]).split('\n')
  expect(lines).toHaveLength(5)
  expect(lines[2]).toMatch(/^\| fast +\| 0\.700 .*of bare Fastify .*>= 0\.65 +\| yes +\| (1234|1235) /)
  expect(lines[3]).toMatch(/^\| slow +\| 9\.10 .*<= 5 +\| no /)
  expect(lines[4]).toMatch(/status 500 .*failed/)
  expect(new Set(lines.map((line) => line.length)).size).toBe(1)
})

test('what got worse by more than a fifth is named, in either direction', () => {
  const before: Results = {
    at: '2026-11-21T00:00:00Z',
    machine: 'm',
    versions: {},
    command: '',
    load: 0,
    rounds: 5,
    seconds: 3,
    rows: [row('ratio', 0.7), row('same', 0.7), row('wait', 2, { target: AT_MOST }), row('gone', 1)],
  }
  const now = [row('ratio', 0.55), row('same', 0.6), row('wait', 2.5, { target: AT_MOST }), row('new', 0.1)]
  expect(worse(before, now).map((line) => line.split(' ')[0])).toEqual(['ratio', 'wait'])
})
