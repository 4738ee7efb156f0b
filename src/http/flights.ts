import type { FastifyReply } from 'fastify'
import { setTimeout as sleep } from 'node:timers/promises'

/** Milliseconds between two looks at whether the reader of an open stream may still read it (D22). */
const RECHECK = 1000
/** Milliseconds between two looks at who still waits for a turn. */
const GLANCE = 5
/** An answer under way. */
interface Flight {
  /** Aborted when nobody waits for the answer any more, or may read it. */
  readonly signal: AbortSignal
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
  const open = new Map<
    AbortController,
    { readonly endless: boolean; readonly ended: Promise<void>; streams: boolean }
  >()
  const count = (is: (flight: { readonly endless: boolean; readonly streams: boolean }) => boolean): number =>
    [...open.values()].filter(is).length
  return {
    open: () => ({
      call: count(({ endless, streams }) => !endless && !streams),
      stream: count(({ endless, streams }) => !endless && streams),
      listen: count(({ endless }) => endless),
    }),
    take(reply, endless) {
      const gone = new AbortController()
      const ended = new Promise<void>((resolve) => {
        reply.raw.once('close', () => {
          open.delete(gone)
          if (!reply.raw.writableFinished) gone.abort()
          resolve()
        })
      })
      const flight = { endless, ended, streams: false }
      // Whose `close` has been would stay for ever.
      if (reply.raw.destroyed) gone.abort()
      else open.set(gone, flight)
      const watch: Flight['watch'] = (recheck) => {
        flight.streams = true
        if (reply.raw.destroyed) return
        const looking = setInterval(() => void recheck().catch(() => gone.abort()), RECHECK)
        gone.signal.addEventListener('abort', () => reply.raw.destroy(), { once: true })
        reply.raw.once('close', () => clearInterval(looking))
      }
      return { signal: gone.signal, watch }
    },
    async drain(patience, waiting = () => 0) {
      const enough = new AbortController()
      const until = performance.now() + patience
      const late = sleep(patience, undefined, { signal: enough.signal }).catch(() => undefined)
      for (let idle = false; performance.now() < until;) {
        const calls = [...open.values()].filter(({ endless }) => !endless).map(({ ended }) => ended)
        const before = idle
        idle = calls.length === 0 && waiting() === 0
        // Twice in a row: who has just been given a turn has not taken off yet.
        if (idle && before) break
        await Promise.race([calls.length > 0 ? Promise.all(calls) : sleep(GLANCE), late])
      }
      enough.abort()
      for (const gone of open.keys()) gone.abort()
    },
  }
}
