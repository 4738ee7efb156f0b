import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { rpc, until } from './support.ts'

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

async function start(shutdownTimeout = 5000) {
  const fixture = fileURLToPath(new URL('serve-fixture.ts', import.meta.url))
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', '--conditions=gatehouse-source', fixture, String(shutdownTimeout)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  children.push(child)
  let said = ''
  child.stdout.on('data', (piece: Buffer) => (said += piece.toString()))
  await until(() => /http:\S+/.test(said))
  const url = /http:\S+/.exec(said)?.[0] ?? ''
  const call = async (ms: number): Promise<string> => {
    const request = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'wait', arguments: { ms } } }
    return await (await rpc(`${url}/mcp`, request)).text()
  }
  const stop = async (signal: NodeJS.Signals): Promise<{ code: number | null; ms: number }> => {
    const before = performance.now()
    const exit = once(child, 'exit') as Promise<[number | null]>
    child.kill(signal)
    const [code] = await exit
    return { code, ms: performance.now() - before }
  }
  return { call, stop, said: () => said.split('\n').slice(1, -1) }
}

test('an idle server ends within two seconds of SIGTERM, after the audit and the database', async () => {
  const server = await start()
  await server.call(1)
  const { code, ms } = await server.stop('SIGTERM')
  expect(code).toBe(0)
  expect(ms).toBeLessThan(2000)
  expect(server.said()).toEqual(['called', 'flushed', 'closed'])
})

test('a call in flight finishes before the server ends', async () => {
  const server = await start()
  const call = server.call(700)
  await until(() => server.said().includes('called'))
  const { code } = await server.stop('SIGINT')
  expect(await call).toContain('finished')
  expect(code).toBe(0)
  expect(server.said()).toEqual(['called', 'flushed', 'closed'])
})

test('a call that does not end is ended, and the audit is written all the same within SHUTDOWN_TIMEOUT', async () => {
  const server = await start(2000)
  const call = server.call(60_000).catch(() => 'cut')
  await until(() => server.said().includes('called'))
  const { code, ms } = await server.stop('SIGTERM')
  expect(await call).toBe('cut')
  expect(code).toBe(0)
  expect(ms).toBeLessThan(2000)
  expect(server.said()).toEqual(['called', 'aborted', 'flushed', 'closed'])
})
