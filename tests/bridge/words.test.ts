import { describe, expect, test } from 'vitest'
import { bearerChallenge } from '#bridge/challenge.ts'
import { createOutgoing } from '#bridge/outgoing.ts'
import { createParamHeaders } from '#bridge/param-headers.ts'
import { readSettings } from '#bridge/settings.ts'
import { eventsOf } from '#bridge/sse.ts'
import { covers, targetOf } from '#bridge/target.ts'
import { hasScreen } from '#bridge/browser.ts'

describe('a challenge', () => {
  test.each([
    ['Bearer', { error: null, scopes: [], resourceMetadata: null }],
    ['bearer error="invalid_token", scope="a  b a"', { error: 'invalid_token', scopes: ['a', 'b'] }],
    ['Bearer realm="a, b", resource_metadata = "https://x/y?z=1,2"', { resourceMetadata: 'https://x/y?z=1,2' }],
    ['Bearer error_description="say \\"no\\", scope=\\"evil\\"", scope=c', { scopes: ['c'] }],
    ['Basic realm="x", Bearer scope="d", Digest scope="e"', { scopes: ['d'] }],
    ['Bearer scope="first", scope="second"', { scopes: ['first'] }],
  ])('%s', (header, found) => {
    expect(bearerChallenge(header)).toMatchObject(found)
  })

  test.each([undefined, '', 'Basic realm="Bearer"', 'DPoP algs="ES256"'])('none in %s', (header) => {
    expect(bearerChallenge(header)).toBeNull()
  })
})

describe('a stream of events', () => {
  const events = async (...pieces: readonly (string | Buffer)[]) => {
    const found: unknown[] = []
    for await (const event of eventsOf(
      (async function* () {
        yield* pieces
      })(),
    ))
      found.push(event)
    return found
  }

  test('comes in any pieces, with any line ends', async () => {
    const expected = [{ data: 'a\nb', id: '1', retry: 5 }]
    for (const end of ['\n', '\r\n', '\r']) {
      const whole = ['id: 1', 'retry: 5', 'event: message', ':comment', 'data: a', 'data:b', '', ''].join(end)
      expect(await events(whole)).toEqual(end === '\r' ? [] : expected)
      expect(await events(...whole.split(''), end === '\r' ? ':' : '')).toEqual(expected)
    }
  })

  test('may break a letter in two', async () => {
    const bytes = Buffer.from('data: ä€😀\n\n')
    expect(await events(...[...bytes].map((byte) => Buffer.from([byte])))).toEqual([
      { data: 'ä€😀', id: null, retry: null },
    ])
  })

  test('keeps the last id, and tells of events without data for the sake of theirs', async () => {
    expect(await events('id: 7\ndata:\n\ndata: x\n\n')).toEqual([
      { data: '', id: '7', retry: null },
      { data: 'x', id: '7', retry: null },
    ])
  })

  test('an event that was cut off is none', async () => {
    expect(await events('data: half')).toEqual([])
  })
})

describe('D39: a resource covers', () => {
  test.each([
    ['https://x.test/mcp', 'https://x.test/mcp', true],
    ['https://x.test/mcp/', 'https://x.test/mcp', true],
    ['https://x.test/mcp', 'https://x.test/mcp/', true],
    ['https://X.test:443/mcp', 'https://x.test/mcp', true],
    ['https://x.test', 'https://x.test/mcp', true],
    ['https://x.test/mcp', 'https://x.test/mcpx', false],
    ['https://x.test/mcp', 'https://x.test/', false],
    ['https://x.test/mcp', 'http://x.test/mcp', false],
    ['https://x.test/mcp', 'https://x.test:8443/mcp', false],
    ['https://x.test/mcp', 'https://y.test/mcp', false],
    ['https://x.test/mcp?a=1', 'https://x.test/mcp', false],
    ['https://x.test/mcp?a=1', 'https://x.test/mcp?a=1', true],
    ['https://user@x.test/mcp', 'https://x.test/mcp', false],
    ['x.test/mcp', 'https://x.test/mcp', false],
  ])('%s %s: %s', (resource, url, answer) => {
    expect(covers(resource, new URL(url))).toBe(answer)
  })
})

test('an address loses its fragment, and what is not https and not this machine is refused', () => {
  expect(targetOf('https://x.test/mcp#part').href).toBe('https://x.test/mcp')
  expect(targetOf('http://[::1]:3000/mcp').href).toBe('http://[::1]:3000/mcp')
  for (const wrong of [
    'x.test/mcp',
    'http://x.test/mcp',
    'http://127.0.0.1.evil.test/',
    'https://a@x.test/',
    'file:///x',
  ])
    expect(() => targetOf(wrong)).toThrow(/URL|https/)
})

test('D39: whatever asks for it, nothing is sent in the clear to another machine', async () => {
  const outgoing = createOutgoing()
  for (const address of ['http://mcp.example.com/mcp', 'http://10.0.0.1/', 'https://a:b@mcp.example.com/'])
    await expect(outgoing.send(new URL(address), { method: 'POST', headers: {} })).rejects.toMatchObject({
      code: 'refused',
    })
  outgoing.close()
})

test('headers are made from the schemas that passed by; a tool with a broken mark is not shown', () => {
  const headers = createParamHeaders()
  const tool = (name: string, properties: unknown) => ({ name, inputSchema: { type: 'object', properties } })
  const region = { type: 'string', 'x-mcp-header': 'Region' }
  const answer = headers.learn({
    jsonrpc: '2.0',
    id: 1,
    result: {
      tools: [
        tool('good', { region, deep: { type: 'object', properties: { n: { type: 'integer', 'x-mcp-header': 'N' } } } }),
        tool('listed', { all: { type: 'array', items: { properties: { region } } } }),
        tool('twice', { a: region, b: { ...region, 'x-mcp-header': 'REGION' } }),
        tool('spaced', { a: { ...region, 'x-mcp-header': 'a b' } }),
        tool('number', { a: { type: 'number', 'x-mcp-header': 'A' } }),
      ],
    },
  })
  expect(answer).toMatchObject({ result: { tools: [{ name: 'good' }] } })
  expect((answer['result'] as { tools: unknown[] }).tools).toHaveLength(1)
  const call = (args: unknown) => headers.of({ method: 'tools/call', params: { name: 'good', arguments: args } })
  expect(call({ region: 'eu-west', deep: { n: 42 } })).toEqual({
    'mcp-method': 'tools/call',
    'mcp-name': 'good',
    'mcp-param-Region': 'eu-west',
    'mcp-param-N': '42',
  })
  expect(call({ region: 'Köln\r\nX: y', deep: { n: null } })).toMatchObject({
    'mcp-param-Region': `=?base64?${Buffer.from('Köln\r\nX: y').toString('base64')}?=`,
  })
  expect(call({})).not.toHaveProperty('mcp-param-N')
})

test('the folder of logins is where the system keeps such things', () => {
  expect(readSettings({ HOME: '/home/a' }, 'linux').folder).toBe('/home/a/.config/gatehouse')
  expect(readSettings({ HOME: '/home/a', XDG_CONFIG_HOME: '/c' }, 'linux').folder).toBe('/c/gatehouse')
  expect(readSettings({ HOME: '/Users/a' }, 'darwin').folder).toBe('/Users/a/Library/Application Support/gatehouse')
  expect(readSettings({ GATEHOUSE_CONFIG_DIR: '/x' }, 'darwin').folder).toBe('/x')
  expect(() => readSettings({ GATEHOUSE_TOKEN_STORE: 'cloud' })).toThrow(/keyring or file/)
})

test('a browser is opened only where somebody sees it', () => {
  expect(hasScreen({ DISPLAY: ':0' }, 'linux')).toBe(true)
  expect(hasScreen({}, 'linux')).toBe(false)
  expect(hasScreen({ DISPLAY: ':10', SSH_CONNECTION: 'x' }, 'linux')).toBe(false)
  expect(hasScreen({}, 'darwin')).toBe(true)
})
