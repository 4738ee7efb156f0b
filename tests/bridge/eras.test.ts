import { afterEach, describe, expect, test } from 'vitest'
import { until } from '../support/until.ts'
import { startLegacyHost, startModernHost, type EraHost } from './hosts.ts'
import { startLegacyServer, startModernServer, type EraServer } from './servers.ts'
import { modern, person, startBridge } from './support.ts'

const hosts = { 'a host of 2026-07-28': startModernHost, 'a host of 2025-11-25': startLegacyHost }
const servers = { 'a server of 2026-07-28': startModernServer, 'a server of 2025-11-25': startLegacyServer }
const pairs = Object.entries(hosts).flatMap(([host, startHost]) =>
  Object.entries(servers).map(([server, startServer]) => ({ host, server, startHost, startServer })),
)

describe.each(pairs)('$host in front of $server', ({ startHost, startServer }) => {
  let server: EraServer
  let host: EraHost
  const start = async (): Promise<void> => {
    server = await startServer()
    host = await startHost(person(), server.url)
  }
  afterEach(async () => await server.close())

  test('calls a tool that asks the person something, and hears of its progress', async () => {
    await start()
    let progress = 0
    expect(await host.call('greet', { onprogress: () => (progress += 1) })).toMatchObject({
      content: [{ type: 'text', text: 'Hello, Alice' }],
    })
    expect(host.asked).toEqual(['Who are you?'])
    expect(progress).toBeGreaterThan(0)
    expect(await host.leave()).toBe(0)
  })

  test('a call that the host cancels ends at the server', async () => {
    await start()
    const stop = new AbortController()
    const ended = host.call('wait', { signal: stop.signal }).then(
      () => 'answered',
      () => 'cancelled',
    )
    // It must have arrived to be cancelled there.
    await host.call('greet')
    stop.abort()
    expect(await ended).toBe('cancelled')
    await until(() => server.cancelled.length === 1)
    expect(await host.leave()).toBe(0)
  })

  test('hears that the tools changed', async () => {
    await start()
    await until(() => {
      server.toolsChanged()
      return host.heard() > 0
    })
    expect(await host.leave()).toBe(0)
  })
})

describe('what only one era has stays in it', () => {
  /** What the tool `envelope` saw. */
  const seen = (answer: Record<string, unknown>): unknown =>
    JSON.parse((answer as { result: { content: [{ text: string }] } }).result.content[0].text)

  test('a host of 2025-11-25 in front of a server of 2026-07-28', async () => {
    const server = await startModernServer()
    const bridge = startBridge(person(), server.url)
    expect(await bridge.initialize()).toMatchObject({
      result: { protocolVersion: '2025-11-25', serverInfo: { name: 'modern' }, capabilities: { tools: {} } },
    })
    // Requests that the server no longer knows.
    expect(await bridge.ask('ping')).toMatchObject({ result: {} })
    expect(await bridge.ask('logging/setLevel', { level: 'debug' })).toMatchObject({ result: {} })
    const answer = await bridge.ask('tools/call', { name: 'envelope', arguments: {} })
    expect(seen(answer)).toMatchObject({
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'host' },
      'io.modelcontextprotocol/logLevel': 'debug',
    })
    const list = await bridge.ask('tools/list')
    for (const one of [answer, list]) expect(Object.keys(one['result'] as object)).not.toContain('resultType')
    expect(list['result']).not.toHaveProperty('ttlMs')
    // It said that it cannot be asked.
    expect(await bridge.ask('tools/call', { name: 'greet', arguments: {} })).toHaveProperty('error')
    await bridge.leave()
    await server.close()
  })

  test('a host of 2026-07-28 in front of a server of 2025-11-25', async () => {
    const server = await startLegacyServer()
    const bridge = startBridge(person(), server.url)
    expect(await bridge.ask('server/discover', modern())).toMatchObject({
      result: {
        resultType: 'complete',
        supportedVersions: ['2026-07-28'],
        _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'legacy' } },
      },
    })
    const answer = await bridge.ask('tools/call', modern({ name: 'envelope', arguments: {} }))
    expect(answer).toMatchObject({ result: { resultType: 'complete' } })
    expect(seen(answer)).toEqual({})
    const asks = await bridge.ask('tools/call', modern({ name: 'greet', arguments: {} }))
    expect(asks).toMatchObject({
      result: { resultType: 'input_required', requestState: expect.any(String) as unknown },
    })
    // An answer to nothing is a new call, not the one that waits.
    const lost = modern({ name: 'greet', arguments: {}, requestState: 'guessed', inputResponses: {} })
    expect(await bridge.ask('tools/call', lost)).toMatchObject({ result: { resultType: 'input_required' } })
    await bridge.leave()
    await server.close()
  })
})
