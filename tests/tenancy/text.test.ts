import { expect, test } from 'vitest'
import { isAsRead, shownText } from '#tenancy/text.ts'

test('what a provider calls somebody shows as it is: nothing writes backwards or ends a line', () => {
  expect(shownText('Ann\u202E tset.emca@ecila \u2066(owner)\u2028\u0000\n')).toBe('Ann tset.emca@ecila (owner)')
  // Persian and families of emoji need theirs.
  expect(shownText('می\u200Cخواهم 👩\u200D👧')).toBe('می\u200Cخواهم 👩\u200D👧')
})

test.each([
  ['nightly export', ' nightly \t export ', true],
  ['nightly export', 'nightly\u200B ex\uFEFFport', true],
  ['caf\u00E9', 'cafe\u0301', true],
  ['nightly export', 'nightly exports', false],
  ['', 'x', false],
])('%j was typed for %j: %s', (typed, shown, same) => {
  expect(isAsRead(typed, shown)).toBe(same)
})
