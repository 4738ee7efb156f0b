import { TenantBusy } from './database.ts'

interface Waiter {
  readonly admit: () => void
}

interface Lane {
  held: number
  readonly waiting: Waiter[]
}

/**
 * How many calls of one tenant may hold a connection at once, first come first served, so that one tenant cannot starve the
 * rest (a role's CONNECTION LIMIT does nothing for SET ROLE). Lanes exist only while in use.
 */
export class TenantSemaphore {
  readonly #lanes = new Map<string, Lane>()
  readonly #limit: number
  readonly #patience: number
  readonly #maxWaiting: number
  #refused = 0

  /** @param patience milliseconds a call waits for its turn. */
  constructor({ limit, patience, maxWaiting }: { limit: number; patience: number; maxWaiting: number }) {
    this.#limit = limit
    this.#patience = patience
    this.#maxWaiting = maxWaiting
  }

  /** Calls that wait for their turn now, of all tenants. */
  get waiting(): number {
    return [...this.#lanes.values()].reduce((sum, { waiting }) => sum + waiting.length, 0)
  }

  /** Calls that got no turn so far. */
  get refused(): number {
    return this.#refused
  }

  /** Answers the function that gives the place back. Throws TenantBusy, or the signal's reason. */
  async enter(tenant: string, signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted()
    const lane = this.#lanes.get(tenant) ?? { held: 0, waiting: [] }
    this.#lanes.set(tenant, lane)
    if (lane.held < this.#limit) lane.held += 1
    else await this.#queue(lane, signal)
    return () => {
      const next = lane.waiting.shift()
      if (next !== undefined) return next.admit()
      lane.held -= 1
      if (lane.held === 0) this.#lanes.delete(tenant)
    }
  }

  async #queue(lane: Lane, signal: AbortSignal | undefined): Promise<void> {
    if (lane.waiting.length >= this.#maxWaiting) {
      this.#refused += 1
      throw new TenantBusy('too many calls of this tenant are waiting')
    }
    let forget = (): void => {}
    try {
      await new Promise<void>((resolve, reject) => {
        const waiter: Waiter = { admit: resolve }
        lane.waiting.push(waiter)
        const leave = (reason: unknown): void => {
          const at = lane.waiting.indexOf(waiter)
          if (at === -1) return
          lane.waiting.splice(at, 1)
          if (reason instanceof TenantBusy) this.#refused += 1
          reject(reason instanceof Error ? reason : new Error('aborted', { cause: reason }))
        }
        const late = setTimeout(
          leave,
          this.#patience,
          new TenantBusy('no connection came free for this tenant in time'),
        )
        const abort = (): void => leave(signal?.reason)
        signal?.addEventListener('abort', abort)
        forget = () => {
          clearTimeout(late)
          signal?.removeEventListener('abort', abort)
        }
      })
    } finally {
      forget()
    }
  }
}
