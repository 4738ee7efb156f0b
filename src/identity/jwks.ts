import type { CryptoKey } from 'jose'
import type { Clock } from '#base/clock.ts'
import type { GuardedFetch } from '#base/fetch.ts'
import type { Log } from '#base/log.ts'
import type { ProviderState } from './provider.ts'

export interface KeySetOptions {
  readonly issuer: string
  /** Where the set is; may itself ask discovery. Throws Refusal `provider_unavailable`. */
  readonly jwksUri: () => Promise<string>
  /** Asymmetric algorithms allowed for this issuer. */
  readonly algorithms: readonly string[]
  readonly fetch: GuardedFetch
  readonly clock: Clock
  readonly log: Log
  /** Told after the usable keys became others. */
  readonly onChange?: () => void
}

export interface KeySet {
  key(header: { readonly alg: string; readonly kid?: string }): Promise<CryptoKey>
  warm(): Promise<void>
  state(): ProviderState
  /** Counts the changes of the usable keys: what was proved under another generation counts no more. */
  generation(): number
}

export function createKeySet(_options: KeySetOptions): KeySet {
  throw new Error('not built yet')
}
