import type { Clock } from '#base/clock.ts'
import type { Fetched, GuardedFetch } from '#base/fetch.ts'
import type { UpstreamAuth } from '#base/upstream.ts'
import { UpstreamError } from './error.ts'
import { exchange, isIdempotent } from './exchange.ts'
import { ownHeaders } from './headers.ts'
import type { Lane } from './lane.ts'
import { responseOf, type UpstreamResponse } from './response.ts'
import type { Session } from './session.ts'
import { targetOf, type UpstreamPath, type UpstreamQuery } from './target.ts'
import { inTime, orAborted } from './wait.ts'

export interface UpstreamRequest {
  /** Default GET. Others than GET and HEAD need a tool with access 'write' (D20). */
  readonly method?: string
  readonly query?: UpstreamQuery
  /** Not who asks: that is the configuration's to say. */
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON; not together with `body`. */
  readonly json?: unknown
  /** Sent as it is; say its content-type. */
  readonly body?: string | Uint8Array
  /** Ends this request before the call ends. */
  readonly signal?: AbortSignal
  /** Milliseconds, all retries included; at most UPSTREAM_TIMEOUT and what is left of the call. */
  readonly timeout?: number
  /** Further tries of GET, HEAD, OPTIONS, PUT and DELETE after 429, 502, 503, 504 or no answer. Default 2, at most 5. */
  readonly retries?: number
}

/** An API that tools may call, with the credentials of the caller's organisation. */
export interface Upstream {
  readonly name: string
  /**
   * @param path under the base URL: a text like `/contacts`, or its segments, each encoded, like `['contacts', id]`.
   * @throws UpstreamError when there is no answer that the tool could judge; the message may be shown.
   */
  request(path: UpstreamPath, request?: UpstreamRequest): Promise<UpstreamResponse>
}

/** Who calls, and until when. */
export interface UpstreamCall {
  /** Tenant id. */
  readonly tenant: string
  readonly requestId: string
  readonly signal: AbortSignal
  readonly access: 'none' | 'read' | 'write'
  /** When the call ends, in milliseconds since the epoch. */
  readonly deadline: number
  /** Is told before anything is sent that may change something there. */
  readonly changing?: () => void
}

/** One request of a tool, when it is over: for metrics. No label of a tenant. */
export interface UpstreamObservation {
  readonly upstream: string
  readonly method: string
  /** A status as text, a code of UpstreamError, or `aborted`. */
  readonly outcome: string
  readonly milliseconds: number
  /** Exchanges with the API itself: 0 when nothing was sent. */
  readonly tries: number
}

export interface ClientParts {
  readonly name: string
  readonly auth: UpstreamAuth
  readonly timeout: number
  readonly maxBytes: number
  readonly lane: Lane
  readonly fetch: Pick<GuardedFetch, 'bytes'>
  readonly clock: Clock
  /** The caller's base URL and who we are there. @throws UpstreamError no_credentials. */
  readonly standing: () => Promise<{ readonly url: string; readonly untrusted: boolean; readonly session: Session }>
  /** Waits between tries. */
  readonly pause: (milliseconds: number, signal: AbortSignal) => Promise<void>
  /** Headers of a trace, made when the request is sent (traceparent, tracestate). */
  readonly trace: () => Readonly<Record<string, string>>
  readonly observed: (observation: UpstreamObservation) => void
}

const RETRIES = 2
const MOST_RETRIES = 5
const FIRST_PAUSE = 200
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE'])

export function createClient(parts: ClientParts, call: UpstreamCall): Upstream {
  const { name, clock } = parts

  async function perform(path: UpstreamPath, request: UpstreamRequest, tried: () => void): Promise<UpstreamResponse> {
    const method = methodOf(request, call.access)
    const headers = { ...bodyHeaders(request), ...ownHeaders(name, parts.auth, request.headers ?? {}) }
    const body = request.json === undefined ? request.body : JSON.stringify(request.json)
    const timeout = Math.min(request.timeout ?? parts.timeout, parts.timeout)
    const end = Math.min(clock.now() + timeout, call.deadline)
    const signal = request.signal === undefined ? call.signal : AbortSignal.any([call.signal, request.signal])
    const left = (): number => {
      signal.throwIfAborted()
      const rest = Math.ceil(end - clock.now())
      if (rest <= 0) throw new UpstreamError('timeout', name)
      return rest
    }
    /** Signing in is a part of this request's time, also where others wait for the same sign-in. */
    const waited = async <Value>(work: () => Promise<Value>): Promise<Value> => {
      const rest = left()
      return await orAborted(
        signal,
        inTime(rest, () => new UpstreamError('timeout', name), work()),
      )
    }
    const { url, untrusted, session } = await waited(parts.standing)
    const target = targetOf(name, url, path, request.query)
    const once = async (proof: Readonly<Record<string, string>>): Promise<Fetched<Uint8Array>> => {
      tried()
      if (method !== 'GET' && method !== 'HEAD') call.changing?.()
      const said = { ...parts.trace(), ...headers, 'x-request-id': call.requestId, ...proof }
      const init = { method, headers: said, timeout: left(), maxBytes: parts.maxBytes, untrusted, signal }
      return await exchange({
        upstream: name,
        fetch: parts.fetch,
        url: target,
        init: body === undefined ? init : { ...init, body },
      })
    }

    /** A token that has ended is renewed and the request sent once more: 401 says that nothing was done. */
    async function authorized(): Promise<Fetched<Uint8Array>> {
      const proof = await waited(async () => await session.proof())
      const answer = await once(proof.headers)
      if (answer.status !== 401 || parts.auth.kind === 'none') return answer
      const { token } = proof
      const renewed = token === null ? null : await waited(async () => await session.renewed(token))
      const again = renewed === null ? answer : await once(renewed.headers)
      if (again.status !== 401) return again
      session.rejected()
      throw new UpstreamError('credentials_refused', name, { status: 401, detail: 'a request answered 401' })
    }

    const leave = await parts.lane.enter(call.tenant, signal)
    try {
      const retries = isIdempotent(method) ? Math.min(request.retries ?? RETRIES, MOST_RETRIES) : 0
      for (let round = 0; ; round += 1) {
        try {
          left()
          return responseOf(name, await parts.lane.attempt(call.tenant, authorized))
        } catch (error) {
          const wait = round < retries ? waitOf(error, round) : null
          // Waiting until the end would only make a clear answer into a timeout.
          if (wait === null || wait >= left()) throw error
          await parts.pause(wait, signal)
        }
      }
    } finally {
      leave()
    }
  }

  return {
    name,
    async request(path, request = {}) {
      const began = clock.now()
      let tries = 0
      const over = (outcome: string): void =>
        parts.observed({
          upstream: name,
          method: request.method ?? 'GET',
          outcome,
          milliseconds: clock.now() - began,
          tries,
        })
      try {
        const response = await perform(path, request, () => (tries += 1))
        over(String(response.status))
        return response
      } catch (error) {
        over(error instanceof UpstreamError ? error.code : 'aborted')
        throw error
      }
    },
  }
}

/** The method of a request that a tool may make. Throws Error: a bug of the tool, not a matter for its caller (D20). */
export function methodOf({ method = 'GET', json, body }: UpstreamRequest, access: UpstreamCall['access']): string {
  if (!METHODS.has(method)) throw new Error(`${method.slice(0, 20)} is no method that is sent`)
  const reads = method === 'GET' || method === 'HEAD'
  if (!reads && access !== 'write')
    throw new Error(`a tool with access '${access}' may only GET and HEAD; ${method} needs access 'write'`)
  if (json !== undefined && body !== undefined) throw new Error('give either json or body, not both')
  if (reads && (json !== undefined || body !== undefined)) throw new Error(`${method} has no body`)
  return method
}

const bodyHeaders = ({ json }: UpstreamRequest): Readonly<Record<string, string>> => ({
  accept: 'application/json',
  ...(json === undefined ? {} : { 'content-type': 'application/json' }),
})

/** Milliseconds until the next try; null: another one would end as this one did. Half of it by chance, so that callers do not come in step. */
function waitOf(error: unknown, round: number): number | null {
  if (!(error instanceof UpstreamError) || (error.code !== 'limited' && error.code !== 'unavailable')) return null
  // Without a status but with a time: the breaker is open.
  if (error.retryAfter !== null) return error.status === null ? null : error.retryAfter * 1000
  return Math.ceil(FIRST_PAUSE * 2 ** round * (0.5 + Math.random() / 2))
}
