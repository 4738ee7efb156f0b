import type { Config } from '#base/config.ts'
import type { Catalogue } from '#toolkit/catalogue.ts'
import type { ProviderFacts } from './deps.ts'
import { isObject } from './message.ts'

/** A slug that could be a tenant's; whether it is one is told to members only (D13). For route patterns and for matching. */
export const SLUG = '[a-z][a-z0-9_]{0,40}'

/** The MCP endpoint of a tenant, or the plain one. */
export const endpointPath = (slug: string | null): string => (slug === null ? '/mcp' : `/t/${slug}/mcp`)

const TENANT_PATH = new RegExp(`^/t/(${SLUG})/`)

/** The slug a path names, if any: for text that is no request. */
export const slugOf = (path: string): string | null => TENANT_PATH.exec(path)?.[1] ?? null

/**
 * The slug of the route that serves this request, so that routing and tenancy never read one path in two ways: the router decodes
 * (`/t/%61cme/mcp` is a path of acme, RFC 3986 section 2.3), the raw path does not. null: the route names no tenant, or there is none.
 */
export function routedSlug({ params }: { readonly params: unknown }): string | null {
  return isObject(params) && typeof params['slug'] === 'string' ? params['slug'] : null
}

/** RFC 9728 section 3.1: the well-known segment stands between host and path of the resource. */
export const metadataUrl = (publicUrl: string, slug: string | null): string =>
  `${publicUrl}/.well-known/oauth-protected-resource${endpointPath(slug)}`

/** Of the providers those that clients go to themselves: all but those that people sign in with through us. */
export const unbrokered = (
  providers: readonly ProviderFacts[],
  upstreams: readonly { readonly id: string }[],
): readonly ProviderFacts[] => providers.filter(({ id }) => !upstreams.some((upstream) => upstream.id === id))

/** Their issuers, byte for byte as they name themselves (RFC 9728 section 2). */
export const issuersOf = (providers: readonly ProviderFacts[]): readonly string[] => [
  ...new Set(providers.flatMap(({ authorization_server }) => authorization_server ?? [])),
]

/**
 * What a client should ask for at sign-in with issuers of their own: what each issuer needs to tell who it is, and our own scopes only when every issuer can
 * grant them (an issuer refuses a scope it does not know). Never offline_access: that is the client's own choice (RFC 6749 section 1.5).
 */
export function signInScopes(
  providers: readonly ProviderFacts[],
  catalogue: Catalogue,
  { requiredScopes }: Pick<Config, 'requiredScopes'>,
): readonly string[] {
  const issuers = providers.filter((provider) => provider.authorization_server !== null)
  const ours =
    issuers.length > 0 && issuers.every((provider) => provider.grants_scopes)
      ? [...requiredScopes, ...catalogue.scopes]
      : []
  const all = new Set([...issuers.flatMap((provider) => provider.challenge_scopes), ...ours])
  all.delete('offline_access')
  // Power over the tenant is asked for when it is needed (403 insufficient_scope), not by everybody who signs in.
  all.delete('tenant:admin')
  return [...all]
}
