import { refreshTokenGrant } from 'openid-client'
import type { Clock } from '#base/clock.ts'
import { guardFor } from './guard.ts'
import { errorCodeOf, issuerFailure, issuerOf } from './issuer.ts'
import { scopesOf, union } from './json.ts'
import type { Login } from './login-record.ts'
import { shown } from './target.ts'

/** What is to be kept, and why a person has to sign in; null: they need not. */
export interface Refreshed {
  readonly login: Login
  readonly failure: string | null
}

/**
 * New tokens for old (RFC 6749 section 6). The refresh token is dropped only when the issuer says `invalid_grant`: everything else can
 * pass. Call it under the login's lock, and save what it answers before anything else.
 * @throws BridgeFailure `unavailable` or `refused`: nothing changed.
 */
export async function refresh(login: Login, clock: Clock, url: URL): Promise<Refreshed> {
  const fetch = await guardFor(url)
  try {
    const server = { issuer: login.issuer, token_endpoint: login.token_endpoint }
    const tokens = await refreshTokenGrant(issuerOf(server, login, fetch), login.refresh_token ?? '', {
      ...(login.resource_indicator ? { resource: login.resource } : {}),
      // Some issuers give nothing when nothing is named; what was granted may be named again.
      ...(login.granted.length === 0 ? {} : { scope: login.granted.join(' ') }),
    })
    const expires_in = tokens.expiresIn()
    return {
      failure: null,
      login: {
        ...login,
        access_token: tokens.access_token,
        refresh_token: tokens.refresh_token ?? login.refresh_token,
        expires_at: expires_in === undefined ? null : Math.floor(clock.now() / 1000) + expires_in,
        scopes: union(login.scopes, scopesOf(tokens.scope)),
        granted: tokens.scope === undefined ? login.granted : scopesOf(tokens.scope),
        ended: null,
        updated: clock.now(),
      },
    }
  } catch (error) {
    const code = errorCodeOf(error)
    if (code === 'invalid_grant')
      return {
        login: { ...login, refresh_token: null, ended: code, updated: clock.now() },
        failure: `the sign-in at ${shown(url)} has ended: ${login.issuer} no longer accepts it`,
      }
    // The registration is gone, the grant perhaps not: it stays, and the next sign-in registers anew.
    if (code === 'invalid_client' || code === 'unauthorized_client')
      return { login: { ...login, ended: code }, failure: `${login.issuer} no longer knows this program` }
    throw issuerFailure(error, 'the sign-in could not be renewed')
  } finally {
    await fetch.close()
  }
}
