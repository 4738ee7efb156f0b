import { createFairQueue } from '#base/fair-queue.ts'
import { TenantBusy } from './database.ts'

/** Whose turn it is to ask the registry about its own tenant. */
interface Desks {
  /** Throws TenantBusy, and what `work` throws. */
  run<T>(tenant: string, work: () => Promise<T>): Promise<T>
}

/** How long one waits for its turn, in milliseconds, and how many of a tenant may. */
const PATIENCE = 5_000
const MOST_WAITING = 200
const BUSY = {
  late: 'no connection came free for this tenant in time',
  full: 'too many questions of this tenant are waiting',
}

/**
 * What admins ask of the registry (usage, members, keys) is asked on the connections that everybody's calls need. All tenants together have half
 * of them for it, in the fair order of calls, so that no tenant's long reports stand before another's call.
 * @param connections of the pool.
 */
export function createDesks(connections: number): Desks {
  const places = Math.max(1, Math.floor(connections / 2))
  const queue = createFairQueue({
    places: () => places,
    most: () => places,
    patience: PATIENCE,
    maxWaiting: MOST_WAITING,
    charge: 'time',
    refuse: (why) => new TenantBusy(BUSY[why]),
  })
  return {
    async run(tenant, work) {
      const leave = await queue.enter(tenant)
      try {
        return await work()
      } finally {
        leave()
      }
    },
  }
}
