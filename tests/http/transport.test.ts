import net from 'node:net'
import { expect, test } from 'vitest'
import { raw, rpc, startApp, statusOf, until } from './support.ts'

const PING = { jsonrpc: '2.0', id: 1, method: 'ping' }
const get = (path: string, headers: string[], port: number): string =>
  [`GET ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`, 'Connection: close', ...headers, '', ''].join('\r\n')
const header = (answer: string, name: string): string | undefined =>
  new RegExp(`^${name}: (.*)\\r$`, 'im').exec(answer)?.[1]

test('T1, T2, T7, T9: nothing presented is a challenge without an error code', async () => {
  const { port, url, audited } = await startApp()
  const challenge = `Bearer resource_metadata="${url}/.well-known/oauth-protected-resource/mcp", scope="openid email"`
  const nothing: [string, string[]][] = [
    ['/mcp', []],
    ['/mcp', ['Authorization: Basic YTpi']],
    ['/mcp', ['Authorization: Negotiate x']],
    ['/mcp?access_token=alice', []],
    ['/mcp', ['Cookie: access_token=alice']],
    ['/mcp', ['Mcp-Session-Id: alice']],
    ['/mcp', ['X-Forwarded-Access-Token: alice']],
    ['/mcp', ['Proxy-Authorization: Bearer alice']],
    ['/mcp', ['X-API-Key: alice']],
  ]
  for (const [path, headers] of nothing) {
    const answer = await raw(port, get(path, headers, port))
    expect(statusOf(answer), headers.join()).toBe(401)
    expect(header(answer, 'www-authenticate')).toBe(challenge)
  }
  expect(audited).toEqual([])
})

test('T3: the scheme is read in any case', async () => {
  const { url } = await startApp()
  for (const scheme of ['bearer', 'BEARER', 'Bearer']) {
    expect((await rpc(`${url}/mcp`, PING, { authorization: `${scheme} alice` })).status, scheme).toBe(200)
  }
})

test('T4, T5, T8, T13: a malformed Authorization, or a second one, is 400 invalid_request', async () => {
  const { port } = await startApp()
  const malformed: [string, string[]][] = [
    ['/mcp', ['Authorization: Bearer']],
    ['/mcp', ['Authorization: Bearer  alice']],
    ['/mcp', ['Authorization: Bearer a b']],
    ['/mcp', ['Authorization: Bearer a,b']],
    ['/mcp', ['Authorization: Bearer "a"']],
    ['/mcp', ['Authorization: Bearer al\xefce']],
    ['/mcp', ['Authorization: Bearer alice', 'Authorization: Bearer alice']],
    ['/mcp', ['Authorization: Bearer alice', 'authorization: Basic YTpi']],
    ['/mcp?access_token=alice', ['Authorization: Bearer alice']],
  ]
  for (const [path, headers] of malformed) {
    const answer = await raw(port, get(path, headers, port))
    expect(statusOf(answer), headers.join()).toBe(400)
    expect(header(answer, 'www-authenticate')).toContain('error="invalid_request"')
  }
})

test('T6: two Host headers are 400, and so is none', async () => {
  const { port } = await startApp()
  expect(statusOf(await raw(port, get('/livez', [`Host: 127.0.0.1:${port}`], port)))).toBe(400)
  expect(statusOf(await raw(port, 'GET / HTTP/1.0\r\n\r\n'))).toBe(400)
})

test('T10, T12, T15: what is no good HTTP ends at the parser, as JSON and without storing', async () => {
  const { port } = await startApp()
  const long = await raw(port, get('/mcp', [`Authorization: Bearer ${'a'.repeat(20_000)}`], port))
  expect(statusOf(long)).toBe(431)
  expect(header(long, 'cache-control')).toBe('no-store')
  expect(long).toContain('"error":"invalid_request"')
  expect(statusOf(await raw(port, get('/mcp', ['X-A: a\0b'], port)))).toBe(400)
  expect(statusOf(await raw(port, get('/mcp', ['X-A: a', ' folded'], port)))).toBe(400)
  const both = [
    'POST /mcp HTTP/1.1',
    `Host: 127.0.0.1:${port}`,
    'Content-Length: 5',
    'Transfer-Encoding: chunked',
    '',
    '0',
    '',
    'GET /x',
  ].join('\r\n')
  expect(statusOf(await raw(port, both))).toBe(400)
})

test('T14: an X-API-Key beside a bearer token is ignored', async () => {
  const { url } = await startApp()
  expect((await rpc(`${url}/mcp`, PING, { 'x-api-key': 'other' })).status).toBe(200)
})

test('T16: a preflight needs no token and shows no data', async () => {
  const { url } = await startApp()
  const answer = await fetch(`${url}/mcp`, {
    method: 'OPTIONS',
    headers: {
      origin: 'http://localhost:6274',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization, mcp-protocol-version',
    },
  })
  expect(answer.status).toBe(204)
  expect(await answer.text()).toBe('')
  expect(answer.headers.get('access-control-allow-origin')).toBe('http://localhost:6274')
  expect(answer.headers.get('access-control-allow-headers')).toBe('authorization, mcp-protocol-version')
  expect(answer.headers.get('access-control-allow-credentials')).toBeNull()
})

test('T8: a second token in a form body is 400 invalid_request', async () => {
  const { url } = await startApp()
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const answer = await rpc(`${url}/mcp`, 'a=b&access_token=alice', headers)
  expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([
    400,
    expect.stringContaining('error="invalid_request"'),
  ])
  expect((await rpc(`${url}/mcp`, 'a=b', headers)).status).toBe(415)
})

test('a client that asks for the connection to be closed after its answer sees it closed, streams included', async () => {
  const { port } = await startApp()
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'count' } })
  const request = [
    'POST /mcp HTTP/1.1',
    `Host: 127.0.0.1:${port}`,
    'Connection: close',
    'Authorization: Bearer alice',
    'Accept: application/json, text/event-stream',
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    '',
    body,
  ]
  // `raw` would give up waiting for the end and hide that it never comes.
  const answer = await new Promise<string>((resolve, reject) => {
    let text = ''
    const socket = net.connect(port, '127.0.0.1', () => socket.write(request.join('\r\n')))
    socket.setTimeout(4000, () => socket.destroy(new Error('still open')))
    socket.on('data', (piece) => (text += piece.toString()))
    socket.on('error', reject)
    socket.on('end', () => resolve(text))
  })
  expect(answer).toContain('text/event-stream')
  expect(header(answer, 'connection')).toBe('close')
})

test('B15: other spellings of /mcp are the same door or none', async () => {
  const { port } = await startApp()
  for (const path of [
    '//mcp',
    '/mcp//',
    '/MCP',
    '/mcp/..;/',
    '/mcp;x',
    '/mcp%2f',
    '/%6dcp',
    '/mcp/',
    '/./mcp',
    '/x/../mcp',
    '/t/acme_test/../mcp',
    '/t/ACME/mcp',
    '/t//mcp',
    '/mcp%00',
    '/%zz',
  ]) {
    expect([400, 401, 404], path).toContain(statusOf(await raw(port, get(path, [], port))))
  }
  expect(statusOf(await raw(port, get('/mcp/', [], port)))).toBe(401)
})

test('D33: the body of an unauthenticated request is never read', async () => {
  const { port, url } = await startApp()
  // The announced body never comes: only a server that does not wait for it can answer.
  const head = [
    'POST /mcp HTTP/1.1',
    `Host: 127.0.0.1:${port}`,
    'Content-Type: application/json',
    'Content-Length: 1000000',
    '',
    '',
  ]
  expect(statusOf(await raw(port, head.join('\r\n')))).toBe(401)
  const asking = await raw(port, [...head.slice(0, -2), 'Expect: 100-continue', '', ''].join('\r\n'))
  expect(statusOf(asking)).toBe(401)
  // Whoever is known is asked for it.
  const body = JSON.stringify(PING)
  const known = [
    'POST /mcp HTTP/1.1',
    `Host: 127.0.0.1:${port}`,
    'Authorization: Bearer alice',
    'Content-Type: application/json',
    'Accept: application/json, text/event-stream',
    `Content-Length: ${body.length}`,
    'Expect: 100-continue',
    '',
    '',
  ].join('\r\n')
  expect(await raw(port, known)).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\n$/)
  expect((await rpc(`${url}/mcp`, PING)).status).toBe(200)
})

test('D33: over-long, over-deep, over-full and batched bodies are refused', async () => {
  const { url } = await startApp()
  const call = (args: unknown): object => ({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'echo', arguments: args },
  })
  const long = await rpc(`${url}/mcp`, call({ text: 'x'.repeat(1_100_000) }))
  expect([long.status, ((await long.json()) as { error: string }).error]).toEqual([413, 'invalid_request'])
  const nest = (levels: number): unknown => (levels === 0 ? 'x' : [nest(levels - 1)])
  const deep = await rpc(`${url}/mcp`, call({ text: nest(62) }))
  expect([deep.status, await deep.json()]).toMatchObject([
    400,
    { error: { code: -32600, message: expect.stringContaining('64') } },
  ])
  expect((await rpc(`${url}/mcp`, call({ text: 'x', deep: nest(60) }))).status).toBe(200)
  const many = await rpc(`${url}/mcp`, call({ text: 'x', many: Array.from({ length: 20_000 }, () => 1) }))
  expect([many.status, await many.json()]).toMatchObject([
    400,
    { error: { code: -32600, message: expect.stringContaining('20000 values') } },
  ])
  const batch = await rpc(`${url}/mcp`, [PING, PING])
  expect([batch.status, await batch.json()]).toMatchObject([
    400,
    { error: { code: -32600, message: expect.stringContaining('batch') } },
  ])
  const broken = await rpc(`${url}/mcp`, '{"jsonrpc":')
  expect([broken.status, await broken.json()]).toMatchObject([400, { error: { code: -32700 } }])
  expect((await rpc(`${url}/mcp`, 'x=1', { 'content-type': 'application/x-www-form-urlencoded' })).status).toBe(415)
})

test('D33: an address is limited by its failed and anonymous requests only', async () => {
  const { url, lines, audited } = await startApp({
    config: { rateLimit: { on: true, perIp: 3, perTenant: 6000, perPrincipal: 1200 } },
  })
  for (let good = 0; good < 5; good++) expect((await rpc(`${url}/mcp`, PING)).status).toBe(200)
  const bad = async (): Promise<Response> => await rpc(`${url}/mcp`, PING, { authorization: 'Bearer token_expired' })
  for (let failed = 0; failed < 3; failed++) expect((await bad()).status).toBe(401)
  const limited = await bad()
  expect(limited.status).toBe(429)
  expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(limited.headers.get('ratelimit-policy')).toBe('"address";q=3;w=60')
  expect((await fetch(`${url}/`)).status).toBe(429)
  expect((await fetch(`${url}/livez`)).status).toBe(200)
  // Somebody else's failures shut nobody out who is known.
  expect((await rpc(`${url}/mcp`, PING)).status).toBe(200)
  await until(() => lines().some(({ code }) => code === 'rate_limited'))
  // Whoever knocks without end fills no disk: over the limit the log alone tells.
  await until(() => audited.length >= 3)
  expect(audited.map(({ refusal }) => refusal.code)).toEqual(['token_expired', 'token_expired', 'token_expired'])
})

test('whatever a body holds, the answer is no 500', async () => {
  const { url, lines } = await startApp()
  const bodies = [
    '',
    'null',
    '1',
    '"x"',
    '{}',
    '[]',
    '[[]]',
    '\ufeff{}',
    '{"jsonrpc":"2.0"}',
    '{"jsonrpc":"2.0","id":{},"method":"ping"}',
    '{"jsonrpc":"2.0","id":1,"method":1}',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call"}',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":5}}',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[]}',
    '{"jsonrpc":"2.0","id":1,"method":"ping","__proto__":{"polluted":true}}',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"__proto__":{"polluted":true},"text":"a"}}}',
    '{"jsonrpc":"2.0","id":1,"result":{}}',
  ]
  const types = [
    'application/json',
    'application/json; charset=utf-8',
    'application/json; charset=utf-16',
    'text/plain',
    'multipart/form-data; boundary=x',
    ',',
    '',
  ]
  for (const body of bodies) {
    for (const type of types) {
      for (const version of [undefined, '2026-07-28', '1999-01-01', '\u00ff']) {
        const answer = await rpc(`${url}/mcp`, body, {
          'content-type': type,
          ...(version === undefined ? {} : { 'mcp-protocol-version': version }),
        })
        await answer.text()
        expect(answer.status, `${type} ${version} ${body}`).toBeLessThan(500)
      }
    }
  }
  expect((await rpc(`${url}/mcp`, Buffer.from([0xff, 0xfe, 0x7b]).toString('latin1'))).status).toBe(400)
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  expect(lines().filter(({ level }) => level === 'error')).toEqual([])
})
