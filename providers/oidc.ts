import { ConfigError, type OidcConfig } from '#base/config.ts'
import { Refusal } from '#base/refusal.ts'
import { createDiscovery } from '#identity/discovery.ts'
import type { Identity } from '#identity/identity.ts'
import { createKeySet, type KeySet } from '#identity/jwks.ts'
import { isJwtShaped, peekIssuer } from '#identity/jwt-parse.ts'
import { createJwtVerifier } from '#identity/jwt.ts'
import { createOpaqueVerifier } from '#identity/opaque.ts'
import type { Provider, ProviderState, TokenShape } from '#identity/provider.ts'
import { audienceRule, type Audience } from './audience.ts'
import {
  commonClaims,
  emailEvidence,
  holdsDomain,
  identityOf,
  text,
  type Claims,
  type ProviderParts,
} from './claims.ts'
import { entraEvidence, readEntra } from './entra.ts'
import { explained } from './explained.ts'
import { introspect } from './introspection.ts'
import { hasKnownPrefix } from './prefixes.ts'

const ASYMMETRIC = /^(?:(?:RS|PS|ES)(?:256|384|512)|EdDSA|Ed25519)$/
/** Keycloak writes what a token is into the payload; these are no access or ID tokens. */
const FOREIGN_USES = ['Refresh', 'Offline', 'Logout']

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
    const { tid, verified } =
      entra === null ? { tid: null, verified: claims['email_verified'] === true } : entraEvidence(entra, iss, claims)
    const organization = config.organizationClaim === null ? null : text(claims[config.organizationClaim])
    return identityOf({
      provider: config.id,
      iss,
      sub,
      ...commonClaims(claims, config.carriesScopes),
      ...emailEvidence(claims['email'], verified, (domain) =>
        // xms_edov says that the domain's own administrator vouches, whatever the configuration says of domains.
        tid !== null || holdsDomain(config.domains, domain) ? 'live' : 'none',
      ),
      organization:
        tid !== null
          ? { kind: 'tid', value: tid }
          : organization === null
            ? null
            : { kind: 'org_id', value: organization },
      tenant: config.tenant,
    })
  }

  function createOpaque(credentials: NonNullable<OidcConfig['introspection']>) {
    const [issuer = config.issuer] = issuers
    const discovery = createDiscovery({ issuer, ...parts })
    const { endpoint } = credentials
    return createOpaqueVerifier({
      provider: config.id,
      clock: parts.clock,
      check: async (token) => {
        const { sub, exp, claims } = await introspect(
          token,
          {
            ...accepted,
            issuer,
            credentials,
            endpoint: async () => endpoint ?? (await discovery.endpoint('introspection_endpoint')),
          },
          parts,
        )
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
    async verify(token, { trace }) {
      const jwts = verifiers.get(peekIssuer(token) ?? '')?.jwts
      if (jwts !== undefined) {
        const claims = await jwts.verify(token, trace)
        return identify(claims.iss, claims.sub, claims)
      }
      if (opaque === null || isJwtShaped(token) || hasKnownPrefix(token)) throw new Refusal('issuer_unknown')
      return await explained(trace, 'introspection', opaque.verify(token))
    },
    warm: async () => void (await Promise.all(keySets.map(async (keys) => await keys.warm()))),
    state: () => worstState(keySets),
  }
}

function createIssuer(issuer: string, config: OidcConfig, accepted: Audience, parts: ProviderParts) {
  const discovery = createDiscovery({ issuer, ...parts })
  const { algorithms, tokenUse } = config
  const keys = createKeySet({ issuer, jwksUri: async () => await discovery.endpoint('jwks_uri'), algorithms, ...parts })
  const meantForUs = audienceRule(accepted)
  const jwts = createJwtVerifier({
    issuer,
    keys,
    algorithms,
    types: tokenUse,
    clock: parts.clock,
    audience: (claims, typ) => {
      const use = claims['typ']
      if (typeof use === 'string' && FOREIGN_USES.includes(use))
        throw new Refusal('type_refused', { detail: `typ ${use}` })
      meantForUs(claims, typ)
    },
  })
  return { keys, jwts }
}

/** @throws ConfigError for a configuration under which a token could be accepted that was not meant for us. */
function acceptedAudience({ id, issuer, audience, login, tokenUse, algorithms }: OidcConfig): Audience {
  const problems: string[] = []
  const weak = algorithms.filter((algorithm) => !ASYMMETRIC.test(algorithm))
  if (weak.length > 0) problems.push(`${id}: ${weak.join(', ')} cannot be used with an issuer's public keys`)
  if (algorithms.length === 0) problems.push(`${id}: no signature algorithm is allowed`)
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

/** The state of several key sets is that of the one that is worst off. */
function worstState(keySets: readonly KeySet[]): ProviderState {
  const states = keySets.map((keys) => keys.state())
  const worst = states.find(({ ready }) => !ready) ?? states.find(({ last_error }) => last_error !== null) ?? states[0]
  if (worst === undefined) throw new Error('an issuer without key sets')
  return worst
}
