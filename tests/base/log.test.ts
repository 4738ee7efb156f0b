import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createLog } from '#base/log.ts'
import { gatherLines } from '#base/log-lines.ts'
import { redacted } from '#base/redact.ts'

function logged(about: object): Record<string, unknown> {
  let line = ''
  createLog('info', { write: (text) => void (line += text) }).info(about, 'said')
  return JSON.parse(line) as Record<string, unknown>
}

test('what is named like a secret never reaches a line, at any level, in lists and in errors', () => {
  const token = 'value-that-must-not-show'
  const error = Object.assign(new Error('failed'), { token, response: { headers: { 'Set-Cookie': token } } })
  const cases: readonly object[] = [
    { token },
    { Authorization: token },
    { a: { password: token } },
    { a: { b: { c: { api_key: token } } } },
    { list: [{ x: 1 }, { secret: token }] },
    { secret: { all: { of: token } } },
    { err: error },
    { err: new Error('first', { cause: error }), also: { error } },
    { problem: error },
    { errors: [error] },
    { error: Object.assign(Object.create(null) as object, { refresh_token: token }) },
    { a: { b: { c: { d: { e: { f: { g: token } } } } } } },
  ]
  for (const about of cases) {
    const line = JSON.stringify(logged(about))
    expect(line, JSON.stringify(about)).not.toContain(token)
    expect(line).toMatch(/\[redacted\]|\[deeper\]/)
  }
  expect(JSON.stringify(error)).toContain(token)
})

test('a record without secrets is logged as it is, and is not copied', () => {
  const record = { at: new Date(0), n: 1, none: null, list: [1, { a: 'b' }], tokens: 3 }
  expect(redacted(record)).toBe(record)
  expect(logged(record)).toMatchObject({ at: '1970-01-01T00:00:00.000Z', n: 1, none: null, list: [1, { a: 'b' }] })
  expect(logged({ err: new TypeError('odd') })).toMatchObject({ err: { type: 'TypeError', message: 'odd' } })
})

test('lines of one turn are written together, in order, none cut, and in pieces that go into a pipe whole', async () => {
  const written: string[] = []
  const lines = gatherLines((text) => void written.push(text))
  const all = Array.from({ length: 300 }, (_, n) => `{"n":${n},"text":"${'é'.repeat(n % 40)}"}\n`)
  for (const line of all) lines.write(line)
  await turn()
  expect(written.join('')).toBe(all.join(''))
  expect(written.length).toBeLessThan(20)
  for (const text of written) {
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(4_096)
    expect(text.endsWith('\n')).toBe(true)
  }
  lines.write('a line longer than a piece '.repeat(400))
  lines.write('last\n')
  lines.flush()
  expect(written.at(-1)).toBe('last\n')
  lines.flush()
  expect(written.at(-1)).toBe('last\n')
})
