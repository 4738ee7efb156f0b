import type { Log } from '#base/log.ts'
import type { Provider } from '#identity/provider.ts'

/** Keys are fetched before the first token comes, and a provider that is down stops nothing (/readyz waits for it, at most 10 s). */
export function warm(providers: readonly Provider[], log: Log): void {
  for (const provider of providers) {
    provider
      .warm?.()
      .catch((error: unknown) => log.warn({ err: error, provider: provider.id }, 'a provider could not be reached yet'))
  }
}
