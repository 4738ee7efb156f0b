import type { FairQueueOptions } from '#base/fair-queue-options.ts'
import { TenantBusy } from './database.ts'

const BUSY = {
  late: 'no connection came free for this tenant in time',
  full: 'too many calls of this tenant are waiting',
}

/** How a tenant waits for a connection, for a call or a question to the registry: 5 seconds, 200 of them; then TenantBusy. Held time is what counts. */
export const TURNS = {
  patience: 5_000,
  maxWaiting: 200,
  charge: 'time',
  refuse: (why) => new TenantBusy(BUSY[why]),
} as const satisfies Partial<FairQueueOptions>
