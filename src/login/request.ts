import { isScope } from '#base/config-values.ts'
import { Refusal } from '#base/refusal.ts'
import type { AuthorizationRequest } from './flow.ts'
import { resourceOf } from './resource.ts'

/** An authorization request of correct form; who asks is not known yet. */
export interface ReadRequest {
  readonly request: AuthorizationRequest
  /** False: it named no resource, and LOGIN_REQUIRE_RESOURCE=false took the plain endpoint for it. */
  readonly resourceNamed: boolean
  /** The client wants the person asked (OIDC Core section 3.1.2.1), so nothing remembered counts. */
  readonly askAgain: boolean
}

/** S256 of RFC 7636 section 4.2: 32 bytes. */
const CHALLENGE = /^[\w-]{43}$/
/** VSCHAR of RFC 6749 appendix A.5: no line break can reach a header. */
const STATE = /^[\u0020-\u007e]{0,1024}$/
const MOST_SCOPE = 1024

/**
 * Reads an authorization request (RFC 6749 section 4.1.1, RFC 7636 section 4.3, RFC 8707 section 2). Unknown parameters are ignored, as
 * section 3.1 demands, but none may come twice. Does NOT look at client_id and redirect_uri, beyond that they are there.
 * @param query as the HTTP side parsed it: a text each, or a list where one came twice.
 * @throws Refusal `authorization_malformed`, `scope_invalid`, `target_invalid`.
 */
export function readRequest(
  query: unknown,
  { publicUrl, requireResource }: { readonly publicUrl: string; readonly requireResource: boolean },
): ReadRequest {
  const given = parametersOf(query)
  const refuse = (detail: string): never => {
    throw new Refusal('authorization_malformed', { detail })
  }
  const need = (name: string): string => given.get(name) ?? refuse(`${name} is missing`)
  for (const name of ['request', 'request_uri']) if (given.has(name)) refuse(`${name} is not served (RFC 9101)`)
  if (need('response_type') !== 'code') refuse('response_type is not code')
  if ((given.get('response_mode') ?? 'query') !== 'query') refuse('response_mode is not query')
  const client_id = need('client_id')
  const redirect_uri = need('redirect_uri')
  if (client_id.length > 2048 || redirect_uri.length > 2048) refuse('client_id or redirect_uri is too long')
  const code_challenge = need('code_challenge')
  if (given.get('code_challenge_method') !== 'S256') refuse('code_challenge_method is not S256')
  if (!CHALLENGE.test(code_challenge)) refuse('code_challenge is no S256 challenge')
  const state = given.get('state') ?? ''
  if (!STATE.test(state)) refuse('state is longer than 1 KiB or not printable ASCII')

  const scope = (given.get('scope') ?? '').trim()
  if (scope.length > MOST_SCOPE || (scope !== '' && !scope.split(' ').every(isScope)))
    throw new Refusal('scope_invalid', { detail: 'malformed (RFC 6749 section 3.3)' })

  const named = given.get('resource')
  if (named === undefined && requireResource) throw new Refusal('target_invalid', { detail: 'resource is missing' })
  const resource = resourceOf(named ?? `${publicUrl}/mcp`, publicUrl)
  if (resource === null) throw new Refusal('target_invalid', { detail: 'not a resource of this server' })
  return {
    request: { client_id, redirect_uri, resource, code_challenge, state, scope },
    resourceNamed: named !== undefined,
    askAgain: given.has('prompt'),
  }
}

/** By name; one without a value counts as absent (RFC 6749 section 3.1). */
function parametersOf(query: unknown): ReadonlyMap<string, string> {
  const given = new Map<string, string>()
  for (const [name, value] of Object.entries(typeof query === 'object' && query !== null ? query : {})) {
    if (typeof value !== 'string')
      throw new Refusal('authorization_malformed', { detail: 'a parameter came twice (RFC 6749 section 3.1)' })
    if (value !== '') given.set(name, value)
  }
  return given
}
