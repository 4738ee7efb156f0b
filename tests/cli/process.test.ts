import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { packageRoot } from '#base/package.ts'
import { takeLock } from '#db/embedded/lock.ts'
import { BUILT } from '../support/processes.ts'
import { freePort } from '../support/gatehouse.ts'

const folder = mkdtempSync(join(tmpdir(), 'gh-'))
let env: Record<string, string>
let server: ChildProcess
let output = ''

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

async function gatehouse(...line: readonly string[]): Promise<Ended> {
  return await new Promise((resolve) => {
    execFile(process.execPath, [...BUILT, ...line], { env, cwd: packageRoot }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr })
    })
  })
}

beforeAll(async () => {
  env = { PATH: process.env['PATH'] ?? '', DATA_DIR: folder, PORT: String(await freePort()) }
  server = spawn(process.execPath, [...BUILT, 'serve'], { env, cwd: packageRoot, stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise<void>((ready, fail) => {
    server.once('exit', (code) => fail(new Error(`serve ended with ${code}\n${output}`)))
    server.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      if (output.includes("}}'\n")) ready()
    })
  })
}, 60_000)
afterAll(() => {
  server.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

test('serve prints the MCP endpoint and what to paste into Claude Code, Cursor and VS Code', () => {
  const url = `http://127.0.0.1:${env['PORT']}/mcp`
  expect(output).toContain(`The MCP endpoint is  ${url}`)
  expect(output).toContain(`claude mcp add --transport http gatehouse ${url}`)
  const snippets = output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('{"mcpServers"') || line.startsWith('{"servers"'))
  expect(snippets.map((line) => JSON.parse(line) as unknown)).toEqual([
    { mcpServers: { gatehouse: { url } } },
    { servers: { gatehouse: { type: 'http', url } } },
  ])
})

test('the curl it prints works when pasted', async () => {
  const line = output.split('\n').find((each) => each.trim().startsWith('curl ')) ?? ''
  expect(line).toContain('npm run -s gatehouse -- dev-token alice@acme.test')
  // The build that `npm run` would begin with is another test's: here the same command runs from its source.
  const command = line.replace('npm run -s gatehouse --', [process.execPath, ...BUILT].join(' '))
  const { stdout } = await new Promise<{ stdout: string }>((resolve) => {
    // A terminal of its own: nothing of the server's environment.
    execFile('sh', ['-c', command], { env: { PATH: env['PATH'] }, cwd: packageRoot }, (_error, stdout) =>
      resolve({ stdout }),
    )
  })
  expect(stdout).toContain('"email":"alice@acme.test"')
  expect(stdout).toContain('"role":"owner"')
})

test('a command beside the running server goes through its database', async () => {
  const made = await gatehouse('tenant', 'create', 'beside', '--json')
  expect(made).toMatchObject({ code: 0, stderr: '' })
  expect(JSON.parse(made.stdout)).toMatchObject({ slug: 'beside' })
  expect((await gatehouse('tenant', 'show', 'beside')).stdout).toMatch(/^slug +beside$/m)
})

test('exit codes reach the shell', async () => {
  expect((await gatehouse('tenant', 'show', 'nobody')).code).toBe(1)
  expect((await gatehouse('tenant', 'delete', 'beside')).code).toBe(2)
  env['LOG_LEVEL'] = 'loud'
  expect(await gatehouse('config', 'print')).toMatchObject({ code: 78, stdout: '' })
  delete env['LOG_LEVEL']
})

test('a server whose provider cannot be used ends with 78 although its database is open already', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'gh-'))
  const own = env
  env = { ...own, DATA_DIR: dataDir, OIDC_ISSUER: 'https://login.microsoftonline.com/common/v2.0', OIDC_AUDIENCE: 'x' }
  const ended = await gatehouse('serve')
  env = own
  rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 })
  expect(ended).toMatchObject({ code: 78, stderr: expect.stringContaining('lets every Entra tenant in') })
}, 60_000)

test('the real process says of a single mistake what the table of configuration-mistakes.test.ts says in this one', async () => {
  const own = env
  for (const [change, line] of [
    [{ PORT: '70000' }, /^ {2}PORT: must be a whole number from 1 to 65535, for example PORT=3000$/m],
    [
      { SESSION_SECRET: 'hunter2' },
      /^ {2}SESSION_SECRET: must have at least 32 characters, for example SESSION_SECRET=/m,
    ],
    [
      { TOOLS_DIR: '/no/such/folder' },
      /^ {2}TOOLS_DIR: there is no folder \/no\/such\/folder, for example TOOLS_DIR=/m,
    ],
  ] as const) {
    env = { ...own, ...change }
    const ended = await gatehouse('serve')
    expect(ended).toMatchObject({ code: 78, stderr: expect.stringMatching(line) })
    expect(ended.stdout + ended.stderr).not.toContain('hunter2')
  }
  env = own
}, 60_000)

test('DATA_DIR that a process holds which does not answer ends the start with 78, and says so', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'gh-'))
  // This process, which is alive, took the lock and never says where it can be reached.
  const lock = await takeLock(dataDir)
  const own = env
  env = { ...own, DATA_DIR: dataDir }
  const ended = await gatehouse('serve')
  env = own
  if ('release' in lock) await lock.release()
  rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 })
  expect(ended).toMatchObject({
    code: 78,
    stderr: expect.stringMatching(/^ {2}DATA_DIR: another process holds the database in .*, for example DATA_DIR=/m),
  })
}, 60_000)

test('an idle server ends within two seconds of SIGTERM, with 0', async () => {
  const began = performance.now()
  server.kill('SIGTERM')
  expect(await once(server, 'exit')).toEqual([0, null])
  expect(performance.now() - began).toBeLessThan(2_000)
})
