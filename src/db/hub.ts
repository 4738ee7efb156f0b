import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import type { Log } from '#base/log.ts'
import { CHANNEL, NEWS_CHANNEL, parseChange } from './change.ts'
import type { Change, Listener } from './database.ts'

export interface HubOptions {
  /** How to connect: directly, as a pooler in transaction mode does not deliver notifications. */
  readonly connect: () => pg.ClientConfig
  readonly log: Log
  /** Milliseconds between heartbeats; one that has not come back by the next means that changes may be missed (D21). */
  readonly heartbeat?: number
}

interface Subscriber {
  readonly onChange?: (change: Change) => void
  readonly onNews?: (text: string) => void
  readonly onGap: () => void
}

const HEARTBEAT = 2_000
const LONGEST_WAIT = 10_000
/** A connection whose other end is gone never finishes saying goodbye. */
const CLOSE_PATIENCE = 1_000

/**
 * The one LISTEN connection of a process, made at the first subscription and held up from then on. Alive means: a notification
 * that it sent to itself came back, which no half-open socket and no pooler can fake.
 */
export class Hub {
  readonly #options: HubOptions
  readonly #interval: number
  readonly #beat = `gatehouse_beat_${randomBytes(8).toString('hex')}`
  readonly #subscribers = new Set<Subscriber>()
  #client: pg.Client | null = null
  #timer: NodeJS.Timeout | undefined
  #live = false
  #answered = false
  #failures = 0
  #gaps = 0
  #closed = false

  constructor(options: HubOptions) {
    this.#options = options
    this.#interval = options.heartbeat ?? HEARTBEAT
  }

  /** Are changes known to arrive? */
  get live(): boolean {
    return this.#live
  }

  /** How often some may have been missed. The first moment of listening counts: nobody knows what was before. */
  get gaps(): number {
    return this.#gaps
  }

  async listen(onChange: (change: Change) => void, onGap: () => void): Promise<Listener> {
    await this.#subscribe({ onChange, onGap })
    const live = (): boolean => this.#live
    return {
      get live() {
        return live()
      },
    }
  }

  async hear(onNews: (text: string) => void, onGap: () => void): Promise<void> {
    await this.#subscribe({ onNews, onGap })
  }

  async #subscribe(subscriber: Subscriber): Promise<void> {
    this.#subscribers.add(subscriber)
    if (this.#client === null && this.#timer === undefined && !this.#closed) await this.#open()
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#live = false
    const client = this.#client
    this.#client = null
    if (client !== null) await Promise.race([client.end().catch(() => {}), pause(CLOSE_PATIENCE, null, { ref: false })])
  }

  async #open(): Promise<void> {
    const client = new pg.Client(this.#options.connect())
    this.#client = client
    client.on('error', () => this.#lost(client))
    client.on('end', () => this.#lost(client))
    client.on('notification', ({ channel, payload }) => this.#hear(client, channel, payload))
    try {
      await client.connect()
      await client.query(`LISTEN ${CHANNEL}; LISTEN ${NEWS_CHANNEL}; LISTEN ${this.#beat}; NOTIFY ${this.#beat}`)
    } catch {
      return this.#lost(client)
    }
    this.#answered = true
    this.#schedule(this.#interval, () => this.#check(client))
  }

  #hear(client: pg.Client, channel: string, payload: string | undefined): void {
    if (client !== this.#client) return
    if (channel === this.#beat) {
      this.#answered = true
      this.#failures = 0
      if (this.#live) return
      this.#live = true
      // What was missed before this moment nobody knows.
      return this.#gap()
    }
    if (channel === NEWS_CHANNEL) for (const { onNews } of this.#subscribers) onNews?.(payload ?? '')
    const change = channel === CHANNEL ? parseChange(payload) : null
    if (change !== null) for (const { onChange } of this.#subscribers) onChange?.(change)
  }

  #check(client: pg.Client): void {
    if (client !== this.#client) return
    if (!this.#answered) return this.#lost(client)
    this.#answered = false
    client.query(`NOTIFY ${this.#beat}`).catch(() => this.#lost(client))
    this.#schedule(this.#interval, () => this.#check(client))
  }

  #lost(client: pg.Client): void {
    if (client !== this.#client || this.#closed) return
    this.#client = null
    void client.end().catch(() => {})
    this.#failures += 1
    if (this.#live) {
      this.#live = false
      this.#options.log.warn('the connection that hears of changes was lost: what is cached is kept for 5 s only')
      this.#gap()
    }
    const wait = Math.min(LONGEST_WAIT, 100 * 2 ** this.#failures) * (0.5 + Math.random() / 2)
    this.#schedule(wait, () => void this.#open())
  }

  #gap(): void {
    this.#gaps += 1
    for (const { onGap } of this.#subscribers) onGap()
  }

  #schedule(wait: number, then: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      then()
    }, wait).unref()
  }
}
