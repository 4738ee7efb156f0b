import { networkOf } from '#base/address.ts'
import type { Config } from '#base/config.ts'
import { createMemoryCounters, type Counters } from '#toolkit/counters.ts'
import { createLimit } from '#toolkit/limit.ts'

/** Counts one failed or anonymous request of an address. @throws Refusal rate_limited. */
export type IpLimit = (ip: string | null) => Promise<void>

/**
 * The limit per address. It counts failed and anonymous requests only and is asked only then (D33, D23): people behind one address,
 * and hosted clients share theirs, are never shut out by somebody else's failures. An IPv6 client owns its /64, so that is one address.
 */
export function createIpLimit(
  { on, perIp }: Config['rateLimit'],
  counters: Counters = createMemoryCounters(),
): IpLimit {
  const limit = createLimit({
    on,
    name: 'address',
    perMinute: perIp,
    detail: 'failed or anonymous requests of one address',
    counters,
  })
  return async (ip) => {
    await limit.consume(ip === null ? 'unknown' : networkOf(ip))
  }
}
