import * as openid from 'openid-client'
import { seconds, type Clock } from '#base/clock.ts'
import type { GuardedFetch } from '#base/fetch.ts'
import { Refusal } from '#base/refusal.ts'
import { createDiscovery } from '#identity/discovery.ts'
import type { LoginDelegate } from '#identity/provider.ts'
import { errorsAsErrors } from './upstream-errors.ts'

export interface UpstreamServerOptions {
  readonly delegate: LoginDelegate
  readonly fetch: GuardedFetch
  readonly clock: Clock
}

/** What a provider says of itself, as far as sign-in needs it. */
interface UpstreamMetadata {
  readonly server: openid.ServerMetadata
  readonly auth: openid.ClientAuth
  /** The delegate's, without offline_access where it is not listed. */
  readonly scopes: readonly string[]
  /** authorization_response_iss_parameter_supported (RFC 9207 section 3). */
  readonly promisesIssuer: boolean
}

export interface UpstreamServer {
  /** @throws Refusal `provider_unavailable`: no discovery document, no endpoint for people, or PKCE offered without S256. */
  metadata(): Promise<UpstreamMetadata>
  /** For openid-client: our guard does the fetching. @throws as `metadata`. */
  configuration(): Promise<openid.Configuration>
}

/** Seconds that the provider's clock may differ from ours. */
const SKEW = 30

/** Where a provider is asked: as its facts say, else as its discovery document says (held for an hour, and a day while it is down). */
export function createUpstreamServer({ delegate, fetch, clock }: UpstreamServerOptions): UpstreamServer {
  const { issuer, endpoints, clientId, clientSecret } = delegate
  const discovery = endpoints === null ? createDiscovery({ issuer, fetch, clock }) : null

  async function metadata(): Promise<UpstreamMetadata> {
    if (discovery === null) return fixed(delegate)
    const found = await discovery.metadata()
    const { document, authorization_endpoint, token_endpoint } = found
    const { revocation_endpoint } = document
    if (authorization_endpoint === null || token_endpoint === null)
      throw new Refusal('provider_unavailable', { detail: `${issuer} has no endpoints to sign in at` })
    // Silence is no refusal: Entra does S256 and does not say so. What is listed without S256 would run without it.
    const challenges = list(document, 'code_challenge_methods_supported')
    if (challenges !== null && !challenges.includes('S256'))
      throw new Refusal('provider_unavailable', { detail: `${issuer} does not do PKCE with S256` })
    const listed = list(document, 'scopes_supported') ?? []
    const algorithms = list(document, 'id_token_signing_alg_values_supported')?.filter(
      (alg) => !/^(?:none|HS)/.test(alg),
    )
    return {
      server: {
        issuer,
        authorization_endpoint,
        token_endpoint,
        // One that we may not ask is as good as none: it is no reason to turn people away.
        ...(typeof revocation_endpoint === 'string' && fetch.permits(revocation_endpoint)
          ? { revocation_endpoint }
          : {}),
        ...(algorithms === undefined ? {} : { id_token_signing_alg_values_supported: algorithms }),
      },
      auth: authOf(delegate, list(document, 'token_endpoint_auth_methods_supported')),
      scopes: delegate.scopes.filter((scope) => scope !== 'offline_access' || listed.includes(scope)),
      promisesIssuer: document['authorization_response_iss_parameter_supported'] === true,
    }
  }

  return {
    metadata,
    async configuration() {
      const { server, auth } = await metadata()
      const skew = seconds(clock) - Math.floor(Date.now() / 1000)
      const client = { [openid.clockSkew]: skew, [openid.clockTolerance]: SKEW }
      const config = new openid.Configuration(
        server,
        clientId,
        clientSecret === null ? client : { ...client, client_secret: clientSecret },
        auth,
      )
      const ask = delegate.protocol === 'oauth' ? errorsAsErrors(fetch.raw) : fetch.raw
      config[openid.customFetch] = async (url, { body, ...init }) =>
        await ask(url, { ...init, ...(body === undefined ? {} : { body }) })
      // The guard decides what may be asked: http only on this machine, and only where that is allowed.
      openid.allowInsecureRequests(config)
      return config
    },
  }
}

function fixed(delegate: LoginDelegate): UpstreamMetadata {
  const { endpoints } = delegate
  if (endpoints === null) throw new Error('neither discovery nor endpoints')
  return {
    server: {
      issuer: delegate.issuer,
      authorization_endpoint: endpoints.authorization,
      token_endpoint: endpoints.token,
      ...(endpoints.revocation === null ? {} : { revocation_endpoint: endpoints.revocation }),
    },
    auth: authOf(delegate, null),
    scopes: delegate.scopes,
    promisesIssuer: false,
  }
}

/** OpenID Discovery section 3: where nothing is listed it is basic. */
function authOf({ clientSecret, clientAuth }: LoginDelegate, listed: readonly string[] | null): openid.ClientAuth {
  if (clientSecret === null) return openid.None()
  const basic = listed === null || listed.includes('client_secret_basic') || !listed.includes('client_secret_post')
  const method = clientAuth ?? (basic ? 'client_secret_basic' : 'client_secret_post')
  return method === 'client_secret_basic'
    ? openid.ClientSecretBasic(clientSecret)
    : openid.ClientSecretPost(clientSecret)
}

/** A list of strings, or null when it says nothing of that form. */
function list(document: Readonly<Record<string, unknown>>, name: string): readonly string[] | null {
  const value = document[name]
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : null
}
