import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { openBrowser } from '#bridge/browser.ts'
import { gatehouse } from '../support/command.ts'
import { person, signIn, startBridge } from './support.ts'
import { startWorld, type Switches, type World } from './world.ts'

let world: World
beforeEach(async () => {
  world = await startWorld()
})
afterEach(async () => await world.close())

describe('D39: a sign-in is refused before anybody is asked for anything, when', () => {
  const rows: readonly (readonly [string, (is: Switches) => void, RegExp])[] = [
    ['the issuer calls itself by another name', (is) => (is.metadataIssuer = 'https://evil.example'), /another name/],
    [
      'the issuer calls itself by its name and a slash',
      (is) => (is.metadataIssuer = `${world.issuer}/`),
      /another name/,
    ],
    ['the issuer does not say that it checks PKCE', (is) => (is.pkce = null), /PKCE/],
    ['the issuer checks PKCE in plain text only', (is) => (is.pkce = ['plain']), /PKCE/],
    ['the metadata is about another host', (is) => (is.resource = 'https://evil.example/mcp'), /another resource/],
    [
      'the metadata is about another path',
      (is) => (is.resource = `${new URL(world.mcp).origin}/mc`),
      /another resource/,
    ],
    [
      'the page to sign in is not https',
      (is) => (is.authorizationEndpoint = 'http://evil.example/a'),
      /not a https URL/,
    ],
    ['the page to sign in is a program', (is) => (is.authorizationEndpoint = 'file:///bin/sh'), /not a https URL/],
    ['the token endpoint is not https', (is) => (is.tokenEndpoint = 'http://evil.example/t'), /not a https URL/],
  ]
  test.each(rows)('%s', async (_name, change, said) => {
    change(world.is)
    const { exit, stderr } = await signIn(person(), [world.mcp])
    expect(exit).toBe(1)
    expect(stderr).toMatch(said)
    expect(world.count).toMatchObject({ register: 0, authorize: 0, code: 0 })
  })
})

describe('D39: the code is sent to nobody, when', () => {
  const rows: readonly (readonly [string, (is: Switches) => void])[] = [
    ['the answer comes from another issuer', (is) => (is.iss = 'https://evil.example')],
    ['the answer comes from the issuer and a slash', (is) => (is.iss = `${world.issuer}/`)],
    ['the answer names no issuer although it should', (is) => (is.iss = null)],
    [
      'the answer comes from another issuer and none was promised',
      (is) => Object.assign(is, { issAdvertised: false, iss: 'https://evil.example' }),
    ],
  ]
  test.each(rows)('%s', async (_name, change) => {
    change(world.is)
    const { exit, stderr } = await signIn(person(), [world.mcp])
    expect(exit).toBe(1)
    expect(stderr).toMatch(/iss/)
    expect(world.count).toMatchObject({ authorize: 1, code: 0 })
  })
})

test('an answer with a wrong state, twice a code, another path or another host name is turned away, and the right one still taken', async () => {
  const answers: number[] = []
  const { exit } = await signIn(person(), [world.mcp], async (page) => {
    const back = (await fetch(page, { redirect: 'manual' })).headers.get('location') ?? ''
    const state = new URL(back).searchParams.get('state') ?? ''
    for (const wrong of [back.replace(state, 'wrong'), `${back}&code=other`, back.replace('/callback', '/other')])
      answers.push((await fetch(wrong)).status)
    answers.push((await fetch(back.replace('127.0.0.1', 'localhost'))).status)
    const right = await fetch(back)
    answers.push(right.status)
    expect(right.headers.get('content-security-policy')).toContain("default-src 'none'")
  })
  expect(answers).toEqual([400, 400, 404, 404, 200])
  expect(exit).toBe(0)
})

test('D39: a token follows no redirect of the server', async () => {
  const env = person()
  await signIn(env, [world.mcp])
  const other = await startWorld()
  try {
    world.is.redirect = `${other.mcp}?secret=1`
    const bridge = startBridge(env, world.mcp)
    await bridge.initialize()
    const { error } = await bridge.ask('tools/list')
    expect(error).toMatchObject({ message: expect.stringContaining(`redirects to ${other.mcp};`) as unknown })
    await bridge.leave()
    expect(other.authorized).toEqual([])
    expect(other.heard).toEqual([])
  } finally {
    await other.close()
  }
})

test('D39: a refresh token follows no redirect of the issuer, and stays', async () => {
  const env = person()
  world.is.expiresIn = 0
  await signIn(env, [world.mcp])
  const other = await startWorld()
  try {
    world.is.tokenAnswer = { status: 307, body: '', location: `${other.issuer}/token` }
    expect((await gatehouse({ env }, `access-token ${world.mcp}`)).exit).toBe(1)
    expect(other.count.refresh).toBe(0)
    world.is.tokenAnswer = null
    expect((await gatehouse({ env }, `access-token ${world.mcp}`)).exit).toBe(0)
  } finally {
    await other.close()
  }
})

test('D39: nothing is sent to a server that is not https, unless it is this machine', async () => {
  for (const address of [
    'http://mcp.example.com/mcp',
    'https://a:b@mcp.example.com/mcp',
    'ftp://localhost/',
    'nothing',
  ])
    for (const command of ['login', 'connect', 'headers', 'access-token', 'logout'])
      expect([address, (await gatehouse({ env: person() }, [command, address])).exit]).toEqual([address, 2])
})

test('D39: a login is used for its own resource only', async () => {
  const env = person()
  await signIn(env, [world.mcp])
  const { origin } = new URL(world.mcp)
  for (const address of [`${origin}/mcpx`, `${origin}/other`, world.mcp.replace('127.0.0.1', 'localhost')])
    expect([address, (await gatehouse({ env }, `access-token ${address}`)).exit]).toEqual([address, 77])
  for (const address of [`${world.mcp}/`, `${world.mcp}/deeper`])
    expect([address, (await gatehouse({ env }, `access-token ${address}`)).exit]).toEqual([address, 0])
})

test('the page to sign in is one argument of a program, never a line for a shell, and only https or this machine', () => {
  const child = Object.assign(new EventEmitter(), { unref: () => undefined })
  const start = vi.fn(() => child)
  const nasty = new URL('https://issuer.example/authorize?a=$(touch /tmp/x)&b=`id`&c="|calc')
  for (const platform of ['linux', 'darwin', 'win32'] as const)
    expect(openBrowser(nasty, start as never, platform)).toBe(true)
  expect(start.mock.calls.map(([program, args, options]: unknown[]) => [program, args, options])).toEqual(
    [
      ['xdg-open', [nasty.href]],
      ['open', [nasty.href]],
      ['rundll32', ['url.dll,FileProtocolHandler', nasty.href]],
    ].map((call) => [...call, { stdio: 'ignore', detached: true, shell: false }]),
  )
  for (const wrong of [
    'http://issuer.example/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'https://a:b@issuer.example/',
  ])
    expect(openBrowser(new URL(wrong), start as never)).toBe(false)
  expect(start).toHaveBeenCalledTimes(3)
})
