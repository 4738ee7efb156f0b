import { ConfigError, type Auth0Config } from '#base/config.ts'
import type { Identity } from '#identity/identity.ts'
import { createKeySet } from '#identity/jwks.ts'
import { createJwtVerifier, type JwtClaims } from '#identity/jwt.ts'
import { createOpaqueVerifier } from '#identity/opaque.ts'
import type { LoginDelegate, Provider } from '#identity/provider.ts'
import { audienceOf, audienceRule } from './audience.ts'
import {
  commonClaims,
  emailEvidence,
  holdsDomain,
  identityOf,
  text,
  type Claims,
  type ProviderParts,
} from './claims.ts'
import { explained } from './explained.ts'
import { userinfo } from './userinfo.ts'

const ALGORITHMS = ['RS256', 'PS256']

interface Auth0Endpoints {
  readonly jwks: string
  readonly userinfo: string
  /** Absent: as discovery says. */
  readonly login?: LoginDelegate['endpoints']
}

/** @param issuer ends with a slash, as Auth0 writes it. */
export const auth0Endpoints = (issuer: string): Auth0Endpoints => ({
  jwks: `${issuer}.well-known/jwks.json`,
  userinfo: `${issuer}userinfo`,
})

/**
 * Auth0: JWTs by signature.
 *
 * How do we know this token was meant for us? An access token's `aud` holds AUTH0_AUDIENCE; an ID token's is AUTH0_CLIENT_ID,
 * and so is its `azp`. Opaque tokens name no audience and are refused (ask Auth0 with `audience`).
 *
 * Tenant evidence: `org_id`; a verified email, live only for AUTH0_EMAIL_DOMAINS (D6), since a database sign-up was verified
 * once at best (D7). Access tokens carry no email of their own: it comes from the claim AUTH0_EMAIL_CLAIM, verified when the
 * claim of the same name with `_verified` is true, else from userinfo where the token may be shown there.
 */
export function createAuth0(config: Auth0Config, parts: ProviderParts, endpoints?: Auth0Endpoints): Provider {
  const issuer = `https://${config.domain}/`
  const { jwks, userinfo: userinfoUrl, login = null } = endpoints ?? auth0Endpoints(issuer)
  const clientIds = config.login === null ? [] : [config.login.clientId]
  if (config.audience.length + clientIds.length === 0) throw new ConfigError(['AUTH0_AUDIENCE: an audience is needed'])

  const keys = createKeySet({ issuer, jwksUri: async () => jwks, algorithms: ALGORITHMS, ...parts })
  const jwts = createJwtVerifier({
    issuer,
    keys,
    algorithms: ALGORITHMS,
    audience: audienceRule({ audience: config.audience, clientIds }),
    clock: parts.clock,
  })
  // Only after the JWT was proved, and cached like any opaque answer: userinfo is limited per user.
  const profiles = createOpaqueVerifier({
    provider: 'auth0',
    clock: parts.clock,
    ...(parts.meter === undefined ? {} : { meter: parts.meter }),
    check: async (token) => {
      const { sub, exp } = await jwts.verify(token)
      return { value: (await userinfo(parts, userinfoUrl, token, sub)) ?? {}, exp }
    },
  })

  const own = config.emailClaim
  const emailOf = (claims: Claims): { email: unknown; verified: unknown } =>
    own !== null && Object.hasOwn(claims, own)
      ? { email: claims[own], verified: claims[`${own}_verified`] }
      : { email: claims['email'], verified: claims['email_verified'] }

  async function profileOf(token: string, claims: JwtClaims): Promise<Claims> {
    const needsEmail = text(emailOf(claims).email) === null && claims['org_id'] === undefined
    if (!needsEmail || !audienceOf(claims).includes(`${issuer}userinfo`)) return claims
    const profile = await profiles.verify(token)
    // Whether an address is verified is said by whoever says the address.
    return { ...profile, ...claims, email: profile['email'], email_verified: profile['email_verified'] }
  }

  function identify(claims: JwtClaims, profile: Claims): Identity {
    const { email, verified } = emailOf(profile)
    const organization = text(claims['org_id'])
    return identityOf({
      provider: 'auth0',
      iss: claims.iss,
      sub: claims.sub,
      ...commonClaims(claims, config.carriesScopes),
      name: text(profile['name']),
      picture: text(profile['picture']),
      ...emailEvidence(email, verified, (domain) => (holdsDomain(config.emailDomains, domain) ? 'live' : 'once')),
      organization: organization === null ? null : { kind: 'org_id', value: organization },
    })
  }

  return {
    id: 'auth0',
    tokens: [{ iss: [issuer] }],
    authorization_server: issuer,
    challenge_scopes: ['openid', 'profile', 'email'],
    grants_scopes: config.carriesScopes,
    login: loginOf(config, issuer, login),
    async verify(token, { trace }) {
      const claims = await jwts.verify(token, trace)
      return identify(claims, await explained(trace, 'email', profileOf(token, claims)))
    },
    warm: async () => await keys.warm(),
    state: () => keys.state(),
  }
}

/** The client receives the access token of our API: Auth0 makes it a JWT, and one for us, only when `audience` names that API. */
function loginOf(
  { audience: [audience], login }: Auth0Config,
  issuer: string,
  endpoints: LoginDelegate['endpoints'],
): LoginDelegate | null {
  if (login === null || audience === undefined) return null
  return {
    label: 'Auth0',
    issuer,
    protocol: 'oidc',
    endpoints,
    ...login,
    clientAuth: 'client_secret_post',
    scopes: ['openid', 'email', 'profile', 'offline_access'],
    authorizationParams: { audience },
    token: 'access_token',
  }
}
