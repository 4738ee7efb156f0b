import type { OidcConfig } from '#base/config.ts'
import type { LoginDelegate } from '#identity/provider.ts'

/**
 * How people sign in with an OpenID issuer. null: they do not, because it has no client of ours, because its tokens come from several
 * issuers (an Entra `common` issuer: which one is known after the sign-in only), or because there is no audience to ask for.
 *
 * The client receives the ID token, which names us in `aud`; where OIDC_TOKEN_USE wants access tokens, one for the first OIDC_AUDIENCE,
 * asked for by `resource` (RFC 8707, when it is a URI) and by `audience` (Auth0, Ory). Entra knows neither and refuses `resource`.
 */
export function oidcLogin(
  { id, login, tokenUse, audience: [audience] }: OidcConfig,
  issuers: readonly string[],
  entra: boolean,
): LoginDelegate | null {
  const [issuer] = issuers
  if (login === null || issuer === undefined || issuers.length > 1) return null
  const common = {
    label: id === 'oidc' && entra ? 'Microsoft' : labelOf(id, issuer),
    issuer,
    protocol: 'oidc' as const,
    endpoints: null,
    ...login,
    // offline_access is asked for only where discovery lists it.
    scopes: ['openid', 'email', 'profile', 'offline_access'],
    // Entra gives it without, and where only administrators consent, this prompt would lock everybody out.
    ...(entra ? {} : { offlineParams: { prompt: 'consent' } }),
  }
  if (tokenUse !== 'access_token') return { ...common, authorizationParams: {}, token: 'id_token' }
  if (audience === undefined || entra) return null
  const resource = URL.canParse(audience) ? { resource: audience } : {}
  return { ...common, authorizationParams: { audience, ...resource }, token: 'access_token' }
}

/** The NAME of OIDC_<NAME>_ISSUER as a word; the only issuer by its host. */
const labelOf = (id: string, issuer: string): string =>
  id === 'oidc'
    ? new URL(issuer).host
    : id
        .split('_')
        .map((word) => `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`)
        .join(' ')
