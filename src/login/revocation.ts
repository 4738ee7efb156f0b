import type { Log } from '#base/log.ts'
import { Refusal } from '#base/refusal.ts'
import type { Identity } from '#identity/identity.ts'
import type { VerifyContext } from '#identity/provider.ts'
import { revocationDigest } from '#identity/token-digest.ts'
import type { ClientAuthentication, From, Parameters } from './client-authentication.ts'
import type { Families } from './families.ts'
import type { Refresh } from './flow.ts'
import type { Seals } from './seals.ts'
import type { Upstream } from './upstream.ts'

export interface RevokerOptions {
  readonly upstreams: readonly Upstream[]
  readonly seals: Pick<Seals, 'refresh'>
  readonly client: ClientAuthentication
  readonly families: Families
  readonly authenticate: (token: string, context: VerifyContext) => Promise<Identity>
  /** Refuses the token on every replica from now on (D22). `until`: milliseconds, when it ends anyway; null: unknown. */
  readonly revokeToken: (
    token: { readonly identity: Identity; readonly digest: string; readonly until: number | null },
    from: From & { readonly requestId: string },
  ) => Promise<void>
  readonly log: Log
}

/**
 * RFC 7009. A refresh token ends its sign-in here and at the provider, for the client it was given to only. An access token is refused
 * here until it ends (D22), and taken back at the provider where that can be; whoever holds it may do so, for nothing else proves whose
 * it is. What is neither is nothing to revoke: no error (section 2.2). API keys are no tokens of a sign-in and stay what they are.
 * @throws Refusal `grant_invalid` (a refresh token of another client), `client_invalid`, `authorization_malformed`,
 * `provider_unavailable`, `database_unavailable`: then it was not revoked, and the client may try again (section 2.2.1).
 */
export type Revoker = (parameters: Parameters, from: From & { readonly requestId: string }) => Promise<void>

export function createRevoker(options: RevokerOptions): Revoker {
  const { upstreams, seals, client, families, authenticate, revokeToken, log } = options

  async function refreshToken(held: Refresh, parameters: Parameters, from: From): Promise<void> {
    const { client_id } = parameters
    if (client_id !== held.client_id) throw new Refusal('grant_invalid', { detail: 'another client_id' })
    await client(parameters, from)
    if (await families.end(held)) await takeBack(held, held.refresh_token, 'refresh_token')
  }

  async function accessToken(token: string, from: From & { readonly requestId: string }): Promise<void> {
    const identity = await known(token, from)
    // Of a key itself its owner decides: `key revoke`; also of one that says when it ends.
    if (identity === null || (identity.key !== null && identity.provider !== 'service-token')) return
    const until = identity.exp === null ? null : identity.exp * 1000
    await revokeToken({ identity, digest: revocationDigest(token), until }, from)
    await takeBack(identity, token, 'access_token')
  }

  /** null: not a token that is good here, so there is nothing to refuse. */
  async function known(token: string, { ip }: From): Promise<Identity | null> {
    try {
      return await authenticate(token, { ip })
    } catch (error) {
      if (error instanceof Refusal && error.status === 401) return null
      throw error
    }
  }

  /** Best effort, after what counts was done here. */
  async function takeBack(
    { provider, iss }: Pick<Identity, 'provider' | 'iss'>,
    token: string,
    hint: 'access_token' | 'refresh_token',
  ): Promise<void> {
    await upstreams
      .find(({ id, issuer }) => id === provider && issuer === iss)
      ?.revoke(token, hint)
      .catch((error: unknown) => log.warn({ err: error, provider }, 'a token was not taken back at its provider'))
  }

  return async (parameters, from) => {
    const { token = '' } = parameters
    if (token === '') throw new Refusal('authorization_malformed', { detail: 'no token' })
    const held = seals.refresh.open(token)
    await (held === null ? accessToken(token, from) : refreshToken(held, parameters, from))
  }
}
