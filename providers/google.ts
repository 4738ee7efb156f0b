import { seconds } from '#base/clock.ts'
import { ConfigError, type GoogleConfig } from '#base/config.ts'
import { Refusal } from '#base/refusal.ts'
import type { Identity } from '#identity/identity.ts'
import { createKeySet } from '#identity/jwks.ts'
import { createJwtVerifier } from '#identity/jwt.ts'
import { createOpaqueVerifier } from '#identity/opaque.ts'
import type { LoginDelegate, Provider } from '#identity/provider.ts'
import { assertPresenter, audienceRule } from './audience.ts'
import {
  asked,
  commonClaims,
  emailEvidence,
  identityOf,
  subjectOf,
  text,
  type Claims,
  type ProviderParts,
} from './claims.ts'
import { explained } from './explained.ts'
import { GOOGLE_PREFIX } from './prefixes.ts'
import { ask, bearer, objectOf } from './upstream.ts'
import { userinfo } from './userinfo.ts'

const ISSUER = 'https://accounts.google.com'
/** Google writes either; they are one issuer, and a person has one key: the first. */
const ISSUERS = [ISSUER, 'accounts.google.com']
const CONSUMER_DOMAINS = ['gmail.com', 'googlemail.com']

/** Seconds. tokeninfo does not say when a token was issued, only when it ends; earlier than this it was not (D22). */
const ACCESS_TOKEN_LIFETIME = 3_600

interface GoogleEndpoints {
  readonly jwks: string
  readonly tokeninfo: string
  readonly userinfo: string
  /** Absent: as discovery says. */
  readonly login?: LoginDelegate['endpoints']
}

export const GOOGLE_ENDPOINTS: GoogleEndpoints = {
  jwks: 'https://www.googleapis.com/oauth2/v3/certs',
  tokeninfo: 'https://oauth2.googleapis.com/tokeninfo',
  userinfo: 'https://openidconnect.googleapis.com/v1/userinfo',
}

/**
 * Google: ID tokens by signature, `ya29.` access tokens by asking Google.
 *
 * How do we know this token was meant for us? Both name the client it was issued to: `aud`, and `azp` when present, must be
 * among GOOGLE_CLIENT_ID (D11; `azp` also stops a service account, which may put any `aud` it likes into its ID token). For
 * an access token tokeninfo says so; userinfo comes second, because it answers for every client's token alike.
 *
 * Tenant evidence: `hd`. An address is Google's to vouch for only in its account's `hd` domain or at gmail.com; a consumer
 * account may hold any other address, verified once and perhaps no longer its owner's (security.md E10).
 */
export function createGoogle(config: GoogleConfig, parts: ProviderParts, endpoints = GOOGLE_ENDPOINTS): Provider {
  const { clientIds } = config
  if (clientIds.length === 0) throw new ConfigError(['GOOGLE_CLIENT_ID: at least one client id is needed'])

  const keys = createKeySet({ issuer: ISSUER, jwksUri: async () => endpoints.jwks, algorithms: ['RS256'], ...parts })
  const idTokens = createJwtVerifier({
    issuer: ISSUERS,
    keys,
    algorithms: ['RS256'],
    audience: audienceRule({ audience: [], clientIds }),
    types: 'id_token',
    clock: parts.clock,
  })
  const accessTokens = createOpaqueVerifier({ provider: 'google', check: checkAccessToken, ...asked(parts) })

  const identify = (sub: string, claims: Claims): Identity => {
    const hd = text(claims['hd'])?.toLowerCase() ?? null
    const live = hd === null ? CONSUMER_DOMAINS : [hd]
    return identityOf({
      provider: 'google',
      iss: ISSUER,
      sub,
      ...commonClaims(claims, config.carriesScopes),
      ...emailEvidence(claims['email'], claims['email_verified'], (domain) =>
        live.includes(domain) ? 'live' : 'none',
      ),
      organization: hd === null ? null : { kind: 'hd', value: hd },
    })
  }

  async function checkAccessToken(token: string): Promise<{ value: Identity; exp: number }> {
    // In a header, as Google's own library does: a query would put the token into logs.
    const answer = await ask(parts, endpoints.tokeninfo, { method: 'POST', headers: bearer(token), judged: [400, 401] })
    if (answer.status !== 200) throw new Refusal('token_inactive', { detail: 'tokeninfo refused the token' })
    const info = objectOf(answer, 'tokeninfo')
    const { aud } = info
    if (typeof aud !== 'string') throw misunderstood('aud')
    if (!clientIds.includes(aud)) {
      throw new Refusal('audience_mismatch', { detail: 'tokeninfo names another client in aud' })
    }
    assertPresenter(info, clientIds)
    const exp = secondsOf(info['exp'])
    if (exp <= seconds(parts.clock)) throw new Refusal('token_expired')
    const sub = subjectOf(info['sub'])
    const profile = (await userinfo(parts, endpoints.userinfo, token, sub)) ?? {}
    const scope = typeof info['scope'] === 'string' ? info['scope'] : ''
    // Only userinfo says hd; of tokeninfo nothing is merged that could stand in for it.
    const email_verified = profile['email_verified'] === true || profile['email_verified'] === 'true'
    const iat = exp - ACCESS_TOKEN_LIFETIME
    return { value: identify(sub, { ...profile, email_verified, exp, iat, scope, azp: info['azp'] ?? aud }), exp }
  }

  return {
    id: 'google',
    tokens: [{ iss: ISSUERS }, { prefix: [GOOGLE_PREFIX] }],
    authorization_server: ISSUER,
    challenge_scopes: ['openid', 'email', 'profile'],
    grants_scopes: config.carriesScopes,
    login: loginOf(config, endpoints),
    async verify(token, { ip, redeemed = false, trace }) {
      if (token.startsWith(GOOGLE_PREFIX)) {
        return await explained(trace, 'tokeninfo and userinfo', accessTokens.verify(token, ip, !redeemed))
      }
      const claims = await idTokens.verify(token, trace)
      return identify(claims.sub, claims)
    },
    warm: async () => await keys.warm(),
    state: () => keys.state(),
  }
}

/**
 * Sign-in needs the secret: Google demands it of every kind of client that a browser returns to. A refresh token comes only with
 * `access_type=offline`, and again only with `prompt=consent`. The client receives the ID token: it names us in `aud`.
 */
function loginOf({ clientIds, clientSecret }: GoogleConfig, { login = null }: GoogleEndpoints): LoginDelegate | null {
  const [clientId] = clientIds
  if (clientId === undefined || clientSecret === null) return null
  return {
    label: 'Google',
    issuer: ISSUER,
    protocol: 'oidc',
    endpoints: login,
    clientId,
    clientSecret,
    clientAuth: 'client_secret_post',
    scopes: ['openid', 'email', 'profile'],
    authorizationParams: { access_type: 'offline', prompt: 'consent' },
    // Google knows no prompt=login.
    freshParams: { prompt: 'select_account consent' },
    token: 'id_token',
  }
}

/** tokeninfo writes numbers as strings of digits; anything else is an answer we do not understand. */
function secondsOf(value: unknown): number {
  if (typeof value === 'string' && /^\d{1,12}$/.test(value)) return Number(value)
  throw misunderstood('exp')
}

const misunderstood = (member: string): Refusal =>
  new Refusal('provider_unavailable', { detail: `tokeninfo answered without a usable ${member}` })
