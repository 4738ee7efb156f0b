import { systemClock } from '#base/clock.ts'
import type { Config } from '#base/config.ts'
import { createGuardedFetch, type GuardedFetch } from '#base/fetch.ts'
import { createLog } from '#base/log.ts'
import { developmentIssuer } from '#http/dev-client.ts'
import type { Provider } from '#identity/provider.ts'
import type { ApiKeyLookup } from '#identity/api-key.ts'
import { createSigningKeys } from '#login/signing-key.ts'
import { createProviders } from '#providers/index.ts'

export interface Judges {
  readonly providers: readonly Provider[]
  readonly fetch: GuardedFetch
}

/** The same providers as the server's, for as long as `work` takes. Nothing is fetched before a token or `warm` asks for it. */
export async function withProviders<T>(
  config: Config,
  keyLookup: ApiKeyLookup,
  work: (judges: Judges) => Promise<T>,
): Promise<T> {
  const fetch = createGuardedFetch({ allowPrivate: config.egressAllowPrivate || config.developmentSignIn })
  try {
    const mcpUrl = `${config.publicUrl}/mcp`
    const log = createLog('silent')
    const extra = config.developmentSignIn ? [developmentIssuer(config.publicUrl)] : []
    // Outside production the secret may be one that only `serve` knows yet.
    const serviceTokens =
      config.sessionSecrets.length === 0 && config.signingKey === null
        ? null
        : { issuer: config.publicUrl, keys: (await createSigningKeys(config)).keySet }
    const parts = { fetch, clock: systemClock, log }
    const providers = createProviders({ config, mcpUrl, keyLookup, extra, serviceTokens, ...parts })
    return await work({ providers, fetch })
  } finally {
    await fetch.close()
  }
}
