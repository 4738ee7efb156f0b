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

export function createOutgoing(): Outgoing {
  const agents = { 'http:': new http.Agent({ keepAlive: true }), 'https:': new https.Agent({ keepAlive: true }) }

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
        reject(Object.assign(error, { stale: request.reusedSocket && codeOf(error) === 'ECONNRESET' }))
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
          if (attempt < 3 && error instanceof Error && 'stale' in error && error.stale === true) continue
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
