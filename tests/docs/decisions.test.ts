import { expect, test } from 'vitest'
import { read } from './pages.ts'

test('docs/decisions.md has the forty decisions in order, each with a state', () => {
  const rows = [...read('docs/decisions.md').matchAll(/^\| D(\d+) \| .+ \| (built|partly|later)\b[^|]*\|$/gm)]
  expect(rows.map(([, number]) => Number(number))).toEqual(Array.from({ length: 40 }, (_, index) => index + 1))
})

test('a decision that is not built yet is not one whose test the suite demands', () => {
  const later = [...read('docs/decisions.md').matchAll(/^\| D(\d+) \| .+ \| later\b/gm)].map(([, number]) =>
    Number(number),
  )
  const [, list = ''] = /IN_SCOPE = (\[.*\])/.exec(read('tests/decisions.test.ts')) ?? []
  const demanded = new Set([
    ...Array.from({ length: 23 }, (_, index) => index + 1),
    ...[...list.matchAll(/\b(\d+)\b/g)].map(([, number]) => Number(number)).filter((number) => number > 23),
  ])
  expect(later.filter((number) => demanded.has(number))).toEqual([])
})
