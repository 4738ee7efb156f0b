import { Readable, Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { typed } from '../../src/cli/terminal.ts'

test.each([
  ['npx', 'npx gatehouse test --dir tools'],
  ['gatehouse', 'npm run gatehouse -- test --dir tools'],
  ['start', 'gatehouse test --dir tools'],
  [undefined, 'gatehouse test --dir tools'],
])('a command that another is followed by is told as this one was typed (npm says %s)', (script, line) => {
  const terminal = {
    env: { npm_lifecycle_event: script },
    cwd: '/',
    stdin: Readable.from([]),
    stdout: new Writable(),
    stderr: new Writable(),
  }
  expect(typed(terminal, 'test --dir tools')).toBe(line)
})
