import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { memoryOf, ticksOf } from '../../bench/vitals.ts'

/** Works for a while, says so, and stays until whoever started it is gone. */
const CHILD = `
  const until = Date.now() + 150
  while (Date.now() < until);
  process.on('disconnect', () => process.exit())
  process.send('done')`
const PARENT = `
  const { spawn } = require('node:child_process')
  spawn(process.execPath, ['-e', process.argv[1]], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
    .on('message', (said) => process.send(said))`

test('on Linux a process is weighed with what it started; one that is gone, and elsewhere any, is not', async () => {
  const parent = spawn(process.execPath, ['-e', PARENT, CHILD], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  const pid = parent.pid ?? 0
  try {
    await once(parent, 'message')
    if (process.platform === 'linux') {
      // A Node process alone holds 30 to 60 MB.
      expect(memoryOf(pid)).toBeGreaterThan(65)
      expect(ticksOf(pid)).toBeGreaterThan(10)
    }
  } finally {
    const ended = once(parent, 'exit')
    parent.kill()
    await ended
  }
  expect(memoryOf(pid)).toBeNull()
  expect(ticksOf(pid)).toBeNull()
})
