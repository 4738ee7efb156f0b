import { fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { gatehouse } from '../support/command.ts'
import { BUILT } from '../support/processes.ts'
import { age, loginFile, person, signIn, startBridge } from './support.ts'
import { startWorld, type World } from './world.ts'

let world: World
beforeEach(async () => {
  world = await startWorld()
})
afterEach(async () => await world.close())

/** After a night. */
function expire(folder: string): void {
  age(folder)
  world.expire()
}

test('processes that start at the same instant with an expired login refresh once', async () => {
  const env = person()
  await signIn(env, [world.mcp])
  expire(env.GATEHOUSE_CONFIG_DIR)
  const children = Array.from({ length: 3 }, () =>
    fork(fileURLToPath(new URL('refresh-fixture.ts', import.meta.url)), [world.mcp], {
      env: { PATH: process.env['PATH'], ...env },
      execArgv: ['--conditions=gatehouse-source', '--import', 'tsx'],
    }),
  )
  const say = async (child: (typeof children)[number]): Promise<unknown> =>
    await new Promise((resolve) => child.once('message', resolve))
  // All are ready before any begins.
  await Promise.all(children.map(say))
  const answers = Promise.all(children.map(say))
  for (const child of children) child.send('go')
  const tokens = new Set(await answers)
  expect([...tokens]).toEqual([world.secrets.at(-2)])
  expect(world.count.refresh).toBe(1)
})

test('two bridges that a host starts at the same instant with an expired login refresh once, and both serve', async () => {
  const env = person()
  await signIn(env, [world.mcp])
  expire(env.GATEHOUSE_CONFIG_DIR)
  const clients = await Promise.all(
    [1, 2].map(async () => {
      const client = new Client({ name: 'host', version: '1' })
      await client.connect(
        new StdioClientTransport({
          command: process.execPath,
          args: [...BUILT, 'connect', world.mcp],
          env: { PATH: process.env['PATH'] ?? '', ...env },
          stderr: 'ignore',
        }),
      )
      return client
    }),
  )
  for (const client of clients) expect((await client.listTools()).tools).toHaveLength(1)
  expect(world.count.refresh).toBe(1)
  expect(new Set(world.authorized.map(({ value }) => value)).size).toBe(1)
  await Promise.all(clients.map(async (client) => await client.close()))
})

test('bridges of one process that wake together refresh once, and none is told to sign in', async () => {
  const env = person()
  await signIn(env, [world.mcp])
  const bridges = Array.from({ length: 4 }, () => startBridge(env, world.mcp))
  await Promise.all(bridges.map(async (bridge) => await bridge.initialize()))
  // The server no longer takes the token although its time is not over.
  world.expire()
  const answers = await Promise.all(bridges.map(async (bridge) => await bridge.ask('tools/list')))
  for (const answer of answers) expect(answer).toHaveProperty('result')
  expect(world.count.refresh).toBe(1)
  await Promise.all(bridges.map(async (bridge) => await bridge.leave()))
})

test.each([
  ['an outage', { status: 503, body: 'down' }],
  ['an outage said in OAuth', { status: 400, body: '{"error":"temporarily_unavailable"}' }],
  ['too many requests', { status: 429, body: '{"error":"slow_down"}' }],
  ['an answer that is none', { status: 200, body: '<html>' }],
  ['a refusal that is not about the grant', { status: 400, body: '{"error":"invalid_target"}' }],
])('the refresh token outlives %s', async (_name, answer) => {
  const env = person()
  await signIn(env, [world.mcp])
  expire(env.GATEHOUSE_CONFIG_DIR)
  world.is.tokenAnswer = answer
  expect((await gatehouse({ env }, `access-token ${world.mcp}`)).exit).toBe(1)
  world.is.tokenAnswer = null
  const { exit, stdout } = await gatehouse({ env }, `access-token ${world.mcp}`)
  expect(exit).toBe(0)
  expect(world.secrets).toContain(stdout.trim())
})

test('a token that still holds is used while the issuer is down', async () => {
  const env = person()
  world.is.expiresIn = 45
  await signIn(env, [world.mcp])
  world.is.tokenAnswer = { status: 503, body: '' }
  expect((await gatehouse({ env }, `access-token ${world.mcp}`)).exit).toBe(0)
  expect(world.count.refresh).toBe(1)
})

test('invalid_grant drops the refresh token, asks for a sign-in, and is not sent again', async () => {
  const env = person()
  await signIn(env, [world.mcp])
  expire(env.GATEHOUSE_CONFIG_DIR)
  world.is.tokenAnswer = { status: 400, body: '{"error":"invalid_grant"}' }
  for (const run of [1, 2]) {
    const { exit, stderr } = await gatehouse({ env }, `access-token ${world.mcp}`)
    expect([run, exit]).toEqual([run, 77])
    expect(stderr).toContain('gatehouse login')
  }
  expect(world.count.refresh).toBe(1)
  expect(readFileSync(loginFile(env.GATEHOUSE_CONFIG_DIR), 'utf8')).not.toContain('rt-')
  world.is.tokenAnswer = null
  await signIn(env, [world.mcp])
  expect((await gatehouse({ env }, `access-token ${world.mcp}`)).exit).toBe(0)
})

test('invalid_client keeps the refresh token, and the next sign-in registers anew', async () => {
  const env = person()
  await signIn(env, [world.mcp])
  expire(env.GATEHOUSE_CONFIG_DIR)
  world.is.tokenAnswer = { status: 401, body: '{"error":"invalid_client"}' }
  expect((await gatehouse({ env }, `access-token ${world.mcp}`)).exit).toBe(77)
  expect(readFileSync(loginFile(env.GATEHOUSE_CONFIG_DIR), 'utf8')).toContain('rt-')
  world.is.tokenAnswer = null
  await signIn(env, [world.mcp])
  expect(world.count.register).toBe(2)
  expect((await gatehouse({ env }, `access-token ${world.mcp}`)).exit).toBe(0)
})

test('a token whose life nobody told is used until the server refuses it, and then refreshed', async () => {
  const env = person()
  world.is.expiresIn = null
  await signIn(env, [world.mcp])
  const bridge = startBridge(env, world.mcp)
  await bridge.initialize()
  expect(world.count.refresh).toBe(0)
  world.expire()
  expect(await bridge.ask('tools/list')).toHaveProperty('result')
  expect(world.count.refresh).toBe(1)
  await bridge.leave()
})
