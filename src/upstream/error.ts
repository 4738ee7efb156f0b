/** Why a tool's request to an upstream has no answer. */
export type UpstreamErrorCode =
  /** This tenant has no credentials there, or they are not of the kind that is configured now. */
  | 'no_credentials'
  /** The API does not take the credentials, not even after signing in anew. */
  | 'credentials_refused'
  /** Not reached, or 502, 503, 504, or not asked because it failed again and again. */
  | 'unavailable'
  /** 429. */
  | 'limited'
  /** No whole answer within the time of the request. */
  | 'timeout'
  /** This tenant has too many requests under way there. */
  | 'busy'
  /** More than UPSTREAM_MAX_BYTES. */
  | 'too_large'
  /** `json()` of what is no JSON. */
  | 'not_json'
  /** It answered with a redirect, which is not followed. */
  | 'redirected'
  /** Not sent: a path that leaves the base URL, a header that is not the tool's to set, an address that may not be reached. */
  | 'refused'

/** Whether the request may have been carried out. */
type Done = 'no' | 'perhaps'

/**
 * A tool's request to an upstream has no answer. The message is for the caller: which upstream and what happened, never a secret, a URL or
 * what the API said. A tool may catch it by `code` and say more.
 */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError'
  readonly code: UpstreamErrorCode
  readonly upstream: string
  /** The HTTP status that came, if one came. */
  readonly status: number | null
  /** Seconds after which it may be tried again, when that is known. */
  readonly retryAfter: number | null
  /** For the operator's log: a code of the connection, never a body. */
  readonly detail: string | null

  constructor(
    code: UpstreamErrorCode,
    upstream: string,
    more: {
      readonly status?: number | null
      readonly retryAfter?: number | null
      readonly detail?: string
      readonly done?: Done
    } = {},
  ) {
    const { status = null, retryAfter = null, detail = null, done = 'no' } = more
    const again = retryAfter === null ? '' : ` Try again in ${retryAfter} s.`
    const unknown =
      done === 'perhaps' ? ' The change may or may not have been made there: look before trying again.' : ''
    super(`${WORDS[code](upstream)}${again}${unknown}`)
    this.code = code
    this.upstream = upstream
    this.status = status
    this.retryAfter = retryAfter
    this.detail = detail
  }
}

const WORDS: Readonly<Record<UpstreamErrorCode, (upstream: string) => string>> = {
  no_credentials: (name) => `This organisation has no credentials for ${name}. An administrator has to set them.`,
  credentials_refused: (name) =>
    `${name} does not accept the credentials it was given. An administrator has to set them again.`,
  unavailable: (name) => `${name} cannot be reached right now.`,
  limited: (name) => `${name} takes no more requests right now.`,
  timeout: (name) => `${name} did not answer in time.`,
  busy: (name) => `This organisation has too many requests to ${name} under way. Try again in a few seconds.`,
  too_large: (name) => `The answer of ${name} is too large. Ask for less.`,
  not_json: (name) => `${name} answered something that cannot be read.`,
  redirected: (name) => `${name} answered with a redirect, which is not followed.`,
  refused: (name) => `The request to ${name} was not sent: it is not one that this tool may send.`,
}
