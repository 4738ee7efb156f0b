import { expect, test } from 'vitest'
import { raw, rpc, startApp, statusOf } from './support.ts'

const PING = { jsonrpc: '2.0', id: 1, method: 'ping' }
const asHost = (host: string, path = '/mcp', ...headers: string[]): string =>
  [`GET ${path} HTTP/1.1`, `Host: ${host}`, 'Connection: close', ...headers, '', ''].join('\r\n')

test('B12: another Host is 403, our own and loopback are served, and so are the names of ALLOWED_HOSTS', async () => {
  const { port } = await startApp({ config: { allowedHosts: ['healthcheck.railway.app'] } })
  for (const host of [
    'evil.example.com',
    'evil.example.com:80',
    '127.0.0.1.evil.com',
    'localhost.evil.com',
    'a@127.0.0.1',
    '127.0.0.1/x',
    '127.0.0.1?x',
    '127.0.0.1#x',
    '%6c',
    '169.254.169.254',
  ]) {
    expect(statusOf(await raw(port, asHost(host))), host).toBe(403)
  }
  for (const host of [
    `127.0.0.1:${port}`,
    'localhost',
    'LOCALHOST:3000',
    '[::1]:3000',
    '127.0.0.2',
    'healthcheck.railway.app',
  ]) {
    expect(statusOf(await raw(port, asHost(host))), host).toBe(401)
  }
  expect(statusOf(await raw(port, asHost('10.2.3.4', '/livez')))).toBe(200)
})

test('a request target with a host of its own is 400, whatever it names: no other look at the request would see that host', async () => {
  const { port } = await startApp()
  for (const target of [
    `http://127.0.0.1:${port}/mcp`,
    'http://evil.com/mcp',
    'http://x/t/globex_test/mcp',
    '*',
    'mcp',
  ])
    expect(statusOf(await raw(port, asHost('127.0.0.1', target, 'Authorization: Bearer alice'))), target).toBe(400)
})

test('a path that cannot be decoded passes the same door as any other', async () => {
  const { port } = await startApp()
  const answer = await raw(port, asHost('127.0.0.1', '/%zz', 'Origin: http://localhost:6274'))
  expect(statusOf(answer)).toBe(400)
  expect(answer).toContain('x-content-type-options: nosniff')
  expect(answer).toContain('access-control-allow-origin: http://localhost:6274')
  expect(statusOf(await raw(port, asHost('evil.com', '/%zz')))).toBe(403)
})

test('in production loopback is no name of ours', async () => {
  const { port } = await startApp({ config: { production: true, publicUrl: 'https://mcp.acme.com', corsOrigins: '*' } })
  expect(statusOf(await raw(port, asHost('127.0.0.1')))).toBe(403)
  expect(statusOf(await raw(port, asHost('MCP.acme.com')))).toBe(401)
})

test('B12: a page of another origin is 403 on a loopback server; without Origin there is no page', async () => {
  const { url, port } = await startApp()
  for (const origin of [
    'http://evil.example.com',
    'null',
    'https://localhost.evil.com',
    'file://',
    'http://127.0.0.1@evil.com',
  ]) {
    const answer = await rpc(`${url}/mcp`, PING, { origin })
    expect([answer.status, answer.headers.get('access-control-allow-origin')], origin).toEqual([403, null])
    expect(statusOf(await raw(port, asHost('localhost', '/mcp', `Origin: ${origin}`))), origin).toBe(403)
  }
  const local = await rpc(`${url}/mcp`, PING, { origin: 'http://localhost:6274' })
  expect([local.status, local.headers.get('access-control-allow-origin'), local.headers.get('vary')]).toEqual([
    200,
    'http://localhost:6274',
    'Origin',
  ])
})

test('B13: any origin may call a public server, errors included, and never with credentials', async () => {
  const { url } = await startApp({ config: { corsOrigins: '*' } })
  const answers = [
    await rpc(`${url}/mcp`, PING, { origin: 'https://app.example.com' }),
    await rpc(`${url}/mcp`, PING, { origin: 'https://app.example.com', authorization: '' }),
    await fetch(`${url}/nowhere`, { headers: { origin: 'https://app.example.com' } }),
    await rpc(
      `${url}/mcp`,
      { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'count', _meta: { progressToken: 1 } } },
      { origin: 'https://app.example.com' },
    ),
  ]
  expect(answers.map(({ status }) => status)).toEqual([200, 401, 404, 200])
  for (const { headers } of answers) {
    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(headers.get('access-control-allow-credentials')).toBeNull()
    expect(headers.get('access-control-expose-headers')).toBe(
      'WWW-Authenticate, MCP-Protocol-Version, x-request-id, Retry-After, RateLimit, RateLimit-Policy, ETag, Location, Idempotency-Replayed',
    )
  }
})

test('a list of origins is exact', async () => {
  const { url } = await startApp({ config: { corsOrigins: ['https://app.example.com'] } })
  expect(
    (await rpc(`${url}/mcp`, PING, { origin: 'https://app.example.com' })).headers.get('access-control-allow-origin'),
  ).toBe('https://app.example.com')
  expect((await rpc(`${url}/mcp`, PING, { origin: 'https://app.example.com:444' })).status).toBe(403)
})

test('every answer carries the security headers, HSTS in production only', async () => {
  const development = await startApp()
  const production = await startApp({
    config: { production: true, publicUrl: 'https://mcp.acme.com', allowedHosts: ['127.0.0.1'], corsOrigins: '*' },
  })
  for (const path of ['/', '/nowhere', '/mcp']) {
    const { headers } = await fetch(development.url + path)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(headers.get('x-frame-options')).toBe('DENY')
    expect(headers.get('strict-transport-security')).toBeNull()
    expect((await fetch(production.url + path)).headers.get('strict-transport-security')).toMatch(/^max-age=\d{8}/)
  }
})

test('D4: CLIENT_IP_HEADER and X-Forwarded-For count from trusted peers only, and the nearest hop that is not trusted is the client', async () => {
  const ipOf = async (config: object, headers: Record<string, string>): Promise<unknown> => {
    const { url, audited } = await startApp({ config })
    await rpc(`${url}/mcp`, PING, { authorization: 'Bearer token_expired', ...headers })
    while (audited.length === 0) await new Promise((next) => setTimeout(next, 5))
    return audited[0]?.ip
  }
  const forwarded = { 'x-forwarded-for': '6.6.6.6, 203.0.113.7, 10.0.0.9', 'fly-client-ip': '198.51.100.4' }
  expect(await ipOf({}, forwarded)).toBe('127.0.0.1')
  expect(await ipOf({ clientIpHeader: 'fly-client-ip', trustProxy: ['192.0.2.0/24'] }, forwarded)).toBe('127.0.0.1')
  expect(await ipOf({ clientIpHeader: 'Fly-Client-IP', trustProxy: ['127.0.0.0/8'] }, forwarded)).toBe('198.51.100.4')
  expect(await ipOf({ trustProxy: ['127.0.0.1'] }, forwarded)).toBe('10.0.0.9')
  expect(await ipOf({ trustProxy: ['127.0.0.1', '10.0.0.0/8'] }, forwarded)).toBe('203.0.113.7')
  expect(await ipOf({ trustProxy: ['127.0.0.1'] }, { 'x-forwarded-for': '[2001:db8::1]:443' })).toBe('2001:db8::1')
  expect(await ipOf({ trustProxy: ['127.0.0.1'] }, { 'x-forwarded-for': '1.2.3.4, unknown' })).toBe('127.0.0.1')
})

test('D4: metrics and the details of readiness are for the holder of METRICS_TOKEN or a direct loopback peer', async () => {
  const open = await startApp()
  const metrics = await fetch(`${open.url}/metrics`)
  expect(metrics.headers.get('content-type')).toContain('text/plain')
  expect(await metrics.text()).toContain('gatehouse_http_request_duration_seconds')
  expect(await (await fetch(`${open.url}/readyz`)).json()).toEqual({
    status: 'ready',
    database: 'ready',
    providers: { test: 'ready' },
    client: { address: '127.0.0.1', peer: '127.0.0.1' },
  })
  for (const headers of [
    { 'x-forwarded-for': '1.2.3.4' },
    { via: '1.1 proxy' },
    { forwarded: 'for=1.2.3.4' },
    { 'x-real-ip': '1.2.3.4' },
  ] as Record<string, string>[]) {
    expect((await fetch(`${open.url}/metrics`, { headers })).status).toBe(404)
    expect(await (await fetch(`${open.url}/readyz`, { headers })).json()).toEqual({ status: 'ready' })
  }
  const held = await startApp({ config: { metricsToken: 'a-long-metrics-token' } })
  const asked = async (authorization: string): Promise<number> =>
    (await fetch(`${held.url}/metrics`, { headers: { authorization, 'x-forwarded-for': '1.2.3.4' } })).status
  expect(await asked('Bearer a-long-metrics-token')).toBe(200)
  expect(await asked('Bearer another-metrics-token')).toBe(404)
})

test('D4: each replica is scraped at whatever address it has, with METRICS_TOKEN and not otherwise', async () => {
  const held = await startApp({ config: { metricsToken: 'a-long-metrics-token' } })
  const scraped = async (path: string, ...headers: string[]): Promise<number> =>
    statusOf(await raw(held.port, asHost('10.2.3.4:3000', path, ...headers)))
  expect(await scraped('/metrics', 'Authorization: Bearer a-long-metrics-token')).toBe(200)
  expect(await scraped('/metrics', 'Authorization: Bearer another-metrics-token')).toBe(404)
  expect(await scraped('/metrics')).toBe(403)
  expect(await scraped('/mcp', 'Authorization: Bearer a-long-metrics-token')).toBe(403)
  const open = await startApp()
  expect(statusOf(await raw(open.port, asHost('10.2.3.4', '/metrics', 'Authorization: Bearer x')))).toBe(403)
})

test('readiness follows database, migrations and issuers, whose outage keeps nobody out for longer than 10 s', async () => {
  let now = 1_000_000
  let reachable = true
  let migrated = true
  let state = { ready: false, keys: null, first_attempt: null as number | null, last_success: null, last_error: null }
  const { url } = await startApp({
    clock: { now: () => now },
    database: {
      ping: async () => {
        if (!reachable) throw new Error('down')
      },
      migrated: async () => migrated,
    },
    providers: [
      { id: 'test', authorization_server: null, challenge_scopes: [], grants_scopes: false, state: () => state },
    ],
  })
  const look = async (): Promise<[number, unknown]> => {
    now += 1000
    const answer = await fetch(`${url}/healthz`)
    return [answer.status, await answer.json()]
  }
  expect(await look()).toMatchObject([503, { status: 'not ready', providers: { test: 'waiting' } }])
  state = { ...state, first_attempt: now }
  expect(await look()).toMatchObject([503, { providers: { test: 'waiting' } }])
  now += 10_000
  expect(await look()).toMatchObject([200, { status: 'ready', providers: { test: 'degraded' } }])
  migrated = false
  expect(await look()).toMatchObject([503, { database: 'behind' }])
  reachable = false
  expect(await look()).toMatchObject([503, { database: 'unreachable' }])
  expect((await fetch(`${url}/livez`)).status).toBe(200)
})
