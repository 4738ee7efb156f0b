import type { FastifyReply } from 'fastify'
import { setTimeout as sleep } from 'node:timers/promises'

/** Milliseconds between two looks at whether the reader of an open stream may still read it (D22). */
const RECHECK = 1000
/** Milliseconds between two looks at who still waits for a turn. */
const GLANCE = 5
/** An answer under way. */
export interface Flight {
  /** Aborted when nobody waits for the answer any more, or may read it. Made when it is asked for: an answer that is at once there needs none. */
  readonly signal: AbortSignal
  /** Calls when that happens, with the reason; answers how to end that. One at a time. */
  whenGone(stop: (reason: unknown) => void): () => void
  /** For a stream: looks every second whether its reader may still read it, and ends it when `recheck` rejects (D22). */
  watch(recheck: () => Promise<void>): void
}

/** All answers under way, so that the server can let them finish before it ends. */
export interface Flights {
  /** How many are open now. `stream`: those answered as a stream of events; `listen`: those without an end of their own. */
  open(): { readonly call: number; readonly stream: number; readonly listen: number }
  /** @param endless nobody waits for it: subscriptions/listen has no end of its own. */
  take(reply: FastifyReply, endless: boolean): Flight
  /**
   * Resolves when the last one has ended, or after `patience` ms, when what is left is ended.
   * @param waiting how many were let in and wait for their turn: they take off later, and are waited for too.
   */
  drain(patience: number, waiting?: () => number): Promise<void>
}

export function createFlights(): Flights {
  const open = new Set<OpenFlight>()
  const count = (is: (flight: OpenFlight) => boolean): number => [...open].filter(is).length
  return {
    open: () => ({
      call: count(({ endless, streams }) => !endless && !streams),
      stream: count(({ endless, streams }) => !endless && streams),
      listen: count(({ endless }) => endless),
    }),
    take(reply, endless) {
      const flight = new OpenFlight(reply, endless)
      // Whose `close` has been would stay for ever.
      if (reply.raw.destroyed) {
        flight.abort()
        return flight
      }
      open.add(flight)
      reply.raw.once('close', () => {
        open.delete(flight)
        flight.end()
      })
      return flight
    },
    async drain(patience, waiting = () => 0) {
      const enough = new AbortController()
      const until = performance.now() + patience
      const late = sleep(patience, undefined, { signal: enough.signal }).catch(() => undefined)
      for (let idle = false; performance.now() < until;) {
        const calls = [...open].filter(({ endless }) => !endless).map(async (flight) => await flight.ended())
        const before = idle
        idle = calls.length === 0 && waiting() === 0
        // Twice in a row: who has just been given a turn has not taken off yet.
        if (idle && before) break
        await Promise.race([calls.length > 0 ? Promise.all(calls) : sleep(GLANCE), late])
      }
      enough.abort()
      for (const flight of open) flight.abort()
    },
  }
}

class OpenFlight implements Flight {
  readonly endless: boolean
  streams = false
  readonly #reply: FastifyReply
  #gone: AbortController | null = null
  #stop: ((reason: unknown) => void) | null = null
  #reason: Error | null = null
  readonly #landed: (() => void)[] = []

  constructor(reply: FastifyReply, endless: boolean) {
    this.#reply = reply
    this.endless = endless
  }

  get signal(): AbortSignal {
    this.#gone ??= new AbortController()
    if (this.#reason !== null) this.#gone.abort(this.#reason)
    return this.#gone.signal
  }

  whenGone(stop: (reason: unknown) => void): () => void {
    this.#stop = stop
    if (this.#reason !== null) stop(this.#reason)
    return () => {
      this.#stop = null
    }
  }

  watch(recheck: () => Promise<void>): void {
    this.streams = true
    const { raw } = this.#reply
    if (raw.destroyed) return
    const looking = setInterval(() => void recheck().catch(() => this.abort()), RECHECK)
    this.signal.addEventListener('abort', () => raw.destroy(), { once: true })
    raw.once('close', () => clearInterval(looking))
  }

  abort(): void {
    this.#reason ??= new DOMException('nobody waits for the answer any more', 'AbortError')
    this.#stop?.(this.#reason)
    this.#gone?.abort(this.#reason)
  }

  /** The answer was closed, sent or not. */
  end(): void {
    if (!this.#reply.raw.writableFinished) this.abort()
    for (const landed of this.#landed) landed()
  }

  async ended(): Promise<void> {
    await new Promise<void>((landed) => void this.#landed.push(landed))
  }
}
