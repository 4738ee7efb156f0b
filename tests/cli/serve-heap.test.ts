import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const MIB = 1024
/** `serve` as it was built, as far as a configuration it refuses; then 120 MiB are alive and V8 says when it will collect again. */
const PROGRAM = `
  import { define } from ${JSON.stringify(new URL('../../dist/src/cli/serve.js', import.meta.url).href)}
  let serve
  const terminal = { env: { PORT: 'none' }, cwd: '/', stdout: process.stdout }
  define({ addOption() {}, action: (run) => void (serve = run) }, { terminal, end() {} })
  const refused = await serve({}).then(() => 'served', (error) => error.name)
  const held = Array.from({ length: 120 }, () => new Array(131072).fill(0.5))
  gc()
  console.log(refused, held.length)`

test('a server collects garbage when its heap is half as large again, however much memory the machine has', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--expose-gc',
    '--trace-gc-verbose',
    '--input-type=module',
    '--eval',
    PROGRAM,
  ])
  expect(stdout).toContain('ConfigError 120')
  const [, alive, limit] = [...stdout.matchAll(/\[HeapController\] Limit: old size: (\d+) KB, new limit: (\d+) KB/g)]
    .at(-1)
    ?.map(Number) ?? [0, 0, 0]
  expect(alive).toBeGreaterThan(120 * MIB)
  // What is young comes on top: at most 64 MiB and a step.
  expect(limit).toBeLessThanOrEqual((alive ?? 0) * 1.5 + 80 * MIB)
})
