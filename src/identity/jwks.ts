import { createLocalJWKSet, errors, type CryptoKey, type JWK } from 'jose'
import type { Clock } from '#base/clock.ts'
import { ConfigError } from '#base/config.ts'
import type { GuardedFetch } from '#base/fetch.ts'
import type { Log } from '#base/log.ts'
import { Refusal } from '#base/refusal.ts'
import { isAsymmetric } from './algorithms.ts'
import type { ProviderState } from './provider.ts'
import { createRefreshed } from './refreshed.ts'
import { usableKeys } from './usable-keys.ts'

const SECOND = 1_000
/** Freshness: max-age of the answer, but within these bounds; `DEFAULT` when it says nothing. */
const SHORTEST = 300 * SECOND
const LONGEST = 3_600 * SECOND
const DEFAULT = 600 * SECOND
/** How long held keys serve after the last success while the issuer cannot be reached. */
const STALE_FOR = 3_600 * SECOND
/** An unknown kid causes at most one fetch in this time. A real rotation is therefore seen at most this late. */
const UNKNOWN_KID_INTERVAL = 30 * SECOND

export interface KeySetOptions {
  readonly issuer: string
  /** Where the set is; may itself ask discovery. Throws FetchFailed or Refusal `provider_unavailable`. */
  readonly jwksUri: () => Promise<string>
  /** Asymmetric algorithms allowed for this issuer. */
  readonly algorithms: readonly string[]
  readonly fetch: GuardedFetch
  readonly clock: Clock
  readonly log: Log
  /** Told after the usable keys became others. Verified results need no telling: they look at `generation`. */
  readonly onChange?: () => void
}

/** The keys of one issuer (RFC 7517), kept and refreshed. */
export interface KeySet {
  /**
   * The one key that fits the header. Without `kid` only when a single held key fits the algorithm.
   * @throws Refusal `key_unknown`: no key, or more than one, fits.
   * @throws Refusal `provider_unavailable`: there are no keys, or the last success is over 60 minutes old; or the `kid` is
   * unknown and the issuer cannot be asked whether it is new.
   */
  key(header: { readonly alg: string; readonly kid?: string }): Promise<CryptoKey>
  /** Fetches the keys unless they are held. @throws Refusal `provider_unavailable`. */
  warm(): Promise<void>
  state(): ProviderState
  /** Counts the changes of the usable keys: what was proved under another generation counts no more. */
  generation(): number
}

/** Wraps jose's local key set and not its remote one, which forgets its keys while the issuer is down and limits no size. */
export function createKeySet(options: KeySetOptions): KeySet {
  const { issuer, algorithms, clock, log } = options
  const foreign = algorithms.filter((alg) => !isAsymmetric(alg))
  if (foreign.length > 0 || algorithms.length === 0)
    throw new ConfigError([
      `${issuer}: ${foreign.join(', ') || 'no algorithm'} cannot be allowed for a published key set`,
    ])

  let current = ''
  let generation = 0

  const source = createRefreshed({
    async load() {
      const { body, headers } = await options.fetch.json(await options.jwksUri())
      const keys = await usableKeys(body, algorithms)
      const found = JSON.stringify(keys)
      if (found !== current) {
        current = found
        generation += 1
        options.onChange?.()
      }
      return { value: { resolve: createLocalJWKSet({ keys }), keys }, fresh: freshness(headers.get('cache-control')) }
    },
    staleFor: STALE_FOR,
    clock,
    onFailure: (error) => log.warn({ issuer, err: error }, 'the keys of an issuer could not be fetched'),
  })

  return {
    async key({ alg, kid }) {
      const header = kid === undefined ? { alg } : { alg, kid }
      const known = await resolve(await source.get(), header)
      if (known !== null) return known
      const asked = await source.reload(UNKNOWN_KID_INTERVAL)
      const found = asked ? await resolve(await source.get(), header) : null
      if (found !== null) return found
      const { lastError } = source.state()
      if (lastError === null) throw new Refusal('key_unknown', { detail: 'no key of the issuer fits the token' })
      throw new Refusal('provider_unavailable', {
        detail: `no held key fits, and the issuer cannot be asked: ${lastError}`,
      })
    },

    async warm() {
      await source.get()
    },

    state() {
      const { held, firstAttempt, lastSuccess, lastError, failed, lastFailure, nextAttempt } = source.state()
      const ready = lastSuccess !== null && clock.now() < lastSuccess + STALE_FOR
      return {
        ready,
        keys: held?.keys.length ?? null,
        first_attempt: firstAttempt,
        last_success: lastSuccess,
        last_error: lastError,
        last_failure: lastFailure,
        failed,
        next_attempt: nextAttempt,
      }
    },

    generation: () => generation,
  }
}

interface Held {
  readonly resolve: ReturnType<typeof createLocalJWKSet>
  readonly keys: readonly JWK[]
}

/** null: none fits. @throws Refusal `key_unknown` when several fit. */
async function resolve(held: Held, header: { alg: string; kid?: string }): Promise<CryptoKey | null> {
  try {
    return await held.resolve(header)
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) return null
    // Several fit, or the key is not one of this algorithm: a fault of token or issuer, never an internal error.
    throw new Refusal('key_unknown', { detail: 'not exactly one key of the issuer fits the token', cause: error })
  }
}

/** RFC 9111 section 5.2.2.1. */
function freshness(cacheControl: string | null): number {
  const [, age] = /(?:^|[\s,])max-age=(\d{1,9})(?:[\s,]|$)/i.exec(cacheControl ?? '') ?? []
  return age === undefined ? DEFAULT : Math.min(Math.max(Number(age) * SECOND, SHORTEST), LONGEST)
}
