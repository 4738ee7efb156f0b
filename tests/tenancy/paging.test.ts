import { expect, test } from 'vitest'
import { uuidv7 } from '#base/id.ts'
import { afterOf, rowsToRead, toPage } from '#tenancy/paging.ts'
import { RegistryError } from '#tenancy/registry-error.ts'
import { boundedText } from '#tenancy/text.ts'

const rows = (count: number): { id: string }[] => Array.from({ length: count }, (_, index) => ({ id: `id ${index}` }))

test('a page asks for one row more than it shows, and for 100 at most', () => {
  expect(
    [undefined, -1, 0, 1, 3, 100, 101, 1e9].map((limit) => rowsToRead(limit === undefined ? {} : { limit })),
  ).toEqual([null, 2, 2, 2, 4, 101, 101, 101])
})

test('the extra row is cut off and tells that there is more', () => {
  expect(toPage(rows(2), { limit: 3 })).toEqual({ items: rows(2), next: null })
  expect(toPage(rows(3), { limit: 3 })).toEqual({ items: rows(3), next: null })
  expect(toPage(rows(4), { limit: 3 })).toEqual({ items: rows(3), next: 'id 2' })
  expect(toPage(rows(200), {})).toEqual({ items: rows(200), next: null })
  expect(toPage([], { limit: 1 })).toEqual({ items: [], next: null })
})

test('D34: a cursor is an id and nothing else', () => {
  const id = uuidv7()
  expect(afterOf({})).toBeNull()
  expect(afterOf({ after: id })).toBe(id)
  for (const after of ['', `${id}'`, "' OR 1=1", 'null'])
    expect(() => afterOf({ after })).toThrow(expect.objectContaining({ name: 'RegistryError', code: 'invalid' }))
})

test('a text that someone chose is trimmed, neither empty nor too long, and holds no control characters', () => {
  expect(boundedText('the name', '  Acme \n', 4)).toBe('Acme')
  expect(boundedText('the name', 'A', 4)).toBe('A')
  // Families of emoji and Persian are joined by signs that nobody sees.
  for (const text of ['👩‍💻', 'می‌خواهم']) expect(boundedText('the name', text, 20)).toBe(text)
  for (const text of ['', '   ', 'Acme!', 'a\nb', 'a\u001b', 'a\0b', 'a\u0085b', '\u200B', 'a\u202Eb', 'a\u2028b']) {
    expect(() => boundedText('the name', text, 4)).toThrow(RegistryError)
    expect(() => boundedText('the name', text, 4)).toThrow(expect.objectContaining({ code: 'invalid' }))
  }
})
