import { afterEach, beforeEach, expect, test } from 'vitest'
import { until } from '../support/until.ts'
import { modern, person, signIn, startBridge } from './support.ts'
import { startWorld, type World } from './world.ts'

let world: World
beforeEach(async () => {
  world = await startWorld()
})
afterEach(async () => await world.close())

const LOGIN_NEEDED = -32010

test('without a login the bridge answers initialize, says which command to run, and goes on when the login appears', async () => {
  const env = person()
  const bridge = startBridge(env, world.mcp)
  expect(await bridge.initialize()).toMatchObject({
    result: { protocolVersion: '2025-11-25', capabilities: { tools: { listChanged: true } } },
  })
  expect(await bridge.ask('tools/list')).toMatchObject({
    error: { code: LOGIN_NEEDED, message: expect.stringContaining(`gatehouse login ${world.mcp}`) as unknown },
  })
  expect(await bridge.ask('ping')).toMatchObject({ result: {} })
  expect(world.count).toMatchObject({ initialize: 0, authorize: 0 })
  await signIn(env, [world.mcp])
  // Nobody asks: the host hears by itself that there is something to list now.
  await until(() => bridge.sent.some(({ method }) => method === 'notifications/tools/list_changed'))
  expect(await bridge.ask('tools/list')).toMatchObject({ result: { tools: [{ name: 'echo' }] } })
  expect(world.count.initialize).toBe(1)
  expect(world.heard.map(({ method }) => method)).toContain('notifications/initialized')
  expect(await bridge.leave()).toBe(0)
  expect(bridge.stderr()).toMatch(/nobody is signed in/)
})

test('a host of 2026-07-28 is answered without a login, too', async () => {
  const env = person()
  const bridge = startBridge(env, world.mcp)
  expect(await bridge.ask('server/discover', modern())).toMatchObject({
    result: { resultType: 'complete', supportedVersions: ['2026-07-28'], ttlMs: 0 },
  })
  expect(await bridge.ask('tools/list', modern())).toMatchObject({ error: { code: LOGIN_NEEDED } })
  await signIn(env, [world.mcp])
  expect(await bridge.ask('tools/list', modern())).toMatchObject({ result: { resultType: 'complete', tools: [{}] } })
  await bridge.leave()
})

test('a server that cannot be reached is not a reason to fall over: the next request tries again', async () => {
  const env = person()
  const { port } = new URL(world.mcp)
  const gone = `http://127.0.0.1:${port}/mcp`
  await signIn(env, [world.mcp])
  world.is.open = true
  await world.close()
  const bridge = startBridge(env, gone)
  expect(await bridge.initialize()).toHaveProperty('result')
  expect(await bridge.ask('tools/list')).toMatchObject({ error: { code: -32011 } })
  await bridge.leave()
  world = await startWorld()
})

test('a session that the server forgot is made anew, and the host does not notice', async () => {
  const env = person()
  await signIn(env, [world.mcp])
  const bridge = startBridge(env, world.mcp)
  await bridge.initialize()
  await bridge.ask('tools/list')
  world.forget()
  const answers = await Promise.all([bridge.ask('tools/list'), bridge.ask('tools/call', { name: 'echo' })])
  for (const answer of answers) expect(answer).toHaveProperty('result')
  expect(world.count.initialize).toBe(2)
  await bridge.leave()
})

test('a call that needs more rights says so; the next sign-in asks for them and for those it had', async () => {
  const env = person()
  world.is.callScopes = ['read', 'write']
  await signIn(env, [world.mcp])
  expect(world.asked().get('scope')).toBe('read')
  const bridge = startBridge(env, world.mcp)
  await bridge.initialize()
  expect(await bridge.ask('tools/call', { name: 'echo' })).toMatchObject({
    error: { code: LOGIN_NEEDED, message: expect.stringContaining('more rights (read write)') as unknown },
  })
  await signIn(env, [world.mcp])
  expect(world.asked().get('scope')).toBe('read write')
  expect(await bridge.ask('tools/call', { name: 'echo' })).toHaveProperty('result')
  await bridge.leave()
})

test('a server that refuses what was granted does not cause one sign-in after another', async () => {
  const env = person()
  world.is.callScopes = ['admin']
  world.is.stubborn = true
  await signIn(env, [world.mcp])
  const bridge = startBridge(env, world.mcp)
  await bridge.initialize()
  expect(await bridge.ask('tools/call', { name: 'echo' })).toMatchObject({ error: { code: LOGIN_NEEDED } })
  await signIn(env, [world.mcp])
  expect(world.asked().get('scope')).toBe('read admin')
  // The same refusal again is no reason to sign in again.
  expect(await bridge.ask('tools/call', { name: 'echo' })).toMatchObject({ error: { code: -32012 } })
  await bridge.leave()
})

test('a host of 2026-07-28 that opens with requests at once makes one session', async () => {
  const env = person()
  await signIn(env, [world.mcp])
  const bridge = startBridge(env, world.mcp)
  const answers = await Promise.all([1, 2, 3].map(async () => await bridge.ask('tools/list', modern())))
  for (const answer of answers) expect(answer).toMatchObject({ result: { resultType: 'complete', tools: [{}] } })
  expect(world.count.initialize).toBe(1)
  await bridge.leave()
})

test('a host that introduces itself again starts again', async () => {
  world.is.open = true
  const bridge = startBridge(person(), world.mcp)
  await bridge.initialize()
  await bridge.initialize()
  expect(await bridge.ask('tools/list')).toHaveProperty('result')
  expect(world.count.initialize).toBe(2)
  await bridge.leave()
})

test('a server without sign-in is served as it is', async () => {
  world.is.open = true
  const bridge = startBridge(person(), world.mcp)
  await bridge.initialize()
  expect(await bridge.ask('tools/list')).toHaveProperty('result')
  await bridge.leave()
  expect(world.authorized).toEqual([])
})

test('what is no message is answered as such, and the next line is read', async () => {
  world.is.open = true
  const bridge = startBridge(person(), world.mcp)
  bridge.stdin.write('{ nonsense\n[1]\n\n')
  await until(() => bridge.sent.length === 2)
  expect(bridge.sent).toMatchObject([{ error: { code: -32700 } }, { error: { code: -32600 } }])
  await bridge.initialize()
  expect(await bridge.ask('no/such/method')).toMatchObject({ error: { code: -32601 } })
  await bridge.leave()
})

test('requests that were written before the input ended are answered', async () => {
  world.is.open = true
  const bridge = startBridge(person(), world.mcp)
  await bridge.initialize()
  bridge.tell({ id: 'last', method: 'tools/list' })
  expect(await bridge.leave()).toBe(0)
  expect(bridge.sent.at(-1)).toMatchObject({ id: 'last', result: {} })
})
