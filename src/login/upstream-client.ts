import * as openid from 'openid-client'
import { seconds, type Clock } from '#base/clock.ts'
import type { GuardedFetch } from '#base/fetch.ts'
import type { Log } from '#base/log.ts'
import { Refusal } from '#base/refusal.ts'
import type { Identity } from '#identity/identity.ts'
import type { LoginDelegate, Provider } from '#identity/provider.ts'
import { assertAccessTokenHash } from './access-token-hash.ts'
import type { Upstream, UpstreamTokens } from './upstream.ts'
import { judged } from './upstream-errors.ts'
import { createUpstreamServer } from './upstream-server.ts'

export interface UpstreamOptions {
  readonly id: string
  readonly delegate: LoginDelegate
  readonly verify: Provider['verify']
  readonly fetch: GuardedFetch
  readonly clock: Clock
  readonly log: Log
}

/** What fits into our sealed refresh token; see `Refresh`. */
const LONGEST_REFRESH_TOKEN = 4096

/**
 * Talks to one provider with openid-client, through the outbound guard: 5 s an exchange, no redirect followed, 256 KiB.
 * What it hands out was verified by the provider's own `verify`, signature included, so /mcp will take it.
 */
export function createUpstream({ id, delegate, verify, fetch, clock, log }: UpstreamOptions): Upstream {
  const { issuer, token: kind, authorizationParams } = delegate
  const server = createUpstreamServer({ delegate, fetch, clock })
  const oidc = delegate.protocol === 'oidc'
  // RFC 8707 section 2.2: the token request names what the authorization request named.
  const { resource } = authorizationParams
  const target = resource === undefined ? {} : { resource }

  async function accepted(token: string): Promise<Identity> {
    const identity = await verify(token, { ip: null, redeemed: true })
    if (identity.iss !== issuer) throw new Refusal('issuer_unknown', { detail: `${id} answered for another issuer` })
    return identity
  }

  /** @throws Refusal of `verify`, `claims_invalid`, `subject_mismatch`, `token_expired`. */
  async function received(answer: openid.TokenEndpointResponse, token: string): Promise<UpstreamTokens> {
    const { id_token, access_token, refresh_token = null } = answer
    if (oidc && id_token !== undefined) assertAccessTokenHash(id_token, access_token)
    const identity = await accepted(token)
    const subject = id_token === undefined || kind === 'id_token' ? identity.sub : subjectOf(id_token)
    if (subject !== identity.sub) throw new Refusal('subject_mismatch', { detail: 'ID token and access token differ' })
    const expires_in = identity.exp === null ? null : identity.exp - seconds(clock)
    if (expires_in !== null && expires_in <= 0) throw new Refusal('token_expired')
    const tooLong = refresh_token !== null && refresh_token.length > LONGEST_REFRESH_TOKEN
    if (tooLong) log.warn({ provider: id }, 'a refresh token of this provider is too long to be kept')
    return { token, identity, refresh_token: tooLong ? null : refresh_token, expires_in }
  }

  return {
    id,
    label: delegate.label,
    issuer,

    async assertIssuer(iss) {
      if (iss === issuer || (iss === null && !(await server.metadata()).promisesIssuer)) return
      throw new Refusal('sign_in_lost', { detail: `iss of the answer is not ${issuer}` })
    },

    async authorizationUrl({ redirect_uri, state, nonce, code_verifier, fresh = false }) {
      const config = await server.configuration()
      const { scopes } = await server.metadata()
      return openid.buildAuthorizationUrl(config, {
        ...authorizationParams,
        ...(scopes.includes('offline_access') ? delegate.offlineParams : {}),
        ...(fresh ? (delegate.freshParams ?? { prompt: 'login' }) : {}),
        redirect_uri,
        scope: scopes.join(' '),
        state,
        ...(oidc ? { nonce } : {}),
        code_challenge: await openid.calculatePKCECodeChallenge(code_verifier),
        code_challenge_method: 'S256',
      }).href
    },

    async redeem({ code, redirect_uri, nonce, code_verifier }) {
      const config = await server.configuration()
      // As the browser brought it: openid-client takes the code from there, and the redirect URI from the rest. `iss` was checked then.
      const back = new URL(redirect_uri)
      back.search = String(new URLSearchParams({ code, iss: issuer }))
      const checks = {
        pkceCodeVerifier: code_verifier,
        ...(oidc ? { expectedNonce: nonce, idTokenExpected: true } : {}),
      }
      return await judged('code', id, async () => {
        const answer = await openid.authorizationCodeGrant(config, back, checks, target)
        return await received(answer, answer[kind] ?? '')
      })
    },

    async refresh(refresh_token) {
      const config = await server.configuration()
      return await judged('refresh', id, async () => {
        const answer = await openid.refreshTokenGrant(config, refresh_token, target)
        const token = answer[kind]
        // It renews, but never what we hand out: waiting will not help, signing in again will.
        if (token === undefined) throw new Refusal('grant_invalid', { detail: `${id} renews without an ${kind}` })
        return await received(answer, token)
      })
    },

    async revoke(token, hint) {
      if (delegate.revoke !== undefined) return await delegate.revoke(token, hint)
      // An ID token is nothing that could be taken back there.
      if (hint === 'access_token' && kind === 'id_token') return false
      const config = await server.configuration()
      if (config.serverMetadata().revocation_endpoint === undefined) return false
      await openid.tokenRevocation(config, token, { token_type_hint: hint })
      return true
    },
  }
}

/** openid-client has checked the token's form, `iss`, `aud` and `nonce`; it came straight from the token endpoint. */
function subjectOf(idToken: string): unknown {
  const payload: unknown = JSON.parse(Buffer.from(idToken.split('.')[1] ?? '', 'base64url').toString())
  return typeof payload === 'object' && payload !== null && 'sub' in payload ? payload.sub : null
}
