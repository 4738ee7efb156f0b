import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { packageRoot } from '#base/package.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { connectClient, type McpClient } from '../support/mcp-clients.ts'
import { until } from '../support/until.ts'

/** Vitest does not know Node's loader hooks, hence the path and no TypeScript; tests/toolkit/authoring.test.ts has both in a process of its own. */
const tool = (word: string, scope = 'projects:read'): string => `
  import { defineTool, z } from '${packageRoot}/src/index.ts'
  export default defineTool({ title: 'Greet', description: 'Says it.', scopes: ['${scope}'], access: 'none',
    input: z.object({}), run: async () => '${word}' })`

let folder: string
let server: RunningGatehouse
let token: string
let alice: McpClient
const stop = new AbortController()
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reload-'))
  await writeFile(join(folder, 'greet.js'), tool('one'))
  server = await startGatehouse({ kind: 'postgres', env: { TOOLS_DIR: folder } })
  token = await server.token('alice@acme.test')
  alice = await connectClient('v2 client, 2026-07-28', server.mcp, token)
})
afterAll(async () => {
  stop.abort()
  await alice.close()
  await server.close()
  await rm(folder, { recursive: true })
})

const said = async (name: string): Promise<unknown> => (await alice.callTool(name, {})).content[0]?.text
const names = async (): Promise<readonly string[]> => (await alice.listTools()).tools.map(({ name }) => name)
const logged = (text: string): boolean => server.lines.some((line) => line.includes(text))

/** What one who listens for changes of the list of tools has heard. */
async function listen(): Promise<readonly string[]> {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'listener', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  const params = { notifications: { toolsListChanged: true }, _meta: meta }
  const response = await fetch(server.mcp, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'subscriptions/listen',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 'listen', method: 'subscriptions/listen', params }),
    signal: stop.signal,
  })
  const heard: string[] = []
  void (async () => {
    for await (const chunk of response.body ?? []) heard.push(Buffer.from(chunk).toString())
  })().catch(() => {})
  return heard
}

test('in development a changed file of TOOLS_DIR is what the next call runs, and who listens is told', async () => {
  const heard = await listen()
  expect(await said('greet')).toBe('one')
  await writeFile(join(folder, 'greet.js'), tool('two'))
  await until(async () => (await said('greet')) === 'two')
  await until(() => heard.join('').includes('tools/list_changed'))
})

test('a new file is a new tool, with a scope that nothing had before; a file that goes takes its tool along', async () => {
  await writeFile(join(folder, 'wave.js'), tool('hello', 'waves:read'))
  await until(async () => (await names()).includes('wave'))
  expect(await said('wave')).toBe('hello')
  await rm(join(folder, 'wave.js'))
  await until(async () => !(await names()).includes('wave'))
})

test('a broken file keeps the tool that was there, and the log says why and where', async () => {
  await writeFile(join(folder, 'greet.js'), `const a = 1\n${tool('three')}\nfoo bar`)
  await until(() => logged('greet.js:') && logged('what was there before stays'))
  expect(await said('greet')).toMatch(/one|two/)
  await writeFile(join(folder, 'greet.js'), tool('four'))
  await until(async () => (await said('greet')) === 'four')
})
