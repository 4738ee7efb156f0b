import http, { type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import https from 'node:https'
import { BridgeFailure } from './failure.ts'
import { codeOf } from './private-file.ts'
import { isSafe, shown } from './target.ts'

export interface OutgoingRequest {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal?: AbortSignal
  /** May be sent twice when a kept connection turns out to be dead, at which nobody knows whether the first was read. Default true. */
  readonly repeatable?: boolean
}

export interface Incoming {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Read it to its end or destroy it, else the connection stays. */
  readonly body: IncomingMessage
}

/**
 * HTTP to one MCP server. Node's own client, because it follows no redirect (so a token never does), has no time limit on a stream that
 * is silent for minutes, and is there at once when the program starts.
 */
export interface Outgoing {
  /**
   * Any status is an answer; the body is a stream.
   * @throws BridgeFailure `unavailable` when no answer came; the abort reason when the signal ended it.
   */
  send(url: URL, request: OutgoingRequest): Promise<Incoming>
  /** Lets go of kept connections. */
  close(): void
}

/** Milliseconds for the name, the connection and TLS. An answer may take as long as it takes. */
const CONNECT = 15_000
const DEAD: ReadonlySet<unknown> = new Set(['ECONNRESET', 'EPIPE'])

export function createOutgoing(): Outgoing {
  // An idle connection is let go before servers do that (Node after 5 s): what is not sent on a dead one need not be sent twice.
  const idle = { keepAlive: true, timeout: 4000 }
  const agents = { 'http:': new http.Agent(idle), 'https:': new https.Agent(idle) }

  async function once(url: URL, { method, headers, body, signal }: OutgoingRequest): Promise<Incoming> {
    return await new Promise((resolve, reject) => {
      const secure = url.protocol === 'https:'
      const request = (secure ? https : http).request(url, {
        method,
        headers: { ...headers, ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }) },
        agent: secure ? agents['https:'] : agents['http:'],
        ...(signal === undefined ? {} : { signal }),
      })
      const late = setTimeout(() => request.destroy(Object.assign(new Error('late'), { code: 'ETIMEDOUT' })), CONNECT)
      request.once('socket', (socket) => {
        if (socket.connecting) socket.once(secure ? 'secureConnect' : 'connect', () => clearTimeout(late))
        else clearTimeout(late)
      })
      request.once('response', (answer) => {
        clearTimeout(late)
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: answer })
      })
      request.once('error', (error) => {
        clearTimeout(late)
        // A kept connection that the server closed meanwhile: nothing was judged yet.
        reject(Object.assign(error, { stale: request.reusedSocket && DEAD.has(codeOf(error)) }))
      })
      request.end(body)
    })
  }

  return {
    async send(url, request) {
      if (!isSafe(url)) throw new BridgeFailure('refused', `${shown(url)} is not https`)
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await once(url, request)
        } catch (error) {
          request.signal?.throwIfAborted()
          const stale = error instanceof Error && 'stale' in error && error.stale === true
          if (stale && request.repeatable !== false && attempt < 3) continue
          throw new BridgeFailure('unavailable', `${shown(url)} cannot be reached (${String(codeOf(error))})`)
        }
      }
    },
    close() {
      agents['http:'].destroy()
      agents['https:'].destroy()
    },
  }
}

/** The body as text, as far as `most` bytes; what is beyond is not read. */
export async function readBody(body: AsyncIterable<unknown>, most: number): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk))
    chunks.push(bytes)
    size += bytes.byteLength
    if (size > most) break
  }
  return Buffer.concat(chunks).subarray(0, most).toString('utf8')
}
