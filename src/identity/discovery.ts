import type { Clock } from '#base/clock.ts'
import { FetchFailed, type GuardedFetch } from '#base/fetch.ts'
import { Refusal } from '#base/refusal.ts'
import { isRecord, text } from './json.ts'
import { createRefreshed } from './refreshed.ts'

const HOUR = 3_600_000

export interface DiscoveryOptions {
  /** As configured; the document must say exactly this. */
  readonly issuer: string
  readonly fetch: GuardedFetch
  readonly clock: Clock
}

/** What an issuer says of itself (OIDC Discovery section 3, RFC 8414 section 2), as far as we use it; URLs the guard would refuse fail the whole. */
interface IssuerMetadata {
  readonly issuer: string
  readonly jwks_uri: string | null
  readonly introspection_endpoint: string | null
  readonly userinfo_endpoint: string | null
  readonly authorization_endpoint: string | null
  readonly token_endpoint: string | null
  /** The whole, for members that proving tokens does not need; each use checks what it takes. */
  readonly document: Readonly<Record<string, unknown>>
}

export interface Discovery {
  /** @throws Refusal `provider_unavailable`: no document, one of another issuer, or one with an endpoint that is not https. */
  metadata(): Promise<IssuerMetadata>
  /** One endpoint. @throws Refusal `provider_unavailable`, also when the issuer has none. */
  endpoint(name: Exclude<keyof IssuerMetadata, 'issuer' | 'document'>): Promise<string>
}

/** Fetched at first use, kept; refreshed in the background after an hour, and served for a day when that fails. */
export function createDiscovery({ issuer, fetch, clock }: DiscoveryOptions): Discovery {
  const source = createRefreshed({
    load: async () => ({ value: read(await document(issuer, fetch), issuer, fetch), fresh: HOUR }),
    staleFor: 24 * HOUR,
    clock,
    // Whoever asked is told; a failure in the background shows when the keys are fetched.
    onFailure: () => null,
  })

  return {
    metadata: async () => await source.get(),
    async endpoint(name) {
      const url = (await source.get())[name]
      if (url === null) throw new Refusal('provider_unavailable', { detail: `${issuer} has no ${name}` })
      return url
    },
  }
}

/** OIDC Discovery section 4 puts the well-known part behind the issuer's path, RFC 8414 section 3 before it. */
async function document(issuer: string, fetch: GuardedFetch): Promise<unknown> {
  const base = issuer.replace(/\/$/, '')
  try {
    return (await fetch.json(`${base}/.well-known/openid-configuration`)).body
  } catch (error) {
    if (!(error instanceof FetchFailed && error.status === 404)) throw error
    const { origin, pathname } = new URL(base)
    return (await fetch.json(`${origin}/.well-known/oauth-authorization-server${pathname === '/' ? '' : pathname}`))
      .body
  }
}

function read(body: unknown, issuer: string, fetch: GuardedFetch): IssuerMetadata {
  if (!isRecord(body))
    throw new Refusal('provider_unavailable', { detail: `the discovery document of ${issuer} is no object` })
  if (body['issuer'] !== issuer)
    throw new Refusal('provider_unavailable', { detail: `the discovery document of ${issuer} names another issuer` })
  const url = (name: string): string | null => {
    const value = text(body, name)
    if (value !== null && !fetch.permits(value))
      throw new Refusal('provider_unavailable', { detail: `${name} of ${issuer} is not a https URL that may be asked` })
    return value
  }
  return {
    issuer,
    jwks_uri: url('jwks_uri'),
    introspection_endpoint: url('introspection_endpoint'),
    userinfo_endpoint: url('userinfo_endpoint'),
    authorization_endpoint: url('authorization_endpoint'),
    token_endpoint: url('token_endpoint'),
    document: body,
  }
}
