import { once } from 'node:events'
import type { Worker } from 'node:worker_threads'
import type { Log } from '#base/log.ts'
import { startThread } from '#base/thread.ts'

export interface SessionOptions {
  readonly folder: string
  readonly log: Log
  /** The thread ended by itself or by `end`: whatever was under way is lost, a new one is being started. */
  readonly onLost: () => void
  readonly onReady: () => void
}

const LONGEST_PAUSE = 5_000
const CLOSE_PATIENCE = 10_000

/** The one session that PGlite has, in its thread; started again whenever the thread ends before `close`. */
export class Session {
  readonly #options: SessionOptions
  #worker: Worker | null = null
  #ready = false
  #failures = 0
  #closed = false
  #waiting: { resolve(data: Buffer): void }[] = []

  constructor(options: SessionOptions) {
    this.#options = options
  }

  get ready(): boolean {
    return this.#ready
  }

  /** Answers once the database is open. Throws when it cannot be opened the first time. */
  async start(): Promise<void> {
    const worker = startThread(new URL('./worker', import.meta.url), import.meta.url, { folder: this.#options.folder })
    this.#worker = worker
    let failure: unknown = null
    worker.on('error', (error) => {
      failure = error
    })
    worker.on('exit', () => this.#exited(worker, failure))
    worker.on('message', (data: Uint8Array | null) => {
      if (data !== null)
        return this.#waiting.shift()?.resolve(Buffer.from(data.buffer, data.byteOffset, data.byteLength))
      this.#ready = true
      this.#failures = 0
      this.#options.onReady()
    })
    await new Promise<void>((resolve, reject) => {
      worker.once('message', () => resolve())
      worker.once('exit', () => reject(new Error('the embedded database could not be opened', { cause: failure })))
    })
  }

  /** One batch of messages in, everything Postgres said to it out. Never settles when the thread ends: see onLost. */
  async exchange(batch: Buffer): Promise<Buffer> {
    return await new Promise((resolve) => {
      this.#waiting.push({ resolve })
      this.#worker?.postMessage(batch)
    })
  }

  /** Ends whatever runs, which PGlite itself cannot be asked to. */
  end(): void {
    void this.#worker?.terminate()
  }

  async close(): Promise<void> {
    this.#closed = true
    const worker = this.#worker
    if (worker === null) return
    const gone = once(worker, 'exit')
    worker.postMessage(null, [])
    const late = setTimeout(() => void worker.terminate(), CLOSE_PATIENCE)
    await gone
    clearTimeout(late)
  }

  #exited(worker: Worker, failure: unknown): void {
    if (worker !== this.#worker) return
    this.#worker = null
    this.#waiting = []
    if (this.#closed) return
    const opened = this.#ready
    this.#ready = false
    this.#options.onLost()
    this.#failures += 1
    // Never opened, and this is the first time: `start` tells its caller.
    if (!opened && this.#failures === 1) return
    this.#options.log.warn({ err: failure }, 'the embedded database was ended and is opened again')
    const pause = Math.min(LONGEST_PAUSE, 50 * 2 ** (this.#failures - 1))
    setTimeout(() => {
      if (!this.#closed) this.start().catch(() => {})
    }, pause)
  }
}
