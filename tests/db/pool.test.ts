import { createServer, type Server, type Socket } from 'node:net'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { ConfigError } from '#base/config.ts'
import { DatabaseUnavailable } from '#db/database.ts'
import { cancel, connectionConfig, createPool, extended, lease, parseUrl, say, within } from '#db/pool.ts'
import { until } from '../support/until.ts'
import { scriptedPool, sent, silence } from '../support/scripted-pool.ts'

afterEach(() => void vi.useRealTimers())

describe('a database URL', () => {
  test.each([
    ['postgres://me@db.test:5433/name', 'db.test:5433', '/name'],
    ['postgresql://db.test/name', 'db.test', '/name'],
    ['postgres:///name?host=/run', 'localhost', '/name'],
    ['postgresql:///name', 'localhost', '/name'],
    ['postgres://?host=/run', 'localhost', ''],
    ['postgres://', 'localhost', ''],
  ])('%s is read', (url, host, path) => {
    expect(parseUrl(url)).toMatchObject({ host, pathname: path })
  })

  test('that cannot be read is told without its text', () => {
    expect(() => parseUrl('postgres://me:geheim@[half/db')).toThrow(ConfigError)
    expect(() => parseUrl('x postgres:///db')).toThrow(
      expect.objectContaining({
        problems: ['DATABASE_URL: is malformed'],
      }),
    )
  })

  test('is used as it is, or with another user in place of its own, wherever that stands', () => {
    const fixed = { connectionTimeoutMillis: 5_000, application_name: 'gatehouse', keepAlive: true }
    const url = 'postgres://me:mine@db.test/name?host=/run&user=me&password=mine'
    expect(connectionConfig({ url })).toEqual({ ...fixed, connectionString: url })
    expect(connectionConfig({ url, user: 'app', password: 'a/b' })).toEqual({
      ...fixed,
      connectionString: 'postgres://app:a%2Fb@db.test/name?host=%2Frun',
    })
  })
})

test('a pool has its limits, replaces connections, and outlives idle ones that break', async () => {
  const pool = createPool({ url: 'postgres://db.test/name' }, { max: 3, maxLifetime: 1_500 }, true)
  expect(pool.options).toMatchObject({ max: 3, maxLifetimeSeconds: 2, idleTimeoutMillis: 30_000, pipeline: true })
  expect(createPool({ url: 'postgres://db.test/name' }, { max: 3, maxLifetime: 1_500 }).options).toMatchObject({
    pipeline: false,
  })
  expect(() => pool.emit('error', new Error('idle'), undefined as never)).not.toThrow()
  const listened: string[] = []
  const client = {
    on(event: string, hear: () => void) {
      listened.push(event)
      hear()
    },
  }
  pool.emit('connect', client)
  expect(listened).toEqual(['error'])
  await pool.end()
})

test('a statement goes in extended protocol with its own copy of the values', () => {
  const values = [1]
  const config = extended('SELECT $1', values)
  values.push(2)
  expect(config).toEqual({ text: 'SELECT $1', values: [1], queryMode: 'extended' })
  expect(extended('SELECT 1').values).toEqual([])
})

describe('a connection', () => {
  test('that cannot be had is DatabaseUnavailable; a bug stays one', async () => {
    const pool = createPool({ url: 'postgres://postgres@127.0.0.1:9/none' }, { max: 1, maxLifetime: 1_000 })
    await expect(lease(pool)).rejects.toThrow(DatabaseUnavailable)
    await pool.end()
    await expect(lease({ connect: () => Promise.reject(new RangeError('bug')) })).rejects.toThrow(RangeError)
  })

  test('that said its one statement is kept; one that failed or fell silent is destroyed', async () => {
    const good = scriptedPool()
    await say(good.pool, 'SELECT 1')
    expect([good.said, good.ends]).toEqual([['SELECT 1'], ['kept']])
    const bad = scriptedPool(() => {
      throw sent('42501')
    })
    await expect(say(bad.pool, 'SELECT 1')).rejects.toMatchObject({ code: '42501' })
    expect(bad.ends).toEqual(['destroyed'])
    vi.useFakeTimers()
    const mute = scriptedPool(silence)
    const error = say(mute.pool, 'SELECT 1').catch((thrown: unknown) => thrown)
    await vi.advanceTimersByTimeAsync(4_999)
    expect(mute.ends).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(await error).toBeInstanceOf(DatabaseUnavailable)
    expect(mute.ends).toEqual(['destroyed'])
  })
})

describe('an answer within its time', () => {
  test('is passed on, also when it is an error, and leaves no timer', async () => {
    vi.useFakeTimers()
    expect(await within(10, 'late', async () => 'here')).toBe('here')
    await expect(within(10, 'late', async () => await Promise.reject(sent('57P01')))).rejects.toThrow(
      DatabaseUnavailable,
    )
    await expect(within(10, 'late', async () => await Promise.reject(new RangeError('mine')))).rejects.toThrow(
      RangeError,
    )
    expect(vi.getTimerCount()).toBe(0)
  })

  test('is DatabaseUnavailable in these words when it does not come', async () => {
    vi.useFakeTimers()
    const late = within(10, 'nobody answers', silence).catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(10)
    expect(await late).toBeInstanceOf(DatabaseUnavailable)
    expect(await late).toMatchObject({ message: 'nobody answers' })
  })
})

describe('a cancel request', () => {
  const listening = async (at: string | number, hear: (socket: Socket) => void): Promise<Server> => {
    const server = createServer(hear)
    await new Promise<void>((resolve) => {
      if (typeof at === 'string') server.listen(at, resolve)
      else server.listen(at, '127.0.0.1', resolve)
    })
    return server
  }
  const client = (host: string, port: number): pg.PoolClient =>
    ({ processID: 42, secretKey: -7, host, port }) as unknown as pg.PoolClient
  /** Postgres manual 54.7, CancelRequest: length 16, code 80877102, process, secret. */
  const request = '0000001004d2162e0000002afffffff9'

  test('names the process and its secret, on a connection of its own, by socket file or by port', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gh-'))
    for (const at of [join(folder, '.s.PGSQL.5432'), 0]) {
      let heard = ''
      const server = await listening(at, (socket) => {
        socket.on('data', (data) => (heard += data.toString('hex')))
      })
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 5432
      await cancel(client(at === 0 ? '127.0.0.1' : folder, port))
      await until(() => heard !== '')
      expect(heard).toBe(request)
      await new Promise((resolve) => server.close(resolve))
    }
    await rm(folder, { recursive: true })
  })

  test('is given up where nobody is, and not made for what is no connection', async () => {
    await cancel(client('127.0.0.1', 9))
    let knocked = 0
    const server = await listening(0, () => (knocked += 1))
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    for (const partial of [{}, { processID: 1 }, { secretKey: 1 }, { processID: '1', secretKey: 1 }])
      await cancel({ host: '127.0.0.1', port, ...partial } as unknown as pg.PoolClient)
    expect(knocked).toBe(0)
    await new Promise((resolve) => server.close(resolve))
  })

  test('waits a second for a server that keeps the line open, no longer', async () => {
    const server = createServer({ allowHalfOpen: true }, () => {})
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const began = performance.now()
    await cancel(client('127.0.0.1', typeof address === 'object' && address !== null ? address.port : 0))
    expect(performance.now() - began).toBeGreaterThan(900)
    server.close()
  })
})
