import type { ServerMetadata } from 'openid-client'
import { FetchFailed, type GuardedFetch } from '#base/fetch.ts'
import { BridgeFailure } from './failure.ts'
import { isObject, textOf, textsOf } from './json.ts'
import type { IssuerClient } from './issuer.ts'
import { proofOf, type ClientProof, type Registration } from './login-record.ts'

/** As which client a person wants to sign in; null: nothing was said. */
export interface GivenClient {
  readonly clientId: string | null
  readonly clientSecret: string | null
  readonly clientMetadataUrl: string | null
}

/**
 * The client to be at this issuer, when it needs no registration: the one given, else the metadata document where the issuer takes such
 * (MCP basic/authorization, the order of the specification). null: register.
 */
export function knownClient(server: ServerMetadata, given: GivenClient): IssuerClient | null {
  if (given.clientId !== null) {
    const client_secret = given.clientSecret
    return { client_id: given.clientId, client_secret, proof: client_secret === null ? 'none' : secretProof(server) }
  }
  if (given.clientMetadataUrl !== null && server['client_id_metadata_document_supported'] === true)
    return { client_id: given.clientMetadataUrl, client_secret: null, proof: 'none' }
  return null
}

/**
 * Registers this program (RFC 7591) as a native public client where the issuer allows that.
 * @throws BridgeFailure `refused` when the issuer registers nobody or not us, `unavailable` when it did not answer.
 */
export async function register(
  server: ServerMetadata,
  redirect_uri: string,
  fetch: GuardedFetch,
): Promise<Registration> {
  const endpoint = textOf(server.registration_endpoint)
  if (endpoint === null)
    throw new BridgeFailure(
      'refused',
      `${server.issuer} registers no clients by itself. Register one there with the redirect address ` +
        `${redirect_uri} and give it with --client-id (and --client-secret-file).`,
    )
  const device = server.device_authorization_endpoint === undefined ? [] : [DEVICE_GRANT]
  const methods = methodsOf(server)
  const wanted = {
    client_name: 'Gatehouse bridge',
    application_type: 'native',
    redirect_uris: [redirect_uri],
    grant_types: ['authorization_code', 'refresh_token', ...device],
    response_types: ['code'],
    token_endpoint_auth_method: methods.includes('none') ? 'none' : secretProof(server),
  }
  try {
    const { body } = await fetch.json(endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(wanted),
      accept: [200, 201],
    })
    const client_id = isObject(body) ? textOf(body['client_id']) : null
    if (!isObject(body) || client_id === null) throw new BridgeFailure('refused', 'the registration has no client_id')
    const client_secret = textOf(body['client_secret'])
    const proof = proofOf(body['token_endpoint_auth_method']) ?? proofOf(wanted.token_endpoint_auth_method) ?? 'none'
    return {
      issuer: server.issuer,
      client_id,
      redirect_uri,
      client_secret,
      proof: client_secret === null ? 'none' : proof,
    }
  } catch (error) {
    if (!(error instanceof FetchFailed)) throw error
    const judged = error.kind === 'status' && error.status !== null && error.status < 500 && error.status !== 429
    throw new BridgeFailure(
      judged ? 'refused' : 'unavailable',
      `${server.issuer} did not register this program (${error.message})${judged ? '; give a client with --client-id' : ''}`,
    )
  }
}

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'

/** RFC 8414 section 2: client_secret_basic when nothing is said. A public client is what most take then, too, so it is tried first. */
function methodsOf(server: ServerMetadata): readonly string[] {
  const said = textsOf(server.token_endpoint_auth_methods_supported)
  return said.length === 0 ? ['none', 'client_secret_basic'] : said
}

function secretProof(server: ServerMetadata): ClientProof {
  const methods = methodsOf(server)
  return !methods.includes('client_secret_basic') && methods.includes('client_secret_post')
    ? 'client_secret_post'
    : 'client_secret_basic'
}
