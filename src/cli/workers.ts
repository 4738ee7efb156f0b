import cluster, { type Worker } from 'node:cluster'
import type { Log } from '#base/log.ts'
import { EXIT, type Exit } from './terminal.ts'
import { relayMetrics, type Channel } from './worker-metrics.ts'
import { createPatience } from './worker-patience.ts'

export interface WorkersOptions {
  readonly count: number
  /** Milliseconds from the word to stop to the end of calls in flight. */
  readonly shutdownTimeout: number
  readonly log: Log
}

/** What the primary says to a worker that listens; also heard twice it means once. */
export const STOP = 'stop'
/** Milliseconds beyond `shutdownTimeout` in which a worker can say itself that it is late. */
const LENIENCE = 500

interface Place {
  readonly number: number
  readonly patience: ReturnType<typeof createPatience>
  worker: Worker | null
  listens: boolean
  again: NodeJS.Timeout | undefined
}

/**
 * Runs this same command line `count` times, all listening on one port (node:cluster; the connections are dealt out in turn), and takes over
 * the process: SIGTERM and its like let all workers finish their calls, a second one ends them at once. One that dies is started again.
 * The first starts alone, so that it migrates and what is wrong is said once; the others when it listens.
 * @returns `done` when all listen; the process then ends when they have ended. Otherwise the exit code of the first, which could not start.
 */
export async function runWorkers({ count, shutdownTimeout, log }: WorkersOptions): Promise<Exit> {
  const own = process.argv.slice(2)
  const asking = new Map<string, Channel>()
  const channels = new Map<Place, Channel>()
  const places = Array.from({ length: count }, (_, index): Place => {
    return { number: index + 1, patience: createPatience(), worker: null, listens: false, again: undefined }
  })
  let stopping = false
  /** Did any ever listen? */
  let served = false
  /** The exit code of the program. */
  let exit: Exit = EXIT.done
  let started: ((exit: Exit) => void) | null = null

  function begin(place: Place): void {
    cluster.setupPrimary({ args: [...own, `--worker=${place.number}`] })
    const worker = cluster.fork()
    const begun = performance.now()
    const channel = channelOf(worker)
    place.worker = worker
    worker.once('listening', () => {
      served = true
      place.listens = true
      channels.set(place, channel)
      log.info({ worker: place.number, pid: worker.process.pid }, 'a worker listens')
      for (const other of places) if (other.worker === null && other.again === undefined && !stopping) begin(other)
      if (places.every(({ listens }) => listens)) started?.(EXIT.done)
    })
    relayMetrics(channel, () => [...channels.values()].filter((each) => each !== channel), asking)
    let over = false
    const ended = (code: number | null, signal: string | null): void => {
      if (over) return
      over = true
      const listened = place.listens
      place.worker = null
      place.listens = false
      channels.delete(place)
      ending(place, { code, signal, listened, lived: performance.now() - begun })
    }
    worker.on('exit', ended)
    // It could not be made at all (no memory, no process left): there is no exit then.
    worker.on('error', (error) => {
      log.error({ err: error, worker: place.number }, 'a worker could not be reached')
      if (worker.process.pid === undefined) ended(EXIT.failed, null)
    })
  }

  function ending(
    place: Place,
    end: {
      readonly code: number | null
      readonly signal: string | null
      readonly listened: boolean
      readonly lived: number
    },
  ): void {
    const facts = { worker: place.number, code: end.code, signal: end.signal }
    if (stopping) {
      // One that did not listen yet had no calls, and was ended by us.
      if (end.code !== 0 && end.listened) exit ||= EXIT.failed
      if (places.every(({ worker }) => worker === null)) finish()
      return
    }
    const code = end.code === EXIT.configuration ? EXIT.configuration : EXIT.failed
    // The first of all: what keeps it from starting is said already, on stderr.
    const wait = served ? place.patience(end) : null
    if (wait === null) {
      log.fatal(facts, 'a worker cannot be started: stopping')
      exit = code
      return stop()
    }
    log.error({ ...facts, wait_ms: wait }, 'a worker ended: it is started again')
    place.again = setTimeout(() => {
      place.again = undefined
      begin(place)
    }, wait)
  }

  function stop(signal?: NodeJS.Signals): void {
    if (stopping) return kill()
    stopping = true
    if (signal !== undefined) log.info({ signal }, 'stopping all workers')
    for (const { again, listens, worker } of places) {
      clearTimeout(again)
      if (listens) worker?.send(STOP, () => {})
      else worker?.process.kill('SIGTERM')
    }
    setTimeout(kill, shutdownTimeout + LENIENCE)
    if (places.every(({ worker }) => worker === null)) finish()
  }

  function kill(): void {
    for (const { worker } of places) worker?.process.kill('SIGKILL')
    exit ||= EXIT.failed
    finish()
  }

  function finish(): void {
    // Before anything listened this is a command that failed, and ends as one.
    if (!served && exit !== EXIT.done) return started?.(exit)
    process.exit(exit)
  }

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'] as const)
    process.on(signal, () => stop(signal))
  const [first] = places
  return await new Promise<Exit>((resolve) => {
    started = (answer) => {
      started = null
      resolve(answer)
    }
    if (first !== undefined) begin(first)
  })
}

const channelOf = (worker: Worker): Channel => ({
  on: (event, hear) => worker.on(event, hear),
  // A worker that is gone hears nothing.
  send: (message) => void worker.send(message, () => {}),
})
