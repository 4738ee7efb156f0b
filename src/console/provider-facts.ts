import type { OidcConfig, ProvidersConfig } from '#base/config.ts'
import type { Provider } from '#identity/provider.ts'

/** How a provider's tokens are recognised, in words; of an exact value (API_KEY) nothing is told. */
export const tokenWords = ({ tokens }: Pick<Provider, 'tokens'>): readonly string[] =>
  tokens.flatMap((shape) => {
    if ('iss' in shape) return shape.iss.map((iss) => `JWTs of ${iss}`)
    if ('prefix' in shape) return shape.prefix.map((prefix) => `tokens that begin with ${prefix}`)
    return 'exact' in shape ? ['one exact value'] : ['opaque tokens without a known prefix']
  })

/** What a provider's word is worth here (D6, D7), from the configuration. Never a secret. */
export function vouchesFor(
  id: string,
  { google, auth0, github, oidc, sharedSecret, staticKey }: ProvidersConfig,
): string {
  if (id === 'google' && google !== null) return 'Workspace domains (hd), and gmail.com addresses, as of now.'
  if (id === 'auth0' && auth0 !== null)
    return auth0.emailDomains.length === 0
      ? 'Organisations (org_id); an address counts as verified once.'
      : `Organisations (org_id); addresses of ${auth0.emailDomains.join(', ')} as of now, others once.`
  if (id === 'github' && github !== null) return 'People by their number; an address counts as verified once.'
  if (id === 'shared-secret' && sharedSecret !== null)
    return `${addresses(sharedSecret.domains)}${sharedSecret.trustTenantClaim ? ' The tenant that a token names.' : ''}`
  if (id === 'static-key' && staticKey !== null) return `${staticKey.role} of ${staticKey.tenant}.`
  if (id === 'api-key') return 'API keys that were made here.'
  if (id === 'service-token') return 'Tokens that were made here from API keys.'
  if (id === 'development') return 'Made-up people, on this machine only.'
  const issuer = oidc.find((each) => each.id === id)
  return issuer === undefined ? 'Nothing that is known here.' : issuerWords(issuer)
}

function issuerWords({ domains, tenant, tenantIds, organizationClaim }: OidcConfig): string {
  const words = [
    tenant === null ? addresses(domains) : `Everybody it vouches for belongs to ${tenant}.`,
    tenantIds.length > 0 && `Entra directories: ${tenantIds.join(', ')}.`,
    organizationClaim !== null && `Organisations: the claim ${organizationClaim}.`,
  ]
  return words.filter((word) => word !== false).join(' ')
}

function addresses(domains: '*' | readonly string[]): string {
  if (domains === '*') return 'Every address that it says is verified.'
  return domains.length === 0 ? 'People, but no addresses.' : `Addresses of ${domains.join(', ')}.`
}
