import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport as OldTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { browser } from '../http/browser.ts'
import { gatehouse } from '../support/command.ts'
import { startGatehouse, type RunningGatehouse } from '../support/gatehouse.ts'
import { BUILT } from '../support/processes.ts'
import { age, person, signIn } from './support.ts'

let server: RunningGatehouse
beforeAll(async () => {
  server = await startGatehouse({ kind: 'postgres' })
})
afterAll(async () => await server.close())

/** A person in front of the development sign-in's page. */
const as = (name: string) => async (page: URL) => await fetch(await browser(server.url).signIn(page, name))

const spawned = (env: Readonly<Record<string, string>>) => ({
  command: process.execPath,
  args: [...BUILT, 'connect', server.mcp],
  env: { PATH: process.env['PATH'] ?? '', ...env },
  stderr: 'ignore' as const,
})

test('one sign-in at our own server, and both official clients call tools through the program they start', async () => {
  const env = person()
  const { exit, stderr } = await signIn(env, [server.mcp], as('alice'))
  expect(exit, stderr).toBe(0)
  const whoami = { structuredContent: { user_id: 'development:alice', tenant: { slug: 'acme_test' } } }

  const modern = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'auto' } })
  await modern.connect(new StdioClientTransport(spawned(env)))
  expect(modern.getNegotiatedProtocolVersion()).toBe('2026-07-28')
  expect(await modern.callTool({ name: 'whoami', arguments: {} })).toMatchObject(whoami)
  await modern.close()

  const legacy = new OldClient({ name: 'test', version: '1' })
  await legacy.connect(new OldTransport(spawned(env)))
  expect(await legacy.callTool({ name: 'whoami', arguments: {} })).toMatchObject(whoami)
  await legacy.close()
}, 60_000)

test('the headers it prints are those our server takes, and they end with the login', async () => {
  const env = person()
  await signIn(env, [server.mcp], as('bob'))
  const headers = (await gatehouse({ env }, `headers ${server.mcp}`)).json() as Record<string, string>
  const answer = await fetch(`${server.url}/api/v1/whoami`, { headers })
  expect(await answer.json()).toMatchObject({ user_id: 'development:bob' })
  expect((await gatehouse({ env }, `logout ${server.mcp}`)).exit).toBe(0)
  expect((await gatehouse({ env }, `headers ${server.mcp}`)).exit).toBe(77)
})

test('a certified provider refreshes the login, and the server takes what came of it', async () => {
  const env = person()
  await signIn(env, [server.mcp], as('carol'))
  const before = (await gatehouse({ env }, `access-token ${server.mcp}`)).stdout.trim()
  age(env.GATEHOUSE_CONFIG_DIR)
  const { exit, stdout, stderr } = await gatehouse({ env }, `access-token ${server.mcp}`)
  expect(exit, stderr).toBe(0)
  expect(stdout.trim()).not.toBe(before)
  const answer = await fetch(`${server.url}/api/v1/whoami`, { headers: { authorization: `Bearer ${stdout.trim()}` } })
  expect(await answer.json()).toMatchObject({ user_id: 'development:carol' })
  expect((await gatehouse({ env }, `status ${server.mcp} --json`)).json()).toMatchObject({
    logins: [{ state: 'signed in', refreshable: true }],
  })
})

test('no token of a sign-in through the bridge stands in the log of the server', () => {
  expect(server.lines.length).toBeGreaterThan(0)
  expect(server.lines.join('')).not.toMatch(/eyJ[\w-]+\.eyJ/)
})
