import { afterEach, describe, expect, test } from 'vitest'
import { until } from '../support/until.ts'
import { startLegacyHost, startModernHost, type EraHost } from './hosts.ts'
import { startLegacyServer, startModernServer, type EraServer } from './servers.ts'
import { person } from './support.ts'

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
