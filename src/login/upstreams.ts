import type { Clock } from '#base/clock.ts'
import type { GuardedFetch } from '#base/fetch.ts'
import type { Log } from '#base/log.ts'
import type { Provider } from '#identity/provider.ts'
import type { Upstream } from './upstream.ts'
import { createUpstream } from './upstream-client.ts'

export interface UpstreamsOptions {
  readonly providers: readonly Provider[]
  /** Scopes of this server's tools: asked for where the issuer's tokens carry them, or those tokens would allow nothing. */
  readonly scopes: readonly string[]
  readonly fetch: GuardedFetch
  readonly clock: Clock
  readonly log: Log
}

/** Every provider that people can sign in with through us, in the order of providers/index.ts. Asks nobody yet. */
export const createUpstreams = ({ providers, scopes, ...parts }: UpstreamsOptions): readonly Upstream[] =>
  providers.flatMap((provider) => {
    const { id, login, grants_scopes } = provider
    if (login == null) return []
    const delegate = grants_scopes ? { ...login, scopes: [...login.scopes, ...scopes] } : login
    return [
      createUpstream({
        id,
        delegate,
        ...parts,
        verify: async (token, context) => await provider.verify(token, context),
      }),
    ]
  })
