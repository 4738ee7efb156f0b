import { expect, test } from 'vitest'
import { duration, expiry, list } from '#cli/parse.ts'
import { moment, plain, table } from '#cli/table.ts'
import { json } from '#cli/terminal.ts'

test('columns are aligned, lines have no end of spaces, and nothing is a dash', () => {
  expect(
    table([
      { id: 'a', some_scopes: ['x', 'y'] },
      { id: 'long', some_scopes: [] },
    ]),
  ).toBe('ID    SOME SCOPES\na     x,y\nlong  -')
  expect(table([])).toBe('')
})

test('a name from outside cannot steer the terminal or turn the text around', () => {
  expect(plain('\u001b[2J\u202Eevil\n')).toBe('\uFFFD[2J\uFFFDevil\uFFFD')
})

test('nor can it in a JSON document, which says the same', () => {
  const name = 'a\u001b[2J\u009b2J\u202Eb\u2028\u{E0041}\u007f'
  for (const text of [json({ name }), json({ name }, 2)]) {
    expect(text.replaceAll('\n', '')).toMatch(/^[ -~]*$/)
    expect(JSON.parse(text)).toEqual({ name })
  }
  expect(json({ name: 'Jörg \u{1F600}' })).toBe('{"name":"Jörg \u{1F600}"}')
})

test('a moment is told absolutely and relatively', () => {
  const now = Date.parse('2026-11-21T12:00:00Z')
  expect(moment('2026-11-21T09:30:00Z', now)).toBe('2026-11-21 09:30 UTC (2 h ago)')
  expect(moment('2026-12-21T12:00:00Z', now)).toBe('2026-12-21 12:00 UTC (in 30 d)')
  expect(moment(null, now)).toBeNull()
})

test('durations, moments and lists are read as people write them, and nothing else is', () => {
  expect(['90d', '24h', '30m', '10s', '0'].map(duration)).toEqual([7_776_000_000, 86_400_000, 1_800_000, 10_000, 0])
  expect(expiry('2027-01-31')).toBe(Date.parse('2027-01-31'))
  expect(expiry('never')).toBe('never')
  expect(list('a, b', list('c,,', undefined))).toEqual(['c', 'a', 'b'])
  for (const bad of ['', '1', '-1d', '1w', '1.5h', 'd']) expect(() => duration(bad)).toThrow('Write a duration')
  for (const bad of ['', 'soon', '2027', '2027-13-01', '31.1.2027']) expect(() => expiry(bad)).toThrow('Write a moment')
})
