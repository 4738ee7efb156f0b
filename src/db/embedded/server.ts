import { timingSafeEqual } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'
import type { Log } from '#base/log.ts'
import { Session } from './session.ts'
import {
  askPassword,
  endsBatch,
  fatal,
  Framer,
  listens,
  passwordOf,
  query,
  readAnswer,
  startupKind,
  sync,
  welcome,
  type Message,
} from './wire.ts'

export interface EmbeddedServerOptions {
  readonly folder: string
  /** Asked of every client; null on a socket file, which the file system guards. */
  readonly password: string | null
  readonly log: Log
}

interface Client {
  readonly socket: Socket
  readonly framer: Framer
  readonly number: number
  state: 'new' | 'password' | 'waiting' | 'open'
  /** It sent LISTEN: it hears every notification. */
  listening: boolean
  /** Messages of a batch that is not complete yet. */
  readonly parts: Buffer[]
  /** Complete batches, waiting for the session. */
  readonly batches: Buffer[]
}

/** What pg tools show; the session's own answer to `SHOW server_version` is longer. */
const VERSION = '18.6 (PGlite)'
/** A statement whose client has gone is given this long before the thread is ended. */
const GRACE = 1_000
/** Nothing may hold the one session for longer: above any tool's limit. */
const LONGEST_HOLD = 310_000
/** Whatever a client left in the session is gone before the next one speaks. The channel is the only one there is besides heartbeats. */
const RESET = query('DISCARD ALL')

/**
 * Speaks the Postgres protocol to any number of clients and passes them to the one session of PGlite, a transaction at a time: a client
 * holds the session from its first complete batch until Postgres answers that no transaction is open.
 */
export class EmbeddedServer {
  readonly #options: EmbeddedServerOptions
  readonly #session: Session
  readonly #server: Server
  readonly #clients = new Set<Client>()
  /** Who waits for the session, in order. */
  readonly #queue: Client[] = []
  /** Channels that any client listens on; the session must, as it is told of no others. */
  readonly #listens = new Set<string>()
  #holder: Client | null = null
  #last: Client | null = null
  #busy = false
  #count = 0
  #holdTimer: NodeJS.Timeout | undefined
  #closed = false

  constructor(options: EmbeddedServerOptions) {
    this.#options = options
    this.#session = new Session({
      folder: options.folder,
      log: options.log,
      onLost: () => this.#dropAll(),
      onReady: () => this.#admitAll(),
    })
    this.#server = createServer((socket) => this.#connect(socket))
  }

  /** Answers once it listens and the database is open. */
  async start(at: { path: string } | { host: string; port: number }): Promise<Server> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(at, resolve)
    })
    await this.#session.start()
    return this.#server
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const client of this.#clients) client.socket.destroy()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
    await this.#session.close()
  }

  #connect(socket: Socket): void {
    this.#count += 1
    const client: Client = {
      socket,
      framer: new Framer(),
      number: this.#count,
      state: 'new',
      listening: false,
      parts: [],
      batches: [],
    }
    this.#clients.add(client)
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.on('close', () => this.#leave(client))
    socket.on('data', (data) => {
      try {
        client.framer.push(data)
        this.#read(client)
      } catch {
        socket.destroy()
      }
    })
  }

  #read(client: Client): void {
    for (;;) {
      const message = client.framer.next(client.state !== 'new')
      if (message === null) return
      if (client.state === 'new') this.#startup(client, message)
      else if (client.state === 'password') this.#password(client, message)
      else this.#collect(client, message)
    }
  }

  #startup(client: Client, message: Message): void {
    const kind = startupKind(message)
    if (kind === 'encryption') return void client.socket.write('N')
    // A statement cannot be cancelled here; its client leaves next, and that ends it.
    if (kind !== 'session') return void client.socket.destroy()
    if (this.#options.password === null) return this.#admit(client)
    client.state = 'password'
    client.socket.write(askPassword())
  }

  #password(client: Client, message: Message): void {
    const given = Buffer.from(message.type === 'p' ? passwordOf(message) : '')
    const wanted = Buffer.from(this.#options.password ?? '')
    if (given.length === wanted.length && timingSafeEqual(given, wanted)) return this.#admit(client)
    client.socket.end(fatal('28P01', 'password authentication failed'))
  }

  #admit(client: Client): void {
    client.state = this.#session.ready ? 'open' : 'waiting'
    if (client.state === 'open') client.socket.write(welcome(VERSION, client.number))
  }

  #admitAll(): void {
    for (const client of this.#clients) if (client.state === 'waiting') this.#admit(client)
    this.#advance()
  }

  #collect(client: Client, message: Message): void {
    if (message.type === 'X') return void client.socket.end()
    client.parts.push(message.bytes)
    if (listens(message)) this.#subscribe(client, message)
    if (!endsBatch(message.type)) return
    client.batches.push(Buffer.concat(client.parts.splice(0)))
    if (client !== this.#holder && !this.#queue.includes(client)) this.#queue.push(client)
    this.#advance()
  }

  #subscribe(client: Client, { bytes }: Message): void {
    client.listening = true
    for (const [, channel] of bytes.toString('latin1', 5).matchAll(/\bLISTEN\s+([a-z_][a-z0-9_]*)/gi)) {
      if (channel !== undefined) this.#listens.add(channel)
    }
  }

  /** Gives the session its next batch: the holder's, or that of whoever waited longest. */
  #advance(): void {
    if (this.#busy || !this.#session.ready || this.#closed) return
    if (this.#holder === null) {
      const next = this.#queue.shift()
      if (next === undefined) return
      this.#hold(next)
    }
    const batch = this.#holder?.batches.shift()
    if (batch !== undefined) void this.#run(this.#holder, batch)
  }

  async #run(client: Client | null, batch: Buffer): Promise<void> {
    this.#busy = true
    if (client !== this.#last) {
      this.#last = client
      const again = [...this.#listens].map((channel) => query(`LISTEN ${channel}`))
      await this.#exchange(Buffer.concat([RESET, ...again]))
    }
    const { bytes, status } = await this.#exchange(batch)
    this.#busy = false
    if (client !== null && !client.socket.destroyed) client.socket.write(bytes)
    if (status === 'I') this.#letGo()
    else if (client === null || client.socket.destroyed) return this.#rollBack()
    this.#advance()
  }

  async #exchange(batch: Buffer): Promise<{ bytes: Buffer; status: string | null }> {
    const answer = readAnswer(await this.#session.exchange(batch))
    for (const notification of answer.notifications) {
      for (const client of this.#clients) if (client.listening) client.socket.write(notification)
    }
    return answer
  }

  #hold(client: Client): void {
    this.#holder = client
    this.#holdTimer = setTimeout(() => this.#session.end(), LONGEST_HOLD)
  }

  #letGo(): void {
    clearTimeout(this.#holdTimer)
    const client = this.#holder
    this.#holder = null
    if (client !== null && client.batches.length > 0) this.#queue.push(client)
  }

  /** The holder is gone with its transaction open. */
  #rollBack(): void {
    if (this.#holder !== null) this.#holder.batches.length = 0
    // The Sync first: after an error within a batch Postgres hears nothing else.
    void this.#run(this.#last, Buffer.concat([sync(), query('ROLLBACK')]))
  }

  #leave(client: Client): void {
    this.#clients.delete(client)
    const at = this.#queue.indexOf(client)
    if (at !== -1) this.#queue.splice(at, 1)
    client.batches.length = 0
    if (client !== this.#holder || this.#closed) return
    if (!this.#busy) return this.#rollBack()
    clearTimeout(this.#holdTimer)
    this.#holdTimer = setTimeout(() => this.#session.end(), GRACE)
  }

  /** The thread ended: every transaction is lost, and clients learn it as from any server that went away. */
  #dropAll(): void {
    clearTimeout(this.#holdTimer)
    this.#holder = null
    this.#last = null
    this.#busy = false
    this.#queue.length = 0
    for (const client of this.#clients) if (client.state === 'open') client.socket.destroy()
  }
}
