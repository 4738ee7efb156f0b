import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { createLog } from '#base/log.ts'
import { openPostgresCounters, type PostgresCounters } from '#db/counters.ts'
import { openRedisCounters } from '#toolkit/counters-redis.ts'
import { createApart, createSharedCounters, type CounterStore } from '#toolkit/counters-shared.ts'
import { createMemoryCounters, type Counters } from '#toolkit/counters.ts'
import { createLimit } from '#toolkit/limit.ts'
import { freshDatabase, type FreshDatabase } from '../support/database.ts'
import { startRespServer, type RespServer } from '../support/resp-server.ts'
import { until } from '../support/until.ts'

const points = async (counters: Counters, key: string, add = 1): Promise<number> => {
  const [count] = await counters.add([{ key, points: add, window: 60 }])
  return count?.points ?? Number.NaN
}

describe('counters in the memory of one process', () => {
  test('made-up keys push out each other, and not the one that is near its limit', async () => {
    const counters = createMemoryCounters({ most: 100 })
    expect(await points(counters, 'guessed at', 9)).toBe(9)
    for (let i = 0; i < 5_000; i += 1) await points(counters, `made up ${i}`)
    expect(counters.size).toBe(100)
    expect(await points(counters, 'guessed at')).toBe(10)
    // What was forgotten begins again: a full table refuses nobody.
    expect(await points(counters, 'made up 0')).toBe(1)
    expect(counters.size).toBe(100)
  })

  test('when all that is held is near its limit, something of it is still forgotten and nobody is refused', async () => {
    const counters = createMemoryCounters({ most: 50 })
    for (let i = 0; i < 50; i += 1) await points(counters, `busy ${i}`, 1_000)
    const limit = createLimit({ on: true, name: 'test', perMinute: 1, detail: 'test', counters })
    for (let i = 0; i < 200; i += 1)
      await expect(limit.consume(`innocent ${i}`)).resolves.toMatchObject({ remaining: 0 })
    expect(counters.size).toBe(50)
  })

  test('keys whose window is over are the first to go', async () => {
    const counters = createMemoryCounters({ most: 3 })
    counters.add([{ key: 'short', points: 500, window: 0.02 }])
    await points(counters, 'a', 2)
    await points(counters, 'b', 2)
    await until(async () => (await points(counters, 'short', 0)) === 0)
    await points(counters, 'c')
    expect([await points(counters, 'a', 0), await points(counters, 'b', 0), await points(counters, 'c', 0)]).toEqual([
      2, 2, 1,
    ])
  })
})

test('what is over is not held until the table is full: keys that come once do not fill it', async () => {
  vi.useFakeTimers()
  try {
    const counters = createMemoryCounters()
    let most = 0
    for (let i = 0; i < 3_000; i += 1) {
      await points(counters, 'always')
      await points(counters, `once ${i}`)
      vi.advanceTimersByTime(600)
      most = Math.max(most, counters.size)
    }
    // 100 come within a window, and 'always' comes anew in each.
    expect(most).toBeLessThanOrEqual(210)
    expect(await points(counters, 'once 2999')).toBe(2)
  } finally {
    vi.useRealTimers()
  }
})

/** A store whose answers are the test's to give. */
function scripted() {
  const memory = createMemoryCounters()
  const state = { mode: 'up' as 'up' | 'down' | 'silent', asked: 0, seen: [] as string[] }
  const store: CounterStore = {
    async add(tallies) {
      state.asked += 1
      state.seen.push(...tallies.map(({ key }) => key))
      if (state.mode === 'down') throw new Error('ECONNREFUSED')
      if (state.mode === 'silent') return await new Promise(() => {})
      return memory.add(tallies)
    },
    close: async () => {},
  }
  return { store, state }
}

function logged() {
  const lines: string[] = []
  const log = createLog('info', { write: (line: string) => void lines.push(line) })
  return { log, lines }
}

describe('a store that goes away', () => {
  test('counts go on in memory from what this process counted, one line says so, and one when it is back', async () => {
    const { store, state } = scripted()
    const { log, lines } = logged()
    const counters = createSharedCounters({ store, memory: createMemoryCounters(), log, every: 20 })
    expect(await points(counters, 'k')).toBe(1)
    // Another replica counts too.
    await store.add([{ key: state.seen[0] ?? '', points: 5, window: 60 }])
    expect(await points(counters, 'k')).toBe(7)
    state.mode = 'down'
    const asked = state.asked
    expect(await points(counters, 'k')).toBe(3)
    expect(await points(counters, 'k')).toBe(4)
    expect(counters.shared).toBe(false)
    expect(lines).toHaveLength(1)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'warn', msg: expect.stringContaining('away') })
    await until(() => state.asked > asked + 3)
    expect(lines).toHaveLength(1)
    state.mode = 'up'
    await until(() => counters.shared)
    expect(lines).toHaveLength(2)
    expect(await points(counters, 'k')).toBe(8)
    await counters.close()
  })

  test('a silent store costs the calls under way their patience once, and those after it nothing', async () => {
    const { store, state } = scripted()
    const { log, lines } = logged()
    const counters = createSharedCounters({ store, memory: createMemoryCounters(), log, patience: 30, every: 60_000 })
    state.mode = 'silent'
    expect(await Promise.all([points(counters, 'k'), points(counters, 'k')])).toEqual([1, 2])
    expect(state.asked).toBe(2)
    for (let i = 0; i < 100; i += 1) await points(counters, 'k')
    expect(state.asked).toBe(2)
    expect(lines).toHaveLength(1)
    await counters.close()
  })

  test('no key leaves the process as it is', async () => {
    const { store, state } = scripted()
    const counters = createSharedCounters({ store, memory: createMemoryCounters(), log: logged().log })
    await points(counters, 'address 192.0.2.1')
    expect(state.seen).toEqual([expect.stringMatching(/^[A-Za-z0-9_-]{22}$/)])
    await counters.close()
  })

  test('strangers who count in the same store push nobody who is known out of the memory of this process', async () => {
    const { store, state } = scripted()
    const memory = { known: createMemoryCounters({ most: 10 }), strangers: createMemoryCounters({ most: 10 }) }
    const counters = createSharedCounters({ store, memory: memory.known, log: logged().log })
    const strangers = counters.beside(memory.strangers)
    for (const who of ['ann', 'bob']) expect(await points(counters, who)).toBe(1)
    for (let i = 0; i < 100; i += 1) expect(await points(strangers, `made up ${i}`, 5)).toBe(5)
    expect([memory.known.size, memory.strangers.size]).toEqual([2, 10])
    state.mode = 'down'
    expect(await points(strangers, 'made up 99', 5)).toBe(10)
    expect(counters.shared).toBe(false)
    expect(await points(counters, 'ann')).toBe(2)
    await counters.close()
  })

  test('strangers take a bounded part of its attention, whatever they send', async () => {
    const { store, state } = scripted()
    state.mode = 'silent'
    const memory = createMemoryCounters()
    const apart = createApart(store, memory, 3)
    const counted = Array.from({ length: 10 }, async (_, i) => await points(apart, `stranger ${i}`))
    expect(await Promise.all(counted.slice(3))).toEqual([1, 1, 1, 1, 1, 1, 1])
    expect(state.asked).toBe(3)
  })
})

test('a limit that is known to be reached asks its store once a second, not once a request', async () => {
  let asked = 0
  const memory = createMemoryCounters()
  const counters: Counters = {
    async add(tallies) {
      asked += 1
      return memory.add(tallies)
    },
  }
  const clock = { at: 0, now: () => clock.at }
  const limit = createLimit({ on: true, name: 'test', perMinute: 2, detail: 'test', counters, clock })
  for (let i = 0; i < 2; i += 1) await limit.consume('k')
  for (let i = 0; i < 50; i += 1) await expect(limit.consume('k')).rejects.toMatchObject({ code: 'rate_limited' })
  // The one that found out, and what it had counted taken back.
  expect(asked).toBe(4)
  clock.at += 1_000
  await expect(limit.consume('k')).rejects.toMatchObject({ code: 'rate_limited' })
  expect(asked).toBe(6)
})

describe('counters in Postgres', () => {
  let fresh: FreshDatabase
  const opened: PostgresCounters[] = []
  const open = (): PostgresCounters => {
    const counters = openPostgresCounters(fresh.config.database.url ?? '', fresh.config)
    opened.push(counters)
    return counters
  }
  beforeAll(async () => {
    fresh = await freshDatabase({ kind: 'postgres' })
    await fresh.database.admin.bootstrap()
  })
  afterEach(async () => await Promise.all(opened.splice(0).map(async (one) => await one.close())))
  afterAll(async () => await fresh.drop())

  test('two processes count together, and no call is lost or counted twice', async () => {
    const [a, b] = [open(), open()]
    const seen = await Promise.all(
      Array.from({ length: 400 }, async (_, i) => await points(i % 2 === 0 ? a : b, 'together')),
    )
    expect(seen.toSorted((x, y) => x - y)).toEqual(Array.from({ length: 400 }, (_, i) => i + 1))
  })

  test('several keys are one statement, in the order asked; what is taken back is gone, below nothing it never goes', async () => {
    const counters = open()
    const tally = (key: string, points: number, window = 60) => ({ key, points, window })
    expect(await counters.add([tally('z', 3), tally('a', 2, 3600), tally('z', 1)])).toEqual([
      { points: 3, left: 60_000 },
      { points: 2, left: 3_600_000 },
      { points: 4, left: 60_000 },
    ])
    expect((await counters.add([tally('z', -2), tally('a', 0)])).map(({ points }) => points)).toEqual([2, 2])
    expect(await points(counters, 'z', -9)).toBe(0)
    expect(await points(counters, 'z', 1)).toBe(1)
  })

  test('a window that is over begins anew by the clock of the database, and is swept away', async () => {
    const counters = open()
    await counters.add([{ key: 'old', points: 7, window: 60 }])
    await fresh.sql(`UPDATE gatehouse.counters SET expires_at = now() - interval '1 second' WHERE key IN ('old')`)
    expect(await counters.add([{ key: 'old', points: 2, window: 60 }])).toEqual([{ points: 2, left: 60_000 }])
    await fresh.sql(`UPDATE gatehouse.counters SET expires_at = now() - interval '1 second' WHERE key IN ('old', 'a')`)
    expect([await counters.sweep(1), await counters.sweep(5), await counters.sweep(5)]).toEqual([1, 1, 0])
  })

  test('only hashed keys go into its statements', async () => {
    await expect(open().add([{ key: "x'); DROP TABLE counters; --", points: 1, window: 60 }])).rejects.toThrow(
      TypeError,
    )
  })

  test('one that is not there is an error, and its connection is not held against the next', async () => {
    const url = (fresh.config.database.url ?? '').replace(/\/([^/?]+)(\?|$)/, '/no_such_database$2')
    const counters = openPostgresCounters(url, fresh.config)
    await expect(points(counters, 'k')).rejects.toThrow('cannot be reached')
    await expect(points(counters, 'k')).rejects.toThrow('cannot be reached')
    await counters.close()
  })
})

describe('counters in Redis or Valkey', () => {
  let server: RespServer
  beforeAll(async () => {
    server = await startRespServer()
  })
  afterAll(async () => await server.stop())

  async function connected(url = server.url): Promise<CounterStore> {
    const store = await openRedisCounters({ url })
    await until(async () => (await points(store, 'up', 0)) >= 0)
    return store
  }

  test('two processes count together, with valkey:// too; several keys leave in one go', async () => {
    const [a, b] = [await connected(), await connected(server.url.replace('redis:', 'valkey:'))]
    expect([await points(a, 'k'), await points(b, 'k', 4), await points(a, 'k', -2), await points(b, 'k', 0)]).toEqual([
      1, 5, 3, 3,
    ])
    const from = server.commands.length
    expect(
      await a.add([
        { key: 'x', points: 1, window: 60 },
        { key: 'y', points: 2, window: 3600 },
      ]),
    ).toEqual([
      { points: 1, left: expect.closeTo(60_000, -3) },
      { points: 2, left: expect.closeTo(3_600_000, -3) },
    ])
    expect(server.commands.slice(from).map(([name, , , key]) => [name, key])).toEqual([
      ['EVAL', 'gatehouse:x'],
      ['EVAL', 'gatehouse:y'],
    ])
    await Promise.all([a.close(), b.close()])
  })

  test('killed, each process counts for itself; silent, too; started again, all count together', async () => {
    const { log, lines } = logged()
    const shared = async () =>
      createSharedCounters({ store: await connected(), memory: createMemoryCounters(), log, every: 20 })
    const [a, b] = [await shared(), await shared()]
    expect([await points(a, 'died'), await points(b, 'died')]).toEqual([1, 2])
    await server.stop()
    expect([await points(a, 'died'), await points(b, 'died')]).toEqual([2, 2])
    await server.start()
    await until(() => a.shared && b.shared)
    expect(await points(a, 'died')).toBe(3)
    server.hang(true)
    expect(await points(a, 'died')).toBe(4)
    expect(a.shared).toBe(false)
    server.hang(false)
    await until(() => a.shared)
    expect(await points(b, 'died')).toBe(4)
    expect(lines.join('')).not.toContain('127.0.0.1:6379')
    await Promise.all([a.close(), b.close()])
  })
})
