import type { Readable, Writable } from 'node:stream'
import { isObject, parseJson, type JsonObject } from './json.ts'
import { CODES, failure, idOf, request, type Message } from './message.ts'

/** The program that started the bridge: one message per line, both ways (MCP basic/transports, stdio). */
export interface Host {
  /** Every message of the host, in order; ends with its input. What is no message is answered here. */
  messages(): AsyncGenerator<Message>
  readonly send: (message: Message) => void
  /** Asks the host something on behalf of a server; its answer, whatever it says. Rejects when the signal ends it. */
  ask(method: string, params: JsonObject, signal: AbortSignal): Promise<Message>
  /** Is this the answer to something the bridge asked? Then it is taken. */
  settle(answer: Message): boolean
}

/** Most characters of one line. */
const MOST = 32 * 1024 * 1024

export function createHost(input: Readable, output: Writable): Host {
  const asked = new Map<string, (answer: Message) => void>()
  let asks = 0
  const send = (message: Message): void => {
    output.write(`${JSON.stringify(message)}\n`)
  }

  return {
    send,
    async *messages() {
      input.setEncoding('utf8')
      let held = ''
      for await (const chunk of piecesOf(input)) {
        held += chunk
        const lines = held.split('\n')
        held = lines.pop() ?? ''
        if (held.length > MOST) throw new Error('a line of the host is too long')
        for (const line of lines) yield* messagesOf(line)
      }
      yield* messagesOf(held)
    },
    async ask(method, params, signal) {
      signal.throwIfAborted()
      asks += 1
      const id = `gatehouse-ask-${asks}`
      return await new Promise((resolve, reject) => {
        const stop = (): void => {
          asked.delete(id)
          reject(signal.reason instanceof Error ? signal.reason : new Error('ended'))
        }
        signal.addEventListener('abort', stop, { once: true })
        asked.set(id, (answer) => {
          signal.removeEventListener('abort', stop)
          resolve(answer)
        })
        send(request(id, method, params))
      })
    },
    settle(answer) {
      const id = idOf(answer)
      const resolve = typeof id === 'string' ? asked.get(id) : undefined
      if (resolve === undefined || typeof id !== 'string') return false
      asked.delete(id)
      resolve(answer)
      return true
    },
  }

  /** A batch (2025-03-26) is its messages, one by one. */
  function* messagesOf(line: string): Generator<Message> {
    if (line.trim() === '') return
    const value = parseJson(line)
    if (value === undefined) {
      send(failure(null, { code: CODES.parse, message: 'Parse error' }))
      return
    }
    for (const one of Array.isArray(value) ? value : [value]) {
      if (isObject(one)) yield one
      else send(failure(null, { code: CODES.invalid, message: 'Invalid Request' }))
    }
  }
}

/** An input that was torn off has ended, too. */
async function* piecesOf(input: Readable): AsyncGenerator<string> {
  try {
    for await (const chunk of input) yield String(chunk)
  } catch {
    // The host is gone.
  }
}
