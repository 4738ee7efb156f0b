import { ConfigError, type OidcConfig } from '#base/config.ts'
import { Refusal } from '#base/refusal.ts'
import { createDiscovery } from '#identity/discovery.ts'
import type { Identity } from '#identity/identity.ts'
import type { KeySet } from '#identity/jwks.ts'
import { isJwtShaped, peekIssuer } from '#identity/jwt-parse.ts'
import { createOpaqueVerifier, type OpaqueVerifier } from '#identity/opaque.ts'
import type { Provider, ProviderState, TokenShape } from '#identity/provider.ts'
import type { Audience } from './audience.ts'
import {
  asked,
  commonClaims,
  emailEvidence,
  holdsDomain,
  identityOf,
  text,
  type Claims,
  type ProviderParts,
  type TenantEvidence,
} from './claims.ts'
import { entraEvidence, readEntra } from './entra.ts'
import { explained } from './explained.ts'
import { introspect } from './introspection.ts'
import { createIssuer } from './issuer.ts'
import { oidcLogin } from './oidc-login.ts'
import { hasKnownPrefix } from './prefixes.ts'

/**
 * Any OpenID issuer: JWTs by signature with the keys of its discovery document, opaque tokens by introspection (RFC 7662).
 *
 * How do we know this token was meant for us? `aud` holds one of OIDC_AUDIENCE; an ID token's holds our client id, and so does
 * its `azp`. OIDC_TOKEN_USE narrows to one kind.
 *
 * Tenant evidence: the verified email in domains this issuer may speak for (D6); a configured organisation claim; the tenant
 * it is pinned to; at Entra the tenant id (see entra.ts).
 */
export function createOidc(config: OidcConfig, parts: ProviderParts): Provider {
  const accepted = acceptedAudience(config)
  const entra = readEntra(config)
  const issuers = entra === null ? [config.issuer] : [...entra.tenantOf.keys()]
  const verifiers = new Map(issuers.map((issuer) => [issuer, createIssuer(issuer, config, accepted, parts)]))
  const opaque = config.introspection === null ? null : createOpaque(config.introspection)

  function identify(iss: string, sub: string, claims: Claims): Identity {
    return identityOf({
      provider: config.id,
      iss,
      sub,
      ...commonClaims(claims, config.carriesScopes),
      ...(entra === null ? evidenceOf(config, claims) : entraEvidence(entra, iss, claims)),
      tenant: config.tenant,
    })
  }

  function createOpaque(credentials: NonNullable<OidcConfig['introspection']>): OpaqueVerifier<Identity> {
    const { issuer } = config
    const discovery = createDiscovery({ issuer, ...parts })
    const endpoint = async (): Promise<string> =>
      credentials.endpoint ?? (await discovery.endpoint('introspection_endpoint'))
    return createOpaqueVerifier({
      provider: config.id,
      ...asked(parts),
      check: async (token) => {
        const { sub, exp, claims } = await introspect(token, { ...accepted, issuer, credentials, endpoint }, parts)
        return { value: identify(issuer, sub, claims), exp }
      },
    })
  }

  const keySets = [...verifiers.values()].map(({ keys }) => keys)
  const shapes: TokenShape[] = [{ iss: issuers }, ...(opaque === null ? [] : [{ opaque: true } as const])]
  return {
    id: config.id,
    tokens: shapes,
    authorization_server: verifiers.has(config.issuer) ? config.issuer : null,
    challenge_scopes: ['openid', 'profile', 'email'],
    grants_scopes: config.carriesScopes,
    login: oidcLogin(config, entra === null ? [config.issuer] : issuers, entra !== null),
    async verify(token, { ip, redeemed = false, trace }) {
      const jwts = verifiers.get(peekIssuer(token) ?? '')?.jwts
      if (jwts !== undefined) {
        const claims = await jwts.verify(token, trace)
        return identify(claims.iss, claims.sub, claims)
      }
      if (opaque === null || isJwtShaped(token) || hasKnownPrefix(token)) throw new Refusal('issuer_unknown')
      return await explained(trace, 'introspection', opaque.verify(token, ip, !redeemed))
    },
    warm: async () => void (await Promise.all(keySets.map(async (keys) => await keys.warm()))),
    state: () => worstState(keySets),
  }
}

/** @throws ConfigError for a configuration under which a token could be accepted that was not meant for us. */
function acceptedAudience({ id, issuer, audience, login, tokenUse }: OidcConfig): Audience {
  const problems: string[] = []
  if (!/^https?:\/\//.test(issuer) || !URL.canParse(issuer)) problems.push(`${id}: ${issuer} is no issuer URL`)
  const clientIds = login === null ? [] : [login.clientId]
  const accepted = {
    any: { audience, clientIds },
    id_token: { audience: [], clientIds: [...audience, ...clientIds] },
    access_token: { audience, clientIds: [] },
  }[tokenUse]
  if (accepted.audience.length + accepted.clientIds.length === 0) problems.push(`${id}: an audience is needed`)
  if (problems.length > 0) throw new ConfigError(problems)
  return accepted
}

/** D6: what the issuer says of an address, in the domains it may speak for; and the organisation claim, where one is configured. */
function evidenceOf({ domains, organizationClaim }: OidcConfig, claims: Claims): TenantEvidence {
  const organization = organizationClaim === null ? null : text(claims[organizationClaim])
  return {
    ...emailEvidence(claims['email'], claims['email_verified'], (domain) =>
      holdsDomain(domains, domain) ? 'live' : 'none',
    ),
    organization: organization === null ? null : { kind: 'org_id', value: organization },
  }
}

/** The state of several key sets is that of the one that is worst off. */
function worstState(keySets: readonly KeySet[]): ProviderState {
  const states = keySets.map((keys) => keys.state())
  const worst = states.find(({ ready }) => !ready) ?? states.find(({ last_error }) => last_error !== null) ?? states[0]
  if (worst === undefined) throw new Error('an issuer without key sets')
  return worst
}
