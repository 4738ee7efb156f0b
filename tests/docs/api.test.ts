import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PROBLEMS } from '#http/api-problem.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { blocks, read } from './pages.ts'

const run = promisify(execFile)

let server: RunningGatehouse
let folder = ''
beforeAll(async () => {
  server = await startGatehouse({ kind: 'postgres' })
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-api-'))
})
afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})

test('the commands on the page of the API work, one after the other, as they stand there', async (context) => {
  const { stdout: curl } = await run('curl', ['--version']).catch(() => ({ stdout: '' }))
  const [, major = 0, minor = 0] = /^curl (\d+)\.(\d+)/.exec(curl) ?? []
  if (Number(major) * 1000 + Number(minor) < 7082) context.skip('there is no curl 7.82 or newer here')
  const commands = blocks('docs/api.md', 'sh')
  expect(commands.length).toBeGreaterThan(5)
  const env = {
    PATH: process.env['PATH'],
    GATEHOUSE: server.url,
    TOKEN: await server.token('alice@acme.test'),
  }
  // -e: the first that fails ends it; curl -f fails for every answer of 400 and more.
  const { stdout } = await run('sh', ['-euc', commands.join('\n')], { cwd: folder, env })
  expect(stdout).toContain('"user_id":"development:alice"')
  expect(stdout).toContain('"expected":"token=')
  expect(stdout).toMatch(/"key":"gh_key_\w+"/)
  expect(stdout).toContain('"name":"Acme Corporation"')
  expect(await readFile(join(folder, 'audit.csv'), 'utf8')).toContain('tenant.provisioned')
  expect((await stat(join(folder, 'header'))).mode & 0o077).toBe(0)
})

test('every problem is in the table of the page, under its status', () => {
  const rows = read('docs/api.md')
    .split('\n')
    .filter((line) => /^\| \d{3}/.test(line))
  const missing = Object.entries(PROBLEMS).filter(
    ([code, { status }]) =>
      !rows.some((row) => row.includes(`\`${code}\``) && (row.split('|')[1] ?? '').includes(String(status))),
  )
  expect(missing).toEqual([])
})
