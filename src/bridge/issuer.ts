import {
  allowInsecureRequests,
  AuthorizationResponseError,
  ClientSecretPost,
  Configuration,
  customFetch,
  None,
  ResponseBodyError,
  type ClientAuth,
  type ServerMetadata,
} from 'openid-client'
import { FetchFailed, type GuardedFetch } from '#base/fetch.ts'
import { BridgeFailure } from './failure.ts'
import { isObject, parseJson } from './json.ts'
import type { ClientProof } from './login-record.ts'
import { printable } from './printable.ts'

/** This program as one client of one issuer. */
export interface IssuerClient {
  readonly client_id: string
  readonly proof: ClientProof
  readonly client_secret: string | null
}

/** What openid-client needs to ask an issuer. Its endpoints were checked to be https, or http to this machine; the fetch checks again. */
export function issuerOf(server: ServerMetadata, client: IssuerClient, fetch: GuardedFetch): Configuration {
  const secret = client.client_secret ?? undefined
  const prove: Readonly<Record<ClientProof, () => ClientAuth>> = {
    none: None,
    client_secret_basic: () => basic(client.client_id, secret ?? ''),
    client_secret_post: () => ClientSecretPost(secret),
  }
  const metadata = secret === undefined ? {} : { client_secret: secret }
  const configuration = new Configuration(server, client.client_id, metadata, prove[client.proof]())
  configuration[customFetch] = async (url, { body, ...init }) =>
    await withoutIdToken(await fetch.raw(url, { ...init, ...(body === undefined ? {} : { body: asText(body) }) }))
  allowInsecureRequests(configuration)
  return configuration
}

/**
 * The bridge asks who nobody is, so an ID token beside the access token is not looked at: one that is signed in a way nobody expected
 * must not cost the refresh token that came with it.
 */
async function withoutIdToken(answer: Response): Promise<Response> {
  if (!answer.ok || answer.status === 204) return answer
  const text = await answer.text()
  const body = parseJson(text)
  const { id_token, ...rest } = isObject(body) ? body : {}
  const { status, headers } = answer
  return new Response(id_token === undefined ? text : JSON.stringify(rest), { status, headers })
}

/**
 * HTTP Basic with the form encoding of RFC 6749 appendix B, in which letters, digits and `-._*` stay as they are: an issuer that forgets
 * to decode (there are many) still reads an ordinary client id. openid-client's own escapes those too.
 */
const basic =
  (id: string, secret: string): ClientAuth =>
  (_server, _client, _body, headers) => {
    const formed = [id, secret].map((text) => new URLSearchParams([['', text]]).toString().slice(1)).join(':')
    headers.set('authorization', `Basic ${Buffer.from(formed).toString('base64')}`)
  }

function asText(body: unknown): string | URLSearchParams | null {
  if (body === null || typeof body === 'string' || body instanceof URLSearchParams) return body
  throw new TypeError('a body that is not text')
}

/** The OAuth error code an issuer answered with (RFC 6749 section 5.2); null when it was something else. */
export const errorCodeOf = (error: unknown): string | null =>
  error instanceof ResponseBodyError || error instanceof AuthorizationResponseError ? error.error : null

/**
 * What went wrong at the issuer, for a person. `unavailable` when nothing was decided (network, 5xx, 429, temporarily_unavailable, an
 * answer that is none): what is held stays held. Else `refused`.
 * @param otherwise what a broken answer counts as: no decision, or in a sign-in one that is not taken.
 */
export function issuerFailure(
  error: unknown,
  what: string,
  otherwise: 'unavailable' | 'refused' = 'unavailable',
): BridgeFailure {
  if (error instanceof BridgeFailure) return error
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (at instanceof FetchFailed)
      return new BridgeFailure(at.kind === 'refused' ? 'refused' : 'unavailable', `${what}: ${at.message}`)
  }
  if (error instanceof ResponseBodyError || error instanceof AuthorizationResponseError) {
    const status = error instanceof ResponseBodyError ? error.status : 0
    const passing = status >= 500 || status === 429 || PASSING.has(error.error)
    const said = printable(
      `${error.error}${error.error_description === undefined ? '' : `: ${error.error_description}`}`,
    )
    return new BridgeFailure(passing ? 'unavailable' : 'refused', `${what}: the issuer answered ${said}`)
  }
  return new BridgeFailure(otherwise, `${what}: ${printable(reasonOf(error))}`)
}

/** What broke, in the words of the OAuth library: the innermost reason, and never one of a parser, which quotes what it read. */
function reasonOf(error: unknown): string {
  let reason = 'the answer is not usable'
  for (let at: unknown = error; at instanceof Error; at = at.cause)
    if ('code' in at && typeof at.code === 'string' && at.code.startsWith('OAUTH_')) reason = at.message
  return reason
}

const PASSING: ReadonlySet<string> = new Set(['temporarily_unavailable', 'server_error', 'slow_down'])
