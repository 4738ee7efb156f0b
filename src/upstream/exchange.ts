import { FetchFailed, type Fetched, type FetchInit, type GuardedFetch } from '#base/fetch.ts'
import { UpstreamError } from './error.ts'

/** May be sent twice without another outcome (RFC 9110 section 9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])
const AWAY: ReadonlySet<number> = new Set([502, 503, 504])
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

export const isIdempotent = (method: string): boolean => IDEMPOTENT.has(method)

export interface ExchangeOptions {
  readonly upstream: string
  readonly fetch: Pick<GuardedFetch, 'bytes'>
  readonly url: URL
  readonly init: FetchInit & { readonly method: string; readonly signal: AbortSignal }
}

/** One request and its answer. @throws UpstreamError, or the signal's reason. */
export async function exchange({ upstream, fetch, url, init }: ExchangeOptions): Promise<Fetched<Uint8Array>> {
  // What did not come to an answer may have been done, unless doing it twice is the same.
  const done = isIdempotent(init.method) ? 'no' : 'perhaps'
  let answer: Fetched<Uint8Array>
  try {
    answer = await fetch.bytes(url, init)
  } catch (error) {
    init.signal.throwIfAborted()
    if (!(error instanceof FetchFailed)) throw error
    const { kind } = error
    if (kind === 'refused') throw new UpstreamError('refused', upstream, { detail: error.message })
    const code = kind === 'timeout' || kind === 'too_large' ? kind : 'unavailable'
    throw new UpstreamError(code, upstream, { detail: `${kind}: ${error.message.split(':')[0] ?? ''}`, done })
  }
  const { status, headers } = answer
  const said = headers.get('retry-after') ?? ''
  const retryAfter = /^\d{1,6}$/.test(said) ? Number(said) : null
  if (status === 429) throw new UpstreamError('limited', upstream, { status, retryAfter })
  if (AWAY.has(status)) throw new UpstreamError('unavailable', upstream, { status, retryAfter, done })
  if (REDIRECTS.has(status)) throw new UpstreamError('redirected', upstream, { status })
  return answer
}
