import { expect, test } from 'vitest'
import { REFUSALS } from '#base/refusal.ts'
import { read } from './pages.ts'

const sections = [
  ...read('docs/troubleshooting.md').matchAll(/^### `([a-z_]+)`\n\n([\s\S]*?)(?=^##|$(?![\s\S]))/gm),
].map(([, code = '', text = '']) => ({
  code,
  text,
}))

test('docs/troubleshooting.md has one paragraph for each refusal code, and none that does not exist', () => {
  expect(sections.map(({ code }) => code).toSorted()).toEqual(Object.keys(REFUSALS).toSorted())
})

test('a status a paragraph begins with is the status of its code', () => {
  const stated = sections.flatMap(({ code, text }) => {
    const status = /^(\d{3})\b/.exec(text)?.[1]
    return status === undefined ? [] : [[code, Number(status)] as const]
  })
  expect(stated.length).toBeGreaterThan(15)
  expect(stated.map(([code]) => [code, REFUSALS[code as keyof typeof REFUSALS].status])).toEqual(stated)
})

test('the codes under "judged, and is bad" are the ones answered with 401 invalid_token', () => {
  const [, judged = ''] =
    /^## The token was judged, and is bad\n([\s\S]*?)^## /m.exec(read('docs/troubleshooting.md')) ?? []
  const codes = [...judged.matchAll(/^### `([a-z_]+)`/gm)].map(([, code = '']) => code)
  const expected = Object.entries(REFUSALS).filter(([, row]) => row.error === 'invalid_token')
  expect(codes.toSorted()).toEqual(expected.map(([code]) => code).toSorted())
})
