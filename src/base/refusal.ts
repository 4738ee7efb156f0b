/**
 * Every way a request is turned away before a tool runs: one row each. The code goes to the log, the audit and the
 * tests; the caller sees status, error and description only, so that a prober does not learn which check failed.
 *
 * `error` is RFC 6750 section 3.1 for what concerns the token, RFC 6749 section 5.2 for the rest, null for
 * "no credentials at all" (RFC 6750 section 3.1: no error code then).
 */
const INVALID_TOKEN = {
  status: 401,
  error: 'invalid_token',
  description: 'The access token is invalid, expired, revoked or was not issued for this server.',
} as const
const NO_ACCESS = {
  status: 403,
  error: 'access_denied',
  description: 'This account has no access to an organisation on this server.',
} as const
const UNAVAILABLE = {
  status: 503,
  error: 'temporarily_unavailable',
  description: 'The request could not be judged right now. Try again shortly.',
} as const

export const REFUSALS = {
  // bearer
  token_missing: { status: 401, error: null, description: 'Authentication is required.' },
  header_malformed: { status: 400, error: 'invalid_request', description: 'The Authorization header is malformed.' },
  // identity: judged and bad
  token_malformed: INVALID_TOKEN,
  token_too_long: INVALID_TOKEN,
  issuer_unknown: INVALID_TOKEN,
  algorithm_refused: INVALID_TOKEN,
  header_refused: INVALID_TOKEN,
  type_refused: INVALID_TOKEN,
  key_unknown: INVALID_TOKEN,
  signature_invalid: INVALID_TOKEN,
  claims_invalid: INVALID_TOKEN,
  audience_mismatch: INVALID_TOKEN,
  client_mismatch: INVALID_TOKEN,
  token_expired: INVALID_TOKEN,
  token_not_yet_valid: INVALID_TOKEN,
  token_inactive: INVALID_TOKEN,
  token_bound: INVALID_TOKEN,
  scopes_excessive: INVALID_TOKEN,
  organization_refused: INVALID_TOKEN,
  subject_mismatch: INVALID_TOKEN,
  token_revoked: INVALID_TOKEN,
  person_blocked: INVALID_TOKEN,
  key_expired: INVALID_TOKEN,
  key_revoked: INVALID_TOKEN,
  key_address: INVALID_TOKEN,
  // identity: cannot be judged
  provider_unavailable: UNAVAILABLE,
  // tenancy
  tenant_unknown: NO_ACCESS,
  tenant_suspended: NO_ACCESS,
  tenant_foreign: NO_ACCESS,
  member_removed: NO_ACCESS,
  evidence_missing: NO_ACCESS,
  join_by_request: NO_ACCESS,
  operator_unknown: NO_ACCESS,
  provision_limited: {
    status: 429,
    error: 'rate_limited',
    description: 'Too many new organisations in the last hour. Try again later.',
  },
  tenant_behind: UNAVAILABLE,
  tenant_moving: UNAVAILABLE,
  database_unavailable: UNAVAILABLE,
  // sign-in (RFC 6749 section 5.2, RFC 7591 section 3.2.2, RFC 8707 section 2)
  client_invalid: {
    status: 401,
    error: 'invalid_client',
    description: 'The client is not known here, or may not sign in.',
  },
  grant_invalid: {
    status: 400,
    error: 'invalid_grant',
    description: 'The code or refresh token is invalid, expired, used or was given to somebody else.',
  },
  grant_unsupported: {
    status: 400,
    error: 'unsupported_grant_type',
    description: 'This grant type is not served here.',
  },
  authorization_malformed: {
    status: 400,
    error: 'invalid_request',
    description: 'The sign-in request is malformed.',
  },
  target_invalid: { status: 400, error: 'invalid_target', description: 'The resource is not one of this server.' },
  scope_invalid: {
    status: 400,
    error: 'invalid_scope',
    description: 'The scope is malformed or exceeds what may be granted.',
  },
  redirect_invalid: {
    status: 400,
    error: 'invalid_redirect_uri',
    description: 'None of the redirect URIs may be used here.',
  },
  registration_invalid: {
    status: 400,
    error: 'invalid_client_metadata',
    description: 'The registration is malformed.',
  },
  sign_in_lost: {
    status: 400,
    error: 'invalid_request',
    description: 'This sign-in was not begun in this browser, or has expired.',
  },
  sign_in_denied: { status: 403, error: 'access_denied', description: 'The sign-in was not completed.' },
  // http
  scope_insufficient: {
    status: 403,
    error: 'insufficient_scope',
    description: 'The access token lacks a scope that this call needs.',
  },
  too_many_calls: {
    status: 429,
    error: 'rate_limited',
    description: 'Too many calls are under way. Try again in a moment.',
  },
  overloaded: UNAVAILABLE,
  rate_limited: { status: 429, error: 'rate_limited', description: 'Too many requests. Try again later.' },
  host_refused: { status: 403, error: 'forbidden', description: 'This host is not served here.' },
  origin_refused: { status: 403, error: 'forbidden', description: 'This origin may not call this server.' },
  request_malformed: { status: 400, error: 'invalid_request', description: 'The request is malformed.' },
  body_too_large: { status: 413, error: 'invalid_request', description: 'The request body is too large.' },
  body_malformed: { status: 400, error: 'invalid_request', description: 'The request body is malformed.' },
  not_found: { status: 404, error: 'not_found', description: 'There is nothing at this address.' },
  method_refused: { status: 405, error: 'invalid_request', description: 'This method is not served here.' },
  transport_retired: {
    status: 410,
    error: 'gone',
    description: 'The SSE transport is retired. Use the Streamable HTTP endpoint at /mcp.',
  },
  draining: UNAVAILABLE,
} as const satisfies Record<string, { status: number; error: string | null; description: string }>

export type RefusalCode = keyof typeof REFUSALS

export interface RefusalLimit {
  /** Default: default. */
  readonly name?: string
  readonly limit: number
  readonly window: number
}

export interface RefusalOptions {
  /** What went wrong inside; for the log, never for the caller. Must not hold token material. */
  readonly cause?: unknown
  /** One sentence for the operator (log, audit, `token explain`); never for the caller, never token material. */
  readonly detail?: string
  /** Seconds for Retry-After; only with status 429 and 503. */
  readonly retryAfter?: number
  /** All scopes the call needs; only with scope_insufficient. */
  readonly scope?: readonly string[]
  /** The limit that was reached, in requests per window of seconds, and what it is called; only with status 429. */
  readonly limit?: RefusalLimit
}

/** Turned away on purpose. Thrown anywhere below http, answered in one place: http/challenge. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: RefusalCode
  readonly status: number
  readonly error: string | null
  readonly description: string
  readonly detail: string | null
  readonly retryAfter: number | null
  readonly scope: readonly string[]
  readonly limit: RefusalLimit | null

  constructor(code: RefusalCode, options: RefusalOptions = {}) {
    const row = REFUSALS[code]
    super(
      options.detail === undefined ? code : `${code}: ${options.detail}`,
      'cause' in options ? { cause: options.cause } : {},
    )
    this.code = code
    this.status = row.status
    this.error = row.error
    this.description = row.description
    this.detail = options.detail ?? null
    this.retryAfter = options.retryAfter ?? (row.status === 503 ? 10 : null)
    this.scope = options.scope ?? []
    this.limit = options.limit ?? null
  }
}
