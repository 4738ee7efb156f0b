import { createFairQueue } from '#base/fair-queue.ts'
import { TURNS } from './turns.ts'

/** Whose turn it is to ask the registry about its own tenant. */
interface Desks {
  /** Throws TenantBusy, and what `work` throws. */
  run<T>(tenant: string, work: () => Promise<T>): Promise<T>
}

/**
 * What admins ask of the registry (usage, members, keys) is asked on the connections that everybody's calls need. All tenants together have half
 * of them for it, in the fair order of calls, so that no tenant's long reports stand before another's call.
 * @param connections of the pool.
 */
export function createDesks(connections: number): Desks {
  const places = Math.max(1, Math.floor(connections / 2))
  const queue = createFairQueue({
    ...TURNS,
    places: () => places,
    most: () => places,
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
