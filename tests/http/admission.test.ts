import net from 'node:net'
import { expect, test } from 'vitest'
import { createGauge, createThrottle, type Pressure, type Sample } from '#http/pressure.ts'
import { until } from '../support/until.ts'
import { identity, principal } from './stub-app.ts'
import { raw, rpc, startApp, statusOf, type TestServer } from './support.ts'

const LIMITS = { total: 8, perTenant: 4, perPrincipal: 3, streamsPerTenant: 2 }
const PING = { jsonrpc: '2.0', id: 1, method: 'ping' }
const WAIT = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'wait', arguments: {} } }
const LISTEN = {
  jsonrpc: '2.0',
  id: 1,
  method: 'subscriptions/listen',
  params: {
    notifications: { toolsListChanged: true },
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  },
}
const LISTENS = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'subscriptions/listen' }

/** The token `alice-ann-beta` is ann of the tenant beta. Each is somebody else. */
async function start(
  options: { readonly limits?: Partial<typeof LIMITS>; readonly pressure?: () => Pressure } = {},
): Promise<
  TestServer & { readonly as: (token: string, message?: unknown, signal?: AbortSignal) => Promise<Response> }
> {
  const { pressure } = options
  const server = await startApp({
    config: { concurrency: { ...LIMITS, ...options.limits } },
    authenticate: async (token) => ({ ...identity, sub: token, claims: { tenant: token.split('-')[2] ?? 'acme' } }),
    principal: async (who) => ({
      ...principal,
      identity: who,
      tenant: { ...principal.tenant, id: String(who.claims['tenant']) },
    }),
    ...(pressure === undefined
      ? {}
      : { pressure: { level: pressure, most: () => 1_000, busy: () => pressure() !== 'calm', watch: async () => {} } }),
  })
  const as = async (token: string, message: unknown = PING, signal?: AbortSignal): Promise<Response> =>
    await fetch(`${server.url}/mcp`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        authorization: `Bearer ${token}`,
      },
      body: JSON.stringify(message),
      ...(signal === undefined ? {} : { signal }),
    })
  return { ...server, as }
}

/** Calls that stay under way until `end`. */
function held(server: Awaited<ReturnType<typeof start>>, token: string, many: number): { readonly end: () => void } {
  const gone = new AbortController()
  for (let call = 0; call < many; call++) void server.as(token, WAIT, gone.signal).catch(() => null)
  return { end: () => gone.abort() }
}

test('a person or key with too many calls under way is answered 429 with Retry-After; others are served', async () => {
  const server = await start()
  const { end } = held(server, 'alice-ann', 3)
  await until(() => server.calls.length === 3)
  const refused = await server.as('alice-ann')
  expect(refused.status).toBe(429)
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(await refused.json()).toMatchObject({ error: 'rate_limited' })
  expect((await server.as('alice-bob')).status).toBe(200)
  await until(() => server.lines().some(({ code }) => code === 'too_many_calls'))
  // A flood is in the log; it must not become rows of the audit.
  expect(server.audited).toEqual([])
  end()
  await until(async () => (await server.as('alice-ann')).status === 200)
})

test('a tenant over its share waits, and holds up no other; who waits gets the place that comes free', async () => {
  const server = await start()
  const first = held(server, 'alice-ann-beta', 2)
  held(server, 'alice-bob-beta', 2)
  await until(() => server.calls.length === 4)
  const waiting = server.as('alice-cid-beta')
  expect((await server.as('alice-eve-other')).status).toBe(200)
  expect(await Promise.race([waiting, server.as('alice-eve-other').then(() => 'still waiting')])).toBe('still waiting')
  first.end()
  expect((await waiting).status).toBe(200)
})

test('who leaves while waiting leaves no trace', async () => {
  const server = await start()
  const first = held(server, 'alice-ann-beta', 2)
  const second = held(server, 'alice-bob-beta', 2)
  await until(() => server.calls.length === 4)
  const gone = held(server, 'alice-cid-beta', 2)
  const aborted = (): number => server.lines().filter((line) => line['aborted'] === true).length
  // On the same wire behind them: once this one is answered they are there.
  expect((await server.as('alice-eve-other')).status).toBe(200)
  gone.end()
  await until(() => aborted() === 2)
  expect(server.calls.length).toBe(4)
  first.end()
  second.end()
  await until(async () => (await server.as('alice-cid-beta')).status === 200)
  expect(server.lines().filter(({ msg }) => msg === 'internal error')).toEqual([])
})

test('who leaves while it is found out who they are keeps no place', async () => {
  const server = await startApp({
    config: { concurrency: { ...LIMITS, perPrincipal: 1, perTenant: 1 } },
    authenticate: async (token) => {
      if (token === 'alice-slow') await new Promise<void>((go) => judged.push(go))
      return identity
    },
  })
  const judged: (() => void)[] = []
  const gone = new AbortController()
  const init = { method: 'POST', headers: { authorization: 'Bearer alice-slow' }, body: '{}', signal: gone.signal }
  const left = fetch(`${server.url}/mcp`, init).catch(() => 'left')
  await until(() => judged.length === 1)
  gone.abort()
  expect(await left).toBe('left')
  await until(() => server.lines().some((line) => line['aborted'] === true))
  judged[0]?.()
  await new Promise((resolve) => setImmediate(resolve))
  expect((await rpc(`${server.url}/mcp`, PING)).status).toBe(200)
})

test('bodies in flight: each 64 KiB takes a place, so that large ones are not read before there is room for them', async () => {
  const server = await start({ limits: { total: 20, perTenant: 17 } })
  const half = (token: string, length: number): net.Socket => {
    const socket = net.connect(server.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write(
      `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nContent-Length: ${length}\r\nExpect: 100-continue\r\n\r\n`,
    )
    return socket
  }
  const asked = async (socket: net.Socket): Promise<string> =>
    await new Promise((resolve) => socket.once('data', (piece) => resolve(piece.toString('latin1'))))
  const large = half('alice-ann-beta', 1024 * 1024)
  // The server asks for the body when it has a place for it.
  expect(await asked(large)).toContain('100 Continue')
  const second = half('alice-bob-beta', 1024 * 1024)
  const answer = asked(second)
  expect((await server.as('alice-eve-other')).status).toBe(200)
  expect(await Promise.race([answer, server.as('alice-eve-other').then(() => 'not asked for')])).toBe('not asked for')
  large.destroy()
  expect(await answer).toContain('100 Continue')
  second.destroy()
})

test('who announces more than any body may have is refused at once, and makes nobody wait until all calls have ended', async () => {
  const server = await start()
  const { end } = held(server, 'alice-ann-beta', 1)
  await until(() => server.calls.length === 1)
  const head = `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nAuthorization: Bearer alice-mallory-gamma\r\n`
  const refused = raw(server.port, `${head}Content-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n`)
  expect(statusOf(await refused)).toBe(413)
  expect((await server.as('alice-eve-other')).status).toBe(200)
  end()
})

test('streams of one tenant are bounded, another tenant has its own, and a stream takes no place of the calls', async () => {
  // Nor is it one of its person's.
  const server = await start({ limits: { perTenant: 2, perPrincipal: 1 } })
  const stream = async (token: string): Promise<Response> =>
    await rpc(`${server.url}/mcp`, LISTEN, { ...LISTENS, authorization: `Bearer ${token}` })
  const open = [await stream('alice-ann-beta'), await stream('alice-bob-beta')]
  for (const each of open) expect([each.status, each.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
  const third = await stream('alice-cid-beta')
  expect(third.headers.get('content-type')).not.toContain('text/event-stream')
  expect(await third.text()).toContain('error')
  const other = await stream('alice-eve-other')
  expect(other.headers.get('content-type')).toBe('text/event-stream')
  for (let call = 0; call < 4; call++) expect((await server.as('alice-ann-beta')).status).toBe(200)
  await open[0]?.body?.cancel()
  let again: Response | undefined
  await until(async () => {
    again = await stream('alice-cid-beta')
    if (again.headers.get('content-type') === 'text/event-stream') return true
    await again.body?.cancel()
    return false
  })
  for (const each of [open[1], other, again]) await each?.body?.cancel()
})

test('load shedding: a tenant with calls under way is answered 503 with Retry-After, one with none is still served', async () => {
  const state = { level: 'calm' as Pressure }
  const server = await start({ pressure: () => state.level })
  const { end } = held(server, 'alice-ann-beta', 1)
  await until(() => server.calls.length === 1)
  state.level = 'overloaded'
  const refused = await server.as('alice-bob-beta')
  expect(refused.status).toBe(503)
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(refused.headers.get('www-authenticate')).toBeNull()
  expect(await refused.json()).toMatchObject({ error: 'temporarily_unavailable' })
  expect((await server.as('alice-eve-other')).status).toBe(200)
  state.level = 'calm'
  expect((await server.as('alice-bob-beta')).status).toBe(200)
  end()
})

test('load shedding: health and metrics are exempt while everybody else is answered 503, also without a token', async () => {
  const server = await start({ pressure: () => 'drowning' })
  for (const path of ['/livez', '/readyz', '/healthz', '/metrics'])
    expect([path, (await fetch(`${server.url}${path}`)).status]).toEqual([path, 200])
  expect((await server.as('alice-ann')).status).toBe(503)
  const answer = await raw(
    server.port,
    `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`,
  )
  expect(statusOf(answer)).toBe(503)
  expect(answer.toLowerCase()).toContain('retry-after:')
  expect((await fetch(`${server.url}/livez?a=b`)).status).toBe(200)
})

const sample = (over: Partial<Sample> = {}): Sample => ({ delay: 1, utilization: 0.2, heap: 1, ...over })

test('load shedding begins after two looks above the limit, ends after two below half of it, and never in the first seconds', () => {
  const gauge = createGauge({ maxDelay: 100, maxHeap: 0 })
  for (let look = 0; look < 20; look++) expect(gauge(sample({ delay: 5_000 }))).toBe('calm')
  expect(gauge(sample())).toBe('calm')
  expect(gauge(sample({ delay: 150 }))).toBe('busy')
  expect(gauge(sample())).toBe('calm')
  gauge(sample({ delay: 150 }))
  expect(gauge(sample({ delay: 150 }))).toBe('overloaded')
  expect(gauge(sample({ delay: 201 }))).toBe('drowning')
  // Between half and whole nothing changes: it does not flap.
  for (const delay of [60, 90, 60, 40, 60, 40]) expect(gauge(sample({ delay }))).toBe('overloaded')
  expect(gauge(sample({ delay: 40 }))).toBe('busy')
  expect(gauge(sample())).toBe('calm')
})

const glance = (over: Partial<Parameters<ReturnType<typeof createThrottle>>[0]> = {}) => ({
  utilization: 0.3,
  late: 0.2,
  wanted: 2,
  ...over,
})

test('while the loop is busy a tenant has half as many calls at a time after each look, down to a sixteenth of the time; they return', () => {
  const throttle = createThrottle()
  expect(throttle(glance())).toBe(16)
  const busy = glance({ utilization: 0.9 })
  expect(Array.from({ length: 9 }, () => throttle(busy))).toEqual([8, 4, 2, 1, 1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 16])
  // In between it stays as it is.
  expect(throttle(glance({ utilization: 0.65 }))).toBe(1 / 16)
  for (let look = 0; look < 60; look++) throttle(glance())
  expect(throttle(glance())).toBeGreaterThanOrEqual(16)
  expect(throttle(glance())).toBeLessThan(20)
  // A loop that is full closes it by more.
  expect(throttle(glance({ utilization: 1 }))).toBeLessThan(5)
})

test('steps that make others wait close it too, though the loop has time left, and a look without any timer counts as late', () => {
  for (const late of [3, Number.NaN]) {
    const throttle = createThrottle()
    for (let look = 0; look < 10; look++) throttle(glance({ late }))
    expect(throttle(glance({ late }))).toBeLessThan(4)
    // Where the loop has hardly anything to do, it is the machine that is busy with something else.
    for (let look = 0; look < 30; look++) throttle(glance({ late, utilization: 0.1 }))
    expect(throttle(glance({ late, utilization: 0.1 }))).toBeGreaterThan(10)
  }
})

test('a tenant gets more than the first 16 calls at a time only while it makes use of them and nobody is kept waiting', () => {
  const throttle = createThrottle()
  for (let look = 0; look < 10; look++) throttle(glance({ wanted: 60 }))
  expect(throttle(glance({ wanted: 60 }))).toBeGreaterThan(60)
  for (let look = 0; look < 60; look++) throttle(glance())
  expect(throttle(glance())).toBeLessThan(20)
})

test('while the process is busy a 429 is held back for a second, so that it costs one a second and connection; otherwise it is not', async () => {
  const state = { level: 'calm' as Pressure }
  const server = await start({ pressure: () => state.level })
  const { end } = held(server, 'alice-ann', 3)
  await until(() => server.calls.length === 3)
  const refused = async (): Promise<number> => {
    const from = performance.now()
    expect((await server.as('alice-ann')).status).toBe(429)
    return performance.now() - from
  }
  state.level = 'busy'
  const slow = refused()
  // Others are served meanwhile.
  expect((await server.as('alice-bob')).status).toBe(200)
  expect(await slow).toBeGreaterThan(990)
  const gone = new AbortController()
  const left = server.as('alice-ann', PING, gone.signal).catch(() => 'left')
  gone.abort()
  expect(await left).toBe('left')
  end()
})

test('a heap near its limit sheds load, and a limit of 0 is none', () => {
  const gauge = createGauge({ maxDelay: 0, maxHeap: 1000 })
  for (let look = 0; look < 21; look++) gauge(sample())
  gauge(sample({ heap: 1001 }))
  expect(gauge(sample({ heap: 1001, delay: 9_999 }))).toBe('overloaded')
  gauge(sample({ heap: 940 }))
  expect(gauge(sample({ heap: 940 }))).toBe('calm')
})
