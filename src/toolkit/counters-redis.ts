import { setTimeout as pause } from 'node:timers/promises'
import { RateLimiterRedis } from 'rate-limiter-flexible'
import type { CounterStore } from './counters-shared.ts'

/** Milliseconds: longer than one answer may take, since it happens in the background. */
const CONNECT_TIMEOUT = 2_000
/** Milliseconds between attempts to connect. */
const AGAIN = 1_000
/** Commands on their way; beyond it the store counts as slow. */
const QUEUE = 1_000

export interface RedisCountersOptions {
  /** redis://, rediss:// (TLS) or valkey://, with user, password and database number as usual. A secret. */
  readonly url: string
}

/**
 * Counters at Redis or Valkey. The client is loaded here only, so that who counts elsewhere does not load it. Commands of one turn of the event
 * loop leave together. Nothing waits for a connection: without one every answer is an error, and connecting goes on in the background.
 */
export async function openRedisCounters({ url }: RedisCountersOptions): Promise<CounterStore> {
  const client = await clientOf(url, () => AGAIN)
  void client.connect().catch(() => {})
  const limiter = limiterOf(client)
  return {
    async add(tallies) {
      if (!client.isReady) throw new Error('not connected')
      return await Promise.all(
        tallies.map(async ({ key, points, window }) => {
          const options = { customDuration: window }
          const at = await (points > 0 ? limiter.consume(key, points, options) : limiter.reward(key, -points, options))
          return { points: at.consumedPoints, left: Math.max(0, at.msBeforeNext) }
        }),
      )
    },
    async close() {
      client.destroy()
    },
  }
}

/**
 * Does the store count? Connects, counts one thing for a second under a name that nothing else has, and leaves. Answers how many milliseconds
 * that took. Throws what stopped it: the client's error, the server's answer, or `no answer` after two seconds.
 */
export async function tryRedis({ url }: RedisCountersOptions): Promise<number> {
  const client = await clientOf(url, () => false)
  const started = performance.now()
  const late = new AbortController()
  try {
    const work = async (): Promise<number> => {
      await client.connect()
      await limiterOf(client).consume('doctor', 1, { customDuration: 1 })
      return Math.round(performance.now() - started)
    }
    const end = async (): Promise<never> => {
      await pause(CONNECT_TIMEOUT, null, { signal: late.signal })
      throw new Error('no answer')
    }
    return await Promise.race([work(), end()])
  } finally {
    late.abort()
    client.destroy()
  }
}

/** A client that is not connected yet. */
async function clientOf(url: string, again: () => number | false) {
  const { createClient } = await import('@redis/client')
  const client = createClient({
    url: url.replace(/^valkey(s?):/, 'redis$1:'),
    name: 'gatehouse',
    // What every Redis since 2.6 and every Valkey understands; we ask for nothing that came later.
    RESP: 2,
    maintNotifications: 'disabled',
    disableOfflineQueue: true,
    commandsQueueMaxLength: QUEUE,
    socket: { connectTimeout: CONNECT_TIMEOUT, keepAlive: true, reconnectStrategy: again },
  })
  // Whoever asks learns it from the answer; without a listener it would end the process.
  client.on('error', () => {})
  return client
}

const limiterOf = (client: Awaited<ReturnType<typeof clientOf>>): RateLimiterRedis =>
  new RateLimiterRedis({
    storeClient: client,
    useRedisPackage: true,
    keyPrefix: 'gatehouse',
    points: Number.MAX_SAFE_INTEGER,
    duration: 60,
  })
