/**
 * A small server that speaks as much of the Redis protocol (RESP2) as the rate limits send: no npm package brings a Redis or Valkey that runs
 * without a download after its installation. What it does with the commands is what Redis documents for them.
 */
import { createServer, type Server, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'

export interface RespServer {
  /** redis://127.0.0.1:port */
  readonly url: string
  /** Every command so far, names in upper case. */
  readonly commands: readonly (readonly string[])[]
  /** What is stored, with when it ends. */
  readonly values: ReadonlyMap<string, { readonly value: number; readonly until: number }>
  /** Takes commands and answers none, as a server whose network is gone. */
  hang(on: boolean): void
  /** Answers every count with this error, its code first; null: no longer. */
  refuse(error: string | null): void
  /** Cuts every connection and takes no new ones. */
  stop(): Promise<void>
  /** Listens again on the same port. */
  start(): Promise<void>
}

const SCRIPT = /^redis\.call\('set', KEYS\[1\], 0, 'EX', ARGV\[2\], 'NX'\)/

export async function startRespServer(): Promise<RespServer> {
  const values = new Map<string, { value: number; until: number }>()
  const commands: string[][] = []
  const sockets = new Set<Socket>()
  let hangs = false
  let refusal: string | null = null
  let port = 0
  let server: Server | null = null

  function held(key: string): { value: number; until: number } | null {
    const entry = values.get(key)
    if (entry !== undefined && entry.until > Date.now()) return entry
    values.delete(key)
    return null
  }

  function answerTo([name = '', ...rest]: readonly string[]): string {
    if (name === 'CLIENT' || name === 'SELECT' || name === 'AUTH') return '+OK\r\n'
    if (name === 'PING') return '+PONG\r\n'
    if (name === 'EVAL' && refusal !== null) return `-${refusal}\r\n`
    if (name === 'EVAL' && SCRIPT.test(rest[0] ?? '') && rest[1] === '1') {
      const [, , key = '', points = '0', seconds = '0'] = rest
      const entry = held(key) ?? { value: 0, until: Date.now() + Number(seconds) * 1000 }
      entry.value += Number(points)
      values.set(key, entry)
      return `*2\r\n:${entry.value}\r\n:${entry.until - Date.now()}\r\n`
    }
    return `-ERR unknown command '${name}'\r\n`
  }

  function serve(socket: Socket): void {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    let rest = ''
    socket.setEncoding('latin1')
    socket.on('data', (data: string) => {
      rest += data
      for (let read = command(rest); read !== null; read = command(rest)) {
        rest = rest.slice(read.length)
        const [name = '', ...more] = read.words
        commands.push([name.toUpperCase(), ...more])
        if (!hangs) socket.write(answerTo([name.toUpperCase(), ...more]), 'latin1')
      }
    })
  }

  const start = async (): Promise<void> => {
    const listening = createServer(serve)
    await new Promise<void>((resolve) => listening.listen(port, '127.0.0.1', resolve))
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- of a TCP server it is one
    port = (listening.address() as AddressInfo).port
    server = listening
  }
  await start()
  return {
    url: `redis://127.0.0.1:${port}`,
    commands,
    values,
    hang(on) {
      hangs = on
      // What was not answered never will be: the client has to connect anew.
      if (!on) for (const socket of sockets) socket.destroy()
    },
    refuse(error) {
      refusal = error
    },
    async stop() {
      const ended = server
      server = null
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => (ended === null ? resolve(null) : ended.close(resolve)))
    },
    start,
  }
}

/** The first command in a text, an array of bulk strings; null: not all of it is there yet. */
function command(text: string): { readonly words: readonly string[]; readonly length: number } | null {
  let at = 0
  const line = (): string | null => {
    const end = text.indexOf('\r\n', at)
    if (end === -1) return null
    const found = text.slice(at, end)
    at = end + 2
    return found
  }
  const head = line()
  if (head === null) return null
  const words: string[] = []
  for (let count = Number(head.slice(1)); count > 0; count -= 1) {
    const size = line()
    if (size === null) return null
    const length = Number(size.slice(1))
    if (text.length < at + length + 2) return null
    words.push(text.slice(at, at + length))
    at += length + 2
  }
  return { words, length: at }
}
