import { lookup as systemLookup, type LookupAddress } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { Agent, buildConnector, fetch as undiciFetch, type RequestInit } from 'undici'
import { bareHost, isLoopbackHost, isPublicAddress, urlOf } from './address.ts'

/** Why an outgoing request gave no usable answer. */
export type FetchFailure = 'network' | 'timeout' | 'status' | 'too_large' | 'not_json' | 'refused'

/**
 * An outgoing request gave no usable answer. Names origin and path of the URL only: never its query, never a body,
 * because both can hold tokens.
 */
export class FetchFailed extends Error {
  override readonly name = 'FetchFailed'
  readonly kind: FetchFailure
  /** The HTTP status that came, when one came. */
  readonly status: number | null
  /** Retry-After of the answer in whole seconds (RFC 9110 section 10.2.3); null when absent or not a number of seconds. */
  readonly retryAfter: number | null

  constructor(kind: FetchFailure, url: URL, options: { detail?: string; status?: number; headers?: Headers } = {}) {
    const detail = options.detail ?? (options.status === undefined ? '' : `status ${options.status}`)
    super(`${kind}${detail === '' ? '' : ` (${detail})`}: ${url.origin}${url.pathname}`)
    this.kind = kind
    this.status = options.status ?? null
    const wait = options.headers?.get('retry-after') ?? ''
    this.retryAfter = /^\d{1,6}$/.test(wait) ? Number(wait) : null
  }
}

export interface FetchInit {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | URLSearchParams | Uint8Array
  /** Ends the exchange; it is then FetchFailed `network`. Whoever gives one knows why it was aborted. */
  readonly signal?: AbortSignal
  /** Milliseconds for the whole exchange: name, connection, headers and body. Default 5 000; 3 000 when untrusted. */
  readonly timeout?: number
  /** Most bytes of body, counted after decompression. Default 256 KiB; 10 KiB when untrusted. */
  readonly maxBytes?: number
  /** Statuses that are an answer; any other is FetchFailed `status`. Default [200]. */
  readonly accept?: readonly number[] | 'any'
  /** The URL came in a request, not from configuration (D30): https, port 443, a DNS name, a public address, always. */
  readonly untrusted?: boolean
}

export interface Fetched<Body> {
  readonly status: number
  readonly headers: Headers
  readonly body: Body
}

/** Outgoing HTTP whose target is checked, whose time and size are bounded, and which follows no redirect. */
export interface GuardedFetch {
  /**
   * The body's shape is the caller's to check; null when an accepted status other than 2xx came with a body that is no JSON.
   * @throws FetchFailed, and nothing else.
   */
  json(url: string | URL, init?: FetchInit): Promise<Fetched<unknown>>
  /** @throws FetchFailed, and nothing else. */
  text(url: string | URL, init?: FetchInit): Promise<Fetched<string>>
  /** Any status is an answer, and the body is left as it came. @throws FetchFailed, and nothing else. */
  bytes(url: string | URL, init?: FetchInit): Promise<Fetched<Uint8Array>>
  /** The same guard in the shape of `fetch`, for jose and openid-client: any status is an answer, redirects are not followed. */
  readonly raw: typeof fetch
  /** May a configured URL be asked at all: https, or http to this machine where private addresses are allowed? Looks nothing up. */
  permits(url: string): boolean
  /** Ends what is under way and lets go of kept connections. */
  close(): Promise<void>
}

export interface GuardOptions {
  /** EGRESS_ALLOW_PRIVATE: configured URLs may resolve to private addresses, and be http on loopback. Never holds for untrusted ones. */
  readonly allowPrivate: boolean
  /** How names become addresses; the system's resolver by default. Handed in by tests only (D30). */
  readonly resolve?: LookupFunction
  /** Makes the connection after the address was checked, instead of TCP and TLS. Handed in by tests only (D30). */
  readonly dispatcherConnect?: buildConnector.connector
}

const TRUSTED = { timeout: 5_000, maxBytes: 256 * 1024 }
const UNTRUSTED = { timeout: 3_000, maxBytes: 10 * 1024 }

/** Two agents, because a kept connection to a private address must not serve an untrusted URL. */
export function createGuardedFetch(options: GuardOptions): GuardedFetch {
  const trusted = createAgent(options, options.allowPrivate)
  const untrusted = createAgent(options, false)

  async function exchange(url: URL, init: RequestInit, limits: typeof TRUSTED, agent: Agent): Promise<Fetched<Buffer>> {
    const deadline = AbortSignal.timeout(limits.timeout)
    const signal = init.signal ? AbortSignal.any([init.signal, deadline]) : deadline
    try {
      const response = await undiciFetch(url, { ...init, signal, redirect: 'manual', dispatcher: agent })
      const body = await readBody(url, response.body, limits.maxBytes)
      // undici's Headers and the global one are two classes of one shape.
      return { status: response.status, headers: new Headers([...response.headers]), body }
    } catch (error) {
      if (error instanceof FetchFailed) throw error
      if (deadline.aborted) throw new FetchFailed('timeout', url, { detail: `${limits.timeout} ms` })
      const code = failureCode(error)
      throw new FetchFailed(code === REFUSED ? 'refused' : 'network', url, { detail: code })
    }
  }

  async function fetched(input: string | URL, init: FetchInit): Promise<Fetched<Buffer> & { url: URL }> {
    const url = parse(input)
    const reason = init.untrusted === true ? untrustedRefusal(url) : configuredRefusal(url, options.allowPrivate)
    if (reason !== null) throw new FetchFailed('refused', url, { detail: reason })
    const { method = 'GET', headers = {}, body, signal } = init
    const limits = init.untrusted === true ? UNTRUSTED : TRUSTED
    const answer = await exchange(
      url,
      {
        method,
        headers: { 'user-agent': 'gatehouse', ...headers },
        ...(body === undefined ? {} : { body }),
        ...(signal === undefined ? {} : { signal }),
      },
      { timeout: init.timeout ?? limits.timeout, maxBytes: init.maxBytes ?? limits.maxBytes },
      init.untrusted === true ? untrusted : trusted,
    )
    const { accept = [200] } = init
    if (accept !== 'any' && !accept.includes(answer.status))
      throw new FetchFailed('status', url, { status: answer.status, headers: answer.headers })
    return { ...answer, url }
  }

  return {
    async json(input, init = {}) {
      const { status, headers, body, url } = await fetched(input, {
        ...init,
        headers: { accept: 'application/json', ...init.headers },
      })
      try {
        return { status, headers, body: JSON.parse(utf8.decode(body)) as unknown }
      } catch {
        if (status < 200 || status > 299) return { status, headers, body: null }
        throw new FetchFailed('not_json', url, { status, headers })
      }
    },

    async text(input, init = {}) {
      const { status, headers, body } = await fetched(input, init)
      return { status, headers, body: body.toString('utf8') }
    },

    async bytes(input, init = {}) {
      const { status, headers, body } = await fetched(input, { ...init, accept: 'any' })
      return { status, headers, body }
    },

    async raw(input, init) {
      if (input instanceof Request) throw new TypeError('the guarded fetch takes a URL, not a Request')
      const url = parse(input)
      const reason = configuredRefusal(url, options.allowPrivate)
      if (reason !== null) throw new FetchFailed('refused', url, { detail: reason })
      const { method = 'GET', body, signal } = init ?? {}
      if (body != null && typeof body !== 'string' && !(body instanceof URLSearchParams))
        throw new TypeError('body must be text')
      const wanted: RequestInit = {
        method,
        headers: [...new Headers(init?.headers)],
        body: body ?? null,
        signal: signal ?? null,
      }
      const { status, headers, body: bytes } = await exchange(url, wanted, TRUSTED, trusted)
      headers.delete('content-encoding')
      headers.delete('content-length')
      return new Response(NO_BODY.has(status) ? null : new Uint8Array(bytes), { status, headers })
    },

    permits(input) {
      const url = urlOf(input)
      return url !== null && configuredRefusal(url, options.allowPrivate) === null
    },

    async close() {
      await Promise.all([trusted.destroy(), untrusted.destroy()])
    },
  }
}

const REFUSED = 'address_refused'
/** Statuses that may not have a body (Fetch standard, "null body status"). */
const NO_BODY: ReadonlySet<number> = new Set([101, 103, 204, 205, 304])
const utf8 = new TextDecoder('utf-8', { fatal: true })

function parse(input: string | URL): URL {
  const url = urlOf(String(input))
  if (url !== null) return url
  throw new FetchFailed('refused', new URL('invalid:'), { detail: 'not a URL' })
}

function configuredRefusal(url: URL, allowPrivate: boolean): string | null {
  const host = bareHost(url)
  if (url.username !== '' || url.password !== '') return 'credentials in the URL'
  if (url.protocol === 'http:') return allowPrivate && isLoopbackHost(host) ? null : 'not https'
  if (url.protocol !== 'https:') return 'not https'
  return !allowPrivate && isIP(host) !== 0 && !isPublicAddress(host) ? 'address not public' : null
}

function untrustedRefusal(url: URL): string | null {
  if (url.protocol !== 'https:') return 'not https'
  if (url.port !== '') return 'port is not 443'
  if (url.username !== '' || url.password !== '') return 'credentials in the URL'
  return isIP(bareHost(url)) !== 0 || !url.hostname.includes('.') ? 'not a DNS name' : null
}

/** The check stands between the name's resolution and the connection, so that a second answer of the name server changes nothing. */
function createAgent(options: GuardOptions, allowPrivate: boolean): Agent {
  const resolve = options.resolve ?? systemLookup
  const allowed = (address: string): boolean => allowPrivate || isPublicAddress(address)

  const lookup: LookupFunction = (host, wanted, done) => {
    resolve(host, { ...wanted, all: true }, (error, found) => {
      if (error !== null) return done(error, [])
      const addresses: LookupAddress[] = Array.isArray(found) ? found : [{ address: found, family: isIP(found) }]
      const [first] = addresses
      if (first === undefined || !addresses.every(({ address }) => allowed(address))) return done(refused(), [])
      if (wanted.all === true) return done(null, addresses)
      return done(null, first.address, first.family)
    })
  }

  const dial = options.dispatcherConnect ?? buildConnector({ lookup, timeout: TRUSTED.timeout })
  const connect: buildConnector.connector = (target, done) => {
    const host = target.hostname.replace(/^\[|\]$/g, '')
    // A literal address is never looked up; a connector of a test does not look up at all.
    if (isIP(host) !== 0) return allowed(host) ? dial(target, done) : done(refused(), null)
    if (options.dispatcherConnect === undefined) return dial(target, done)
    return lookup(host, { all: true }, (error) => (error === null ? dial(target, done) : done(error, null)))
  }
  return new Agent({ connect, connections: 64, pipelining: 1 })
}

const refused = (): NodeJS.ErrnoException => Object.assign(new Error(REFUSED), { code: REFUSED })

async function readBody(url: URL, stream: AsyncIterable<Uint8Array> | null, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  // Leaving the loop cancels the stream, and with it the connection.
  for await (const chunk of stream ?? []) {
    size += chunk.byteLength
    if (size > maxBytes) throw new FetchFailed('too_large', url, { detail: `more than ${maxBytes} bytes` })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** The innermost code: fetch wraps the socket's error as a cause. */
function failureCode(error: unknown): string {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string') return at.code
  }
  return error instanceof Error ? error.name : 'unknown'
}
