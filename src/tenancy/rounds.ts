import type { Log } from '#base/log.ts'

export interface RoundsOptions {
  /** One round. What it throws is logged, and the next round comes all the same. */
  readonly run: () => Promise<unknown>
  /** Milliseconds to the first round; default 1 s, and never longer than `every`. */
  readonly first?: number
  /** Milliseconds from the end of one round to the next. */
  readonly every: number
  /** False: the registry cannot be used yet, so nothing is tried. */
  readonly ready: () => boolean
  readonly log: Log
  /** What is logged when a round fails. */
  readonly failure: string
}

/** Work in the background, again and again. */
export interface Rounds {
  /** Rounds from now on; does not keep the process alive. */
  start(): void
  /** Waits for a round under way. */
  close(): Promise<void>
}

/** A server that was away looks soon at what became due meanwhile. Milliseconds. */
const FIRST = 1_000

export function createRounds({ run, first = FIRST, every, ready, log, failure }: RoundsOptions): Rounds {
  let timer: NodeJS.Timeout | null = null
  let closed = false
  let running: Promise<unknown> = Promise.resolve()

  function schedule(wait: number): void {
    if (closed) return
    timer = setTimeout(() => {
      running = (ready() ? run() : Promise.resolve())
        .catch((error: unknown) => log.warn({ err: error }, failure))
        .finally(() => schedule(every))
    }, wait)
    timer.unref()
  }

  return {
    start: () => schedule(Math.min(first, every)),
    async close() {
      closed = true
      if (timer !== null) clearTimeout(timer)
      await running
    },
  }
}
