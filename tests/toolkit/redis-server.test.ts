/** The counters at a real server, where one is installed: what resp-server.ts does is what Redis documents, and here it is asked. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLog } from '#base/log.ts'
import { openRedisCounters, tryRedis } from '#toolkit/counters-redis.ts'
import { createSharedCounters } from '#toolkit/counters-shared.ts'
import { createMemoryCounters, type Counters } from '#toolkit/counters.ts'
import { freePort } from '../support/free-port.ts'
import { findProgram } from '../support/program.ts'
import { until } from '../support/until.ts'

const program = findProgram('valkey-server', 'redis-server')
if (program === null) console.log('there is no `valkey-server` or `redis-server` on the PATH: nothing is counted there')

describe.skipIf(program === null)('counters at a real Redis or Valkey', () => {
  let url: string
  let start: () => Promise<() => Promise<void>>
  let stop: () => Promise<void>
  let folder: string
  beforeAll(async () => {
    const port = await freePort()
    url = `redis://127.0.0.1:${port}`
    folder = await mkdtemp(join(tmpdir(), 'redis-'))
    start = async () => {
      const settings = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder]
      const child = spawn(program ?? '', settings, { stdio: 'ignore' })
      const ended = once(child, 'exit')
      await until(
        async () =>
          await tryRedis({ url }).then(
            () => true,
            () => false,
          ),
      )
      return async () => {
        child.kill('SIGKILL')
        await ended
      }
    }
    stop = await start()
  })
  afterAll(async () => {
    await stop()
    await rm(folder, { recursive: true, force: true })
  })

  const points = async (counters: Counters, key: string, add = 1, window = 60): Promise<number> => {
    const [count] = await counters.add([{ key, points: add, window }])
    return count?.points ?? Number.NaN
  }
  const shared = async (): Promise<ReturnType<typeof createSharedCounters>> => {
    const counters = createSharedCounters({
      store: await openRedisCounters({ url }),
      memory: createMemoryCounters(),
      log: createLog('silent'),
      every: 20,
    })
    await until(async () => (await points(counters, 'up', 0)) >= 0 && counters.shared)
    return counters
  }

  test('two replicas count together, give back what was not used, and begin anew when the window is over', async () => {
    const [a, b] = [await shared(), await shared()]
    expect([await points(a, 'k'), await points(b, 'k', 4), await points(a, 'k', -2), await points(b, 'k', 0)]).toEqual([
      1, 5, 3, 3,
    ])
    expect(await points(a, 'short', 5, 1)).toBe(5)
    await pause(1_100)
    expect(await points(b, 'short', 1, 1)).toBe(1)
    const all = await Promise.all(
      Array.from({ length: 200 }, async (_, n) => await points(n % 2 === 0 ? a : b, 'many')),
    )
    expect(all.toSorted((x, y) => x - y)).toEqual(Array.from({ length: 200 }, (_, n) => n + 1))
    await Promise.all([a.close(), b.close()])
  })

  test('killed, each replica counts for itself; started again, they count together', async () => {
    const [a, b] = [await shared(), await shared()]
    expect([await points(a, 'died'), await points(b, 'died')]).toEqual([1, 2])
    await stop()
    expect([await points(a, 'died'), await points(b, 'died')]).toEqual([2, 2])
    stop = await start()
    await until(() => a.shared && b.shared)
    const [first, second] = [await points(a, 'died'), await points(b, 'died')]
    expect(second).toBe(first + 1)
    await Promise.all([a.close(), b.close()])
  })
})
