import { connect, createServer, type Socket } from 'node:net'
import { Writable } from 'node:stream'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { createLog } from '#base/log.ts'
import { uuidv7 } from '#base/id.ts'
import { formatChange } from '#db/change.ts'
import type { Change } from '#db/database.ts'
import { Hub } from '#db/hub.ts'
import { databaseKinds, freshDatabase, type FreshDatabase } from '../support/database.ts'
import { until } from '../support/until.ts'

describe.each(databaseKinds)('changes, %s', (kind) => {
  let fresh: FreshDatabase
  beforeAll(async () => {
    fresh = await freshDatabase({ kind })
  })
  afterAll(async () => await fresh.drop())

  test('D21: a change announced by one replica is heard by every other within a second', async () => {
    const [here, there] = [fresh.database, await fresh.open()]
    const heard: Change[][] = [[], []]
    const gaps = [0, 0]
    const listeners = await Promise.all([
      here.listen(
        (change) => heard[0]?.push(change),
        () => (gaps[0] = (gaps[0] ?? 0) + 1),
      ),
      there.listen(
        (change) => heard[1]?.push(change),
        () => (gaps[1] = (gaps[1] ?? 0) + 1),
      ),
    ])
    await until(() => listeners.every((listener) => listener.live))
    const change = { table: 'members', tenant: uuidv7(), id: `it's "quoted" \\ and so on` } as const
    const started = Date.now()
    await there.announce(change)
    await until(() => heard.every((changes) => changes.length === 1))
    expect(Date.now() - started).toBeLessThan(1_000)
    expect(heard).toEqual([[change], [change]])
    // Alive for the first time: what came before is not known.
    expect(gaps).toEqual([1, 1])
    // From outside of Gatehouse anything may come.
    await fresh.sql(`NOTIFY gatehouse, 'nonsense'`)
    await fresh.sql(`NOTIFY gatehouse, '${formatChange({ ...change, id: null })}'`)
    await until(() => heard[0]?.length === 2)
    expect(heard[0]?.[1]).toEqual({ ...change, id: null })
  })
})

test('D21: a connection that breaks, or hangs without breaking, is a gap; it comes back by itself', async () => {
  const fresh = await freshDatabase({ kind: 'postgres' })
  const target = new URL(fresh.url)
  // A wire between the listener and Postgres that can be cut and can be stopped.
  const sockets = new Set<Socket>()
  let stopped = false
  const wire = createServer((near) => {
    const far = connect(`${target.searchParams.get('host')}/.s.PGSQL.5432`)
    for (const socket of [near, far]) sockets.add(socket.on('error', () => {}))
    near.on('data', (data) => far.write(data)).on('close', () => far.destroy())
    far.on('data', (data) => stopped || near.write(data)).on('close', () => near.destroy())
  })
  await new Promise<void>((resolve) => wire.listen({ host: '127.0.0.1', port: 0 }, resolve))
  const address = wire.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const hub = new Hub({
    connect: () => ({
      host: '127.0.0.1',
      port,
      user: 'postgres',
      database: target.pathname.slice(1),
      connectionTimeoutMillis: 500,
    }),
    log: createLog('silent'),
    heartbeat: 50,
  })
  let gaps = 0
  const listener = await hub.listen(
    () => {},
    () => (gaps += 1),
  )
  await until(() => listener.live)
  expect(gaps).toBe(1)

  for (const socket of sockets) socket.destroy()
  await until(() => gaps === 3)
  expect(listener.live).toBe(true)

  stopped = true
  await until(() => !listener.live)
  expect(gaps).toBe(4)
  stopped = false
  await until(() => listener.live)
  expect(gaps).toBe(5)

  await hub.close()
  expect(listener.live).toBe(false)
  for (const socket of sockets) socket.destroy()
  await new Promise((resolve) => wire.close(resolve))
  await fresh.drop()
})

describe('while there is no way to Postgres', () => {
  afterEach(() => {
    vi.useRealTimers()
    vi.restoreAllMocks()
  })

  test('D21: the listener is not live, and tries again after a while that doubles up to ten seconds', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    vi.spyOn(Math, 'random').mockReturnValue(0)
    let attempts = 0
    const warnings: string[] = []
    const log = createLog('warn', new Writable({ write: (line, _, done) => (warnings.push(String(line)), done()) }))
    const hub = new Hub({
      connect: () => {
        attempts += 1
        return { host: '127.0.0.1', port: 9, user: 'postgres' }
      },
      log,
    })
    let gaps = 0
    const listener = await hub.listen(
      () => {},
      () => (gaps += 1),
    )
    const waits: number[] = []
    while (waits.length < 8) {
      while (vi.getTimerCount() === 0) await new Promise(setImmediate)
      const before = Date.now()
      vi.advanceTimersToNextTimer()
      waits.push(Date.now() - before)
    }
    expect(waits).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000])
    expect(attempts).toBe(9)
    // It never was alive: nothing that was held can be wrong now.
    expect([listener.live, gaps, warnings]).toEqual([false, 0, []])
    // Another subscriber waits with the first, and close ends it.
    while (vi.getTimerCount() === 0) await new Promise(setImmediate)
    await hub.listen(
      () => {},
      () => {},
    )
    expect(attempts).toBe(9)
    await hub.close()
    expect(vi.getTimerCount()).toBe(0)
    await hub.listen(
      () => {},
      () => {},
    )
    expect(attempts).toBe(9)
  })
})

test('D21: a process has one listening connection, whatever listens; its loss is warned of once', async () => {
  const fresh = await freshDatabase({ kind: 'postgres' })
  const lines: string[] = []
  const log = createLog('warn', new Writable({ write: (line, _, done) => (lines.push(String(line)), done()) }))
  const hub = new Hub({ connect: () => ({ connectionString: fresh.url, application_name: 'the hub' }), log })
  const heard: string[][] = [[], []]
  const gaps = [0, 0]
  const listeners = await Promise.all(
    [0, 1].map(
      async (n) =>
        await hub.listen(
          ({ id }) => heard[n]?.push(String(id)),
          () => (gaps[n] = (gaps[n] ?? 0) + 1),
        ),
    ),
  )
  const pids = async (): Promise<unknown[]> =>
    await fresh.sql(
      `SELECT pid FROM pg_stat_activity WHERE application_name = 'the hub' AND datname = current_database()`,
    )
  await until(() => listeners.every(({ live }) => live))
  expect(await pids()).toHaveLength(1)
  expect(gaps).toEqual([1, 1])
  // Its own heartbeat, and what goes by on other channels, is no change.
  await fresh.sql(`LISTEN other; NOTIFY other, '${formatChange({ table: 'members', tenant: null, id: 'not ours' })}'`)
  await fresh.sql(`NOTIFY gatehouse, '${formatChange({ table: 'members', tenant: null, id: 'ours' })}'`)
  await until(() => heard.every((ids) => ids.length === 1))
  expect(heard).toEqual([['ours'], ['ours']])
  await fresh.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'the hub'`)
  await until(() => gaps.every((count) => count === 3))
  expect(listeners.map(({ live }) => live)).toEqual([true, true])
  expect(lines).toHaveLength(1)
  expect(lines[0]).toContain('kept for 5 s only')
  await hub.close()
  await until(async () => (await pids()).length === 0)
  expect([gaps, lines.length]).toEqual([[3, 3], 1])
  await fresh.drop()
})
