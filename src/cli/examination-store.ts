import type { Config } from '#base/config.ts'
import { tryRedis } from '#toolkit/counters-redis.ts'
import { failed, ok, type Finding } from './finding.ts'

/** RATE_LIMIT_STORE at Redis or Valkey: is it reached, and may it count? The one in Postgres is looked at with the database. */
export async function examineStore({
  rateLimit,
  rateLimitStore: store,
}: Pick<Config, 'rateLimit' | 'rateLimitStore'>): Promise<readonly Finding[]> {
  if (!rateLimit.on || store.kind !== 'redis') return []
  try {
    const milliseconds = await tryRedis({ url: store.url })
    return [ok('counters', `redis or valkey, counts in ${milliseconds} ms`)]
  } catch (error) {
    return [
      failed(
        'counters',
        `RATE_LIMIT_STORE: ${reason(error)}. Until it works each process counts for itself, so that limits hold per process only`,
      ),
    ]
  }
}

/** The system's code or the server's first word (NOAUTH, WRONGPASS, NOPERM, READONLY): never the address, which holds a password. */
function reason(error: unknown): string {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null
  const word = error instanceof Error ? /^[A-Z]{3,24}\b/.exec(error.message)?.[0] : undefined
  return `it cannot be used (${code ?? word ?? 'no answer'})`
}
