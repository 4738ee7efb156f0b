import { describe, expect, test } from 'vitest'
import { Refusal } from '#base/refusal.ts'
import { TOOLS, principal, rpc, startApp, until } from '../http/support.ts'
import { CLIENTS } from './clients.ts'

describe.each(CLIENTS)('%s', (_name, connect, protocol) => {
  test('connects, lists and calls', async () => {
    const { url, calls } = await startApp()
    const client = await connect(`${url}/mcp`)
    expect([client.protocol, client.server?.name]).toEqual([protocol, 'gatehouse'])
    expect((await client.tools()).map(({ name }) => name)).toEqual(TOOLS.map(({ name }) => name))
    const answer = await client.call('echo', { text: 'hello \u{1F44B}' })
    expect(answer).toMatchObject({
      content: [{ type: 'text', text: 'hello \u{1F44B}' }],
      structuredContent: { text: 'hello \u{1F44B}' },
    })
    expect(calls[0]).toMatchObject({ name: 'echo', args: { text: 'hello \u{1F44B}' }, request: { ip: '127.0.0.1' } })
    await client.close()
  })

  test('sees progress while the tool runs', async () => {
    const { url } = await startApp()
    const client = await connect(`${url}/t/acme_test/mcp`)
    const seen: unknown[] = []
    const answer = await client.call(
      'count',
      {},
      { onprogress: ({ progress, total, message }) => void seen.push([progress, total, message]) },
    )
    expect(answer.content).toEqual([{ type: 'text', text: 'counted' }])
    expect(seen).toEqual([
      [1, 3, 'step 1'],
      [2, 3, 'step 2'],
      [3, 3, 'step 3'],
    ])
    await client.close()
  })

  test('gets -32602 that names the field, and the same code for a tool that is not there', async () => {
    const { url } = await startApp()
    const client = await connect(`${url}/mcp`)
    await expect(client.call('echo', { text: 1 })).rejects.toMatchObject({
      code: -32602,
      message: expect.stringContaining('text'),
    })
    for (const name of ['nowhere', 'constructor', '__proto__']) {
      await expect(client.call(name, {}), name).rejects.toMatchObject({
        code: -32602,
        message: expect.stringContaining('Unknown tool'),
      })
    }
    await client.close()
  })

  test('is told of a bug without its words', async () => {
    const { url, lines } = await startApp()
    const client = await connect(`${url}/mcp`)
    await expect(client.call('fail', {})).rejects.toMatchObject({
      code: -32603,
      message: expect.stringMatching(/internal error, request [0-9a-f-]{36}/),
    })
    expect(lines().some(({ level, msg }) => level === 'error' && msg === 'internal error')).toBe(true)
    await client.close()
  })

  test('is refused over HTTP for a scope, a tenant or a token that is not good', async () => {
    const { url } = await startApp()
    const client = await connect(`${url}/mcp`)
    await expect(client.call('admin', {})).rejects.toThrow(/403|scope/i)
    await client.close()
    await expect(connect(`${url}/mcp`, 'token_expired')).rejects.toThrow(/invalid_token|401|authoriz/i)
    await expect(connect(`${url}/t/globex_test/mcp`)).rejects.toThrow(/access_denied|403/i)
  })

  test('that goes away ends its tool', async () => {
    const { url, calls } = await startApp()
    const client = await connect(`${url}/mcp`)
    const stop = new AbortController()
    const call = client.call('wait', {}, { signal: stop.signal })
    await until(() => calls.length === 1)
    stop.abort()
    await expect(call).rejects.toThrow(/abort/i)
    await client.close()
    await until(() => calls[0]?.request.signal.aborted === true)
  })
})

test('every 2025 revision is served, without a session', async () => {
  const { url } = await startApp()
  for (const protocolVersion of ['2025-11-25', '2025-06-18', '2025-03-26']) {
    const initialize = {
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion, capabilities: {}, clientInfo: { name: 'x', version: '1' } },
    }
    const answer = await rpc(`${url}/mcp`, initialize)
    expect(answer.headers.get('mcp-session-id')).toBeNull()
    expect(await answer.text()).toContain(`"protocolVersion":"${protocolVersion}"`)
    expect(
      (
        await rpc(
          `${url}/mcp`,
          { jsonrpc: '2.0', method: 'notifications/initialized' },
          { 'mcp-protocol-version': protocolVersion },
        )
      ).status,
    ).toBe(202)
    expect(
      (
        await rpc(
          `${url}/mcp`,
          { jsonrpc: '2.0', id: 2, method: 'tools/list' },
          { 'mcp-protocol-version': protocolVersion },
        )
      ).status,
    ).toBe(200)
  }
})

test('a stateless server has no stream of its own and no session to end', async () => {
  const { url } = await startApp()
  for (const method of ['GET', 'DELETE']) {
    const answer = await fetch(`${url}/mcp`, {
      method,
      headers: { authorization: 'Bearer alice', accept: 'text/event-stream' },
    })
    expect([answer.status, answer.headers.get('allow')], method).toEqual([405, 'POST'])
    expect((await fetch(`${url}/mcp`, { method })).status).toBe(401)
  }
})

test('an unknown method is -32601', async () => {
  const { url } = await startApp()
  expect(await (await rpc(`${url}/mcp`, { jsonrpc: '2.0', id: 1, method: 'prompts/list' })).text()).toContain('-32601')
})

test('D34: a cursor of tools/list holds a name and nothing else, and another one is refused', async () => {
  const many = Array.from({ length: 250 }, (_, index) => ({
    name: `tool_${String(index).padStart(3, '0')}`,
    inputSchema: { type: 'object' as const },
  }))
  const { url } = await startApp({
    catalogue: { visible: () => many, requiredScopes: () => [], cost: () => 1, scopes: [] },
  })
  const page = async (cursor?: string) => {
    const text = await (
      await rpc(`${url}/mcp`, {
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/list',
        params: cursor === undefined ? {} : { cursor },
      })
    ).text()
    return JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? text) as {
      result: { tools: { name: string }[]; nextCursor?: string }
      error?: { code: number }
    }
  }
  const names: string[] = []
  const cursors: string[] = []
  let cursor: string | undefined
  do {
    const { result } = await page(cursor)
    names.push(...result.tools.map(({ name }) => name))
    cursor = result.nextCursor
    cursors.push(Buffer.from(cursor ?? '', 'base64url').toString())
  } while (cursor !== undefined)
  expect(cursors).toEqual(['tool_099', 'tool_199', ''])
  expect(names).toEqual(many.map(({ name }) => name))
  for (const bad of [
    '%%%',
    Buffer.from('{"a":1}').toString('base64url'),
    Buffer.from("x' or 1").toString('base64url'),
  ]) {
    expect((await page(bad)).error?.code, bad).toBe(-32602)
  }
})

test('D34: a requestState from nowhere changes nothing', async () => {
  const { url, calls } = await startApp()
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'x', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  const params = {
    _meta: meta,
    name: 'echo',
    arguments: { text: 'a' },
    requestState: 'forged',
    inputResponses: { x: { action: 'accept' } },
  }
  const answer = await rpc(
    `${url}/mcp`,
    { jsonrpc: '2.0', id: 1, method: 'tools/call', params },
    { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'echo' },
  )
  expect(await answer.json()).toMatchObject({ result: { content: [{ text: 'a' }] } })
  expect(calls[0]?.args).toEqual({ text: 'a' })
})

test('D22: an open stream ends within two seconds of its reader losing access', async () => {
  let allowed = true
  const { url, calls } = await startApp({
    principal: async () => {
      if (!allowed) throw new Refusal('token_revoked')
      return principal
    },
  })
  const answer = await rpc(`${url}/mcp`, {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'wait', arguments: {} },
  })
  expect(answer.headers.get('content-type')).toContain('text/event-stream')
  await until(() => calls.length === 1)
  allowed = false
  const cut = performance.now()
  await expect(answer.text()).rejects.toThrow('terminated')
  expect(performance.now() - cut).toBeLessThan(2000)
  await until(() => calls[0]?.request.signal.aborted === true)
})

test('a closing server lets calls in flight finish, refuses new ones with 503, and then ends', async () => {
  let finish = (): void => undefined
  const running = new Promise<void>((done) => (finish = done))
  let started = false
  const server = await startApp({
    caller: {
      call: async () => {
        started = true
        await running
        return { content: [{ type: 'text', text: 'finished' }] }
      },
    },
  })
  const call = rpc(`${server.url}/mcp`, {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'echo', arguments: {} },
  })
  await until(() => started)
  const closed = server.close()
  const late = await rpc(`${server.url}/mcp`, { jsonrpc: '2.0', id: 2, method: 'ping' })
  expect([late.status, late.headers.get('retry-after'), await late.json()]).toMatchObject([
    503,
    '1',
    { error: 'temporarily_unavailable' },
  ])
  expect((await fetch(`${server.url}/readyz`)).status).toBe(503)
  expect((await fetch(`${server.url}/livez`)).status).toBe(200)
  finish()
  expect(await (await call).text()).toContain('finished')
  await closed
})

test('an idle server ends at once, kept-alive connections included', async () => {
  const server = await startApp()
  await (await rpc(`${server.url}/mcp`, { jsonrpc: '2.0', id: 2, method: 'ping' })).text()
  const before = performance.now()
  await server.close()
  expect(performance.now() - before).toBeLessThan(1000)
})
