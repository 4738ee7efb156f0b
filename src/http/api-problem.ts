import type { RegistryError, RegistryErrorCode } from '#tenancy/registry-error.ts'

/** What can be wrong with a call of the API, by its stable code: the status, and a title that never changes. */
export const PROBLEMS = {
  // what the challenge answers, by the `error` it gives
  unauthorized: { status: 401, title: 'Authentication is required' },
  invalid_token: { status: 401, title: 'The token is not accepted' },
  access_denied: { status: 403, title: 'No access to a tenant here' },
  insufficient_scope: { status: 403, title: 'The token lacks a scope' },
  rate_limited: { status: 429, title: 'Too many requests' },
  temporarily_unavailable: { status: 503, title: 'Not available right now' },
  invalid_request: { status: 400, title: 'The request is malformed' },
  method_not_allowed: { status: 405, title: 'This method is not served here' },
  body_too_large: { status: 413, title: 'The body is too large' },
  // what the registry answers
  not_found: { status: 404, title: 'There is no such thing here' },
  exists: { status: 409, title: 'It is there already' },
  conflict: { status: 409, title: 'It contradicts the present state' },
  last_owner: { status: 409, title: 'A tenant keeps at least one owner' },
  invalid: { status: 422, title: 'What was given cannot be right' },
  forbidden: { status: 403, title: 'You may not do this' },
  stale: { status: 412, title: 'It was changed meanwhile' },
  limited: { status: 429, title: 'Asked again too soon' },
  // what the API itself answers
  unsupported_media_type: { status: 415, title: 'The body must be JSON' },
  idempotency_key_reused: { status: 422, title: 'The Idempotency-Key was used for another request' },
  idempotency_key_in_use: { status: 409, title: 'The request with this Idempotency-Key is still under way' },
  server_error: { status: 500, title: 'A mistake of ours' },
} as const satisfies Record<string, { readonly status: number; readonly title: string }>

export type ProblemCode = keyof typeof PROBLEMS

/** One thing wrong with the input, and where: `pointer` into the body (RFC 6901, as a fragment), `parameter` of the query. */
export interface InputError {
  readonly pointer?: string
  readonly parameter?: string
  readonly detail: string
}

/** Problem details (RFC 9457). */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  /** The last part of `type`: what programs should look at. */
  readonly code: ProblemCode
  readonly request_id: string
  readonly errors?: readonly InputError[]
}

export const PROBLEM_TYPE = 'application/problem+json'

/** Thrown in the API's own rooms, answered by api-failure. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly code: ProblemCode
  readonly errors: readonly InputError[]
  readonly retryAfter: number | null
  constructor(
    code: ProblemCode,
    detail: string,
    more: { readonly errors?: readonly InputError[]; readonly retryAfter?: number } = {},
  ) {
    super(detail)
    this.code = code
    this.errors = more.errors ?? []
    this.retryAfter = more.retryAfter ?? null
  }
}

const OF_REGISTRY: Readonly<Record<RegistryErrorCode, ProblemCode>> = {
  unknown: 'not_found',
  exists: 'exists',
  conflict: 'conflict',
  last_owner: 'last_owner',
  invalid: 'invalid',
  forbidden: 'forbidden',
  stale: 'stale',
  limited: 'limited',
}

/** @param inQuery where the fields of the route's input come from. */
export const ofRegistry = ({ code, message, field, retryAfter }: RegistryError, inQuery: boolean): ApiError =>
  new ApiError(OF_REGISTRY[code], message, {
    ...(retryAfter === null ? {} : { retryAfter }),
    ...(field === null
      ? {}
      : { errors: [{ ...(inQuery ? { parameter: field } : { pointer: `#/${field}` }), detail: message }] }),
  })

/** @param detail what happened this time, for people; without secrets. */
export const problem = (
  publicUrl: string,
  code: ProblemCode,
  detail: string,
  requestId: string,
  errors: readonly InputError[] = [],
): Problem => ({
  type: `${publicUrl}/api/v1/reference#problem-${code}`,
  ...PROBLEMS[code],
  detail,
  code,
  request_id: requestId,
  ...(errors.length === 0 ? {} : { errors }),
})
