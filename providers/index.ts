import { ConfigError, type Config, type OidcConfig } from '#base/config.ts'
import { variableOfIssuer } from '#base/settings.ts'
import type { ApiKeyLookup } from '#identity/api-key.ts'
import type { Provider } from '#identity/provider.ts'
import { createApiKey } from './api-key.ts'
import { auth0Endpoints, createAuth0 } from './auth0.ts'
import type { ProviderParts } from './claims.ts'
import { createGithub, GITHUB_ENDPOINTS } from './github.ts'
import { createGoogle, GOOGLE_ENDPOINTS } from './google.ts'
import { createOidc } from './oidc.ts'
import { createSharedSecret } from './shared-secret.ts'
import { createServiceToken, type ServiceTokenIssuer } from './service-token.ts'
import { createStaticKey } from './static-key.ts'

export interface ProviderOptions extends ProviderParts {
  readonly config: Pick<Config, 'providers' | 'production'>
  /** `${PUBLIC_URL}/mcp`: the audience of shared-secret tokens where none is configured. */
  readonly mcpUrl: string
  readonly keyLookup: ApiKeyLookup
  /** Told of each wrong secret for a key's id; may throw Refusal rate_limited. */
  readonly keyFailed?: (id: string) => Promise<void>
  /** What our own tokens for keys are known by; null or absent: none are accepted. */
  readonly serviceTokens?: ServiceTokenIssuer | null
  /** Issuers beside the configured ones: the development sign-in. */
  readonly extra?: readonly OidcConfig[]
  /** Where Google, Auth0 and GitHub are asked instead; a value handed in by tests, never configuration. */
  readonly endpoints?: {
    readonly google?: typeof GOOGLE_ENDPOINTS
    readonly auth0?: ReturnType<typeof auth0Endpoints>
    readonly github?: typeof GITHUB_ENDPOINTS
  }
}

/**
 * Everyone who may vouch for a caller of this server, on one page.
 * @throws ConfigError with the problems of all providers at once.
 */
export function createProviders(options: ProviderOptions): readonly Provider[] {
  const { config, mcpUrl, keyLookup, keyFailed, serviceTokens = null, extra = [], endpoints = {}, ...parts } = options
  const { google, auth0, github, oidc, sharedSecret, staticKey } = config.providers

  const makers: (() => Provider)[] = [
    ...(google === null ? [] : [() => createGoogle(google, parts, endpoints.google)]),
    ...(auth0 === null ? [] : [() => createAuth0(auth0, parts, endpoints.auth0)]),
    ...(github === null ? [] : [() => createGithub(github, parts, endpoints.github)]),
    ...oidc.map((issuer) => () => createOidc(reachable(issuer, config.production, parts), parts)),
    ...extra.map((issuer) => () => createOidc(issuer, parts)),
    ...(sharedSecret === null ? [] : [() => createSharedSecret(withAudience(sharedSecret, mcpUrl), parts)]),
    () =>
      createApiKey({
        lookup: keyLookup,
        clock: parts.clock,
        ...(keyFailed === undefined ? {} : { failed: keyFailed }),
      }),
    ...(serviceTokens === null
      ? []
      : [() => createServiceToken(serviceTokens, { mcpUrl, lookup: keyLookup, clock: parts.clock })]),
    ...(staticKey === null ? [] : [() => createStaticKey(staticKey)]),
  ]

  const problems: string[] = []
  const providers = makers.flatMap((make) => {
    try {
      return [make()]
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      problems.push(...error.problems)
      return []
    }
  })
  if (problems.length > 0) throw new ConfigError(problems)
  return providers
}

/** An issuer whose keys may be fetched: never over plain http in production, and only what the outbound guard lets through. */
function reachable(issuer: OidcConfig, production: boolean, { fetch }: ProviderParts): OidcConfig {
  const { id, issuer: url } = issuer
  if (production && !url.startsWith('https://'))
    throw new ConfigError([`${variableOfIssuer(id, 'OIDC_ISSUER')}: must be https in production`])
  if (!fetch.permits(url)) {
    throw new ConfigError([
      `${variableOfIssuer(id, 'OIDC_ISSUER')}: ${url} may not be asked: it must be https, and public unless EGRESS_ALLOW_PRIVATE`,
    ])
  }
  return issuer
}

const withAudience = <Config extends { readonly audience: readonly string[] }>(
  config: Config,
  mcpUrl: string,
): Config => (config.audience.length > 0 ? config : { ...config, audience: [mcpUrl] })
