import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Socket } from 'node:net'
import type { Log } from '#base/log.ts'
import { REFUSALS, Refusal } from '#base/refusal.ts'
import { DatabaseUnavailable, StatementTimeout, TenantBusy } from '#db/database.ts'
import type { Challenge } from './challenge.ts'
import { routedSlug } from './endpoints.ts'
import type { Hold } from './hold.ts'
import type { IpLimit } from './ip-limit.ts'
import type { Visits } from './visit.ts'

/** Octets of a body, where nothing else is said; of a longer one that nobody reads the connection is ended. */
export const BODY_LIMIT = 1024 * 1024

/** The same while the process has too much to do: to read and throw away what a flood sends would be most of the work. */
const SPARED = 64 * 1024

/** Rather than read a longer body that nobody wants, end the connection. */
const isUnread = ({ raw, headers }: FastifyRequest, most: number): boolean =>
  !raw.complete && (Number(headers['content-length'] ?? 0) > most || headers['transfer-encoding'] !== undefined)

export interface FailureOptions {
  readonly log: Log
  readonly visits: Visits
  readonly challenge: Challenge
  readonly ipLimit: IpLimit
  /** What a 429 waits for before it is sent. */
  readonly hold: Hold
  /** How the body is told where it is not plain JSON of these two members. */
  readonly shape?: (
    body: FailureBody,
    status: number,
    request: FastifyRequest,
  ) => { readonly type: string; readonly body: object }
}

interface FailureBody {
  readonly error: string
  readonly error_description: string
}

/** Answers whatever was thrown: a Refusal as its row says, anything else as a bug whose details stay in the log. */
export function createFailureHandler({ log, visits, challenge, ipLimit, hold, shape }: FailureOptions) {
  async function send(
    request: FastifyRequest,
    reply: FastifyReply,
    status: number,
    body: FailureBody,
  ): Promise<FastifyReply> {
    if (shape === undefined) return await reply.code(status).send(body)
    const shaped = shape(body, status, request)
    return await reply.code(status).type(shaped.type).send(JSON.stringify(shaped.body))
  }

  return async (error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const visit = visits(request)
    const thrown = refusalOf(error)
    if (isUnread(request, BODY_LIMIT)) reply.header('connection', 'close')
    if (thrown === null) {
      log.error({ request_id: visit.requestId, err: error }, 'internal error')
      return await send(request, reply, 500, {
        error: 'server_error',
        error_description: `Internal error, request ${visit.requestId}.`,
      })
    }
    const refusal = await counted(thrown, visit.principal === null, visit.ip)
    visit.refusal = refusal
    if (refusal.status === 429 && (await hold(reply)) && isUnread(request, SPARED)) reply.header('connection', 'close')
    const { status, headers, body } = challenge(refusal, routedSlug(request))
    return await send(request, reply.headers(headers), status, body)
  }

  /** A failed request of nobody in particular counts against its address; over the limit that is the answer (D33). */
  async function counted(refusal: Refusal, nobody: boolean, ip: string | null): Promise<Refusal> {
    if (!nobody || refusal.status >= 500 || refusal.status === 429) return refusal
    try {
      await ipLimit(ip)
      return refusal
    } catch (error) {
      if (error instanceof Refusal) return error
      throw error
    }
  }
}

function refusalOf(error: unknown): Refusal | null {
  if (error instanceof Refusal) return error
  if (error instanceof DatabaseUnavailable) return new Refusal('database_unavailable', { cause: error })
  // It is slow or has much to do, which is no mistake of ours and passes.
  if (error instanceof TenantBusy || error instanceof StatementTimeout)
    return new Refusal('database_unavailable', { cause: error, retryAfter: 5, detail: error.message })
  // Fastify's own: what is wrong with the request's form.
  if (
    !(error instanceof Error) ||
    !('statusCode' in error) ||
    typeof error.statusCode !== 'number' ||
    error.statusCode >= 500
  )
    return null
  const detail = 'code' in error ? String(error.code) : error.name
  if (error.statusCode === 413) return new Refusal('body_too_large', { detail })
  if (error.statusCode === 404) return new Refusal('not_found', { detail })
  return new Refusal('request_malformed', { detail })
}

/** What Node's HTTP parser refuses never becomes a request: answered on the bare socket. */
export function answerBrokenRequest(error: Error & { readonly code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const status =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? '408 Request Timeout'
        : '400 Bad Request'
  const { error: name, description } = REFUSALS.request_malformed
  const body = JSON.stringify({ error: name, error_description: description })
  const head = [
    `HTTP/1.1 ${status}`,
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    'Cache-Control: no-store',
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}
