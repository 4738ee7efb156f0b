import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { gatehouse } from '../support/command.ts'
import { person, signIn, startBridge } from './support.ts'
import { startWorld, type World } from './world.ts'

let world: World
beforeEach(async () => {
  world = await startWorld()
})
afterEach(async () => await world.close())

test('one sign-in serves connect, headers, access-token and status', async () => {
  const env = person()
  const { exit, stderr } = await signIn(env, [world.mcp])
  expect(exit, stderr).toBe(0)
  expect(Object.fromEntries(world.asked())).toMatchObject({
    response_type: 'code',
    code_challenge_method: 'S256',
    resource: world.mcp,
    scope: 'read',
  })
  const token = (await gatehouse({ env }, `access-token ${world.mcp}`)).stdout.trim()
  expect(world.secrets).toContain(token)
  expect((await gatehouse({ env }, `headers ${world.mcp}`)).json()).toEqual({ Authorization: `Bearer ${token}` })
  expect((await gatehouse({ env }, `status ${world.mcp} --json`)).json()).toMatchObject({
    logins: [{ resource: world.mcp, issuer: world.issuer, state: 'signed in', refreshable: true }],
  })
  const bridge = startBridge(env, world.mcp)
  expect(await bridge.initialize()).toMatchObject({ result: { serverInfo: { name: 'world' } } })
  // What the bridge knows nothing about passes untouched.
  expect(await bridge.ask('tools/list')).toMatchObject({ result: { tools: [{ unknown_field: { kept: true } }] } })
  expect(await bridge.leave()).toBe(0)
})

test('without a login every command says which one to run, with exit code 77', async () => {
  const env = person()
  for (const command of ['headers', 'access-token', 'status']) {
    const { exit, stderr } = await gatehouse({ env }, `${command} ${world.mcp}`)
    expect([command, exit]).toEqual([command, 77])
    expect(stderr).toContain(`gatehouse login ${world.mcp}`)
  }
})

test('the same registration and port are used again, and another when that port is taken', async () => {
  const env = person()
  await signIn(env, [world.mcp])
  const first = world.asked().get('redirect_uri')
  await signIn(env, [world.mcp])
  expect(world.asked().get('redirect_uri')).toBe(first)
  expect(world.count.register).toBe(1)
  await signIn(env, [world.mcp], async (page) => {
    // Somebody else signs in while the port is in use.
    await signIn(env, [world.mcp])
    return await fetch(page)
  })
  expect(world.count.register).toBe(2)
})

test('logout forgets the login and asks the issuer to end both tokens', async () => {
  const env = person()
  await signIn(env, [world.mcp])
  expect((await gatehouse({ env }, `logout ${world.mcp}`)).exit).toBe(0)
  expect(world.count.revoke).toBe(2)
  expect((await gatehouse({ env }, `access-token ${world.mcp}`)).exit).toBe(77)
  const left = readdirSync(env.GATEHOUSE_CONFIG_DIR).map((name) =>
    readFileSync(join(env.GATEHOUSE_CONFIG_DIR, name), 'utf8'),
  )
  expect(left.join('')).not.toMatch(/[ar]t-/)
})

test('a device code needs no browser here', async () => {
  world.is.device = true
  const env = person()
  const { exit, stderr } = await signIn(env, [world.mcp, '--device'])
  expect(exit, stderr).toBe(0)
  expect(stderr).toContain('WDJB-MJHT')
  expect(stderr).not.toContain('device-code-secret')
  expect(world.count.authorize).toBe(0)
  expect((await gatehouse({ env }, `access-token ${world.mcp}`)).exit).toBe(0)
})

test('where the issuer knows no device codes, --device takes the pasted address of the last page', async () => {
  const env = person()
  const { exit, stderr } = await signIn(env, [world.mcp, '--device'], async (page, input) => {
    const back = await fetch(page, { redirect: 'manual' })
    input.write('http://127.0.0.1:1/callback?code=x&state=y\n')
    input.write(`${back.headers.get('location')}\n`)
  })
  expect(exit, stderr).toBe(0)
  expect(stderr).toMatch(/knows no sign-in with a device code/)
  expect(stderr).toMatch(/That is not it/)
})

test('a person who does not come is not waited for longer than asked', async () => {
  const { exit, stderr } = await signIn(person(), [world.mcp, '--timeout', '0.2'], async () => undefined)
  expect(exit).toBe(1)
  expect(stderr).toMatch(/nobody signed in within/)
})

test('a client that is given is used as it is, its secret never in the arguments', async () => {
  const env = person({ GATEHOUSE_CLIENT_SECRET: 'the-client-secret' })
  const { exit } = await signIn(env, [world.mcp, '--client-id', 'mine'])
  expect(exit).toBe(0)
  expect(world.count.register).toBe(0)
  expect(world.asked().get('client_id')).toBe('mine')
})

test('tokens, codes and secrets stand in no output, in no address the bridge asks for, and in no file that others can read', async () => {
  const env = person({ GATEHOUSE_CLIENT_SECRET: 'the-client-secret' })
  const login = await signIn(env, [world.mcp, '--client-id', 'mine', '--json'])
  const bridge = startBridge(env, world.mcp)
  await bridge.initialize()
  await bridge.ask('tools/list')
  world.expire()
  await bridge.ask('tools/list')
  await bridge.leave()
  const status = await gatehouse({ env }, `status --json`)
  const said = [
    login.stdout,
    login.stderr,
    bridge.stderr(),
    JSON.stringify(bridge.sent),
    status.stdout,
    status.stderr,
  ].join('\n')
  expect(world.secrets.length).toBeGreaterThan(4)
  for (const secret of [...world.secrets, 'the-client-secret']) expect(said).not.toContain(secret)
  for (const { at } of world.authorized) expect(at).toMatch(/ \/(mcp|as\/token)$/)
  const folder = env.GATEHOUSE_CONFIG_DIR
  expect(statSync(folder).mode & 0o777).toBe(0o700)
  for (const name of readdirSync(folder))
    expect([name, statSync(join(folder, name)).mode & 0o777]).toEqual([name, 0o600])
})
