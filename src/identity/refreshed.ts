import type { Clock } from '#base/clock.ts'
import { Refusal } from '#base/refusal.ts'
import { unavailable } from './unavailable.ts'

/** Milliseconds before the end of freshness at which use starts a refresh in the background. */
const AHEAD = 30_000
/** Back-off after failures, from the last attempt: 1, 2, 4, 8, 16, 30, 30... seconds. */
const MOST_WAIT = 30_000

export interface RefreshedOptions<Value extends object> {
  /** Fetches the value; `fresh` is for how many milliseconds it counts as new. Throws FetchFailed or Refusal. */
  readonly load: () => Promise<{ readonly value: Value; readonly fresh: number }>
  /** Milliseconds after the last success for which the value is served though it cannot be fetched anew. */
  readonly staleFor: number
  readonly clock: Clock
  /** Told of every failed attempt, also those in the background. */
  readonly onFailure: (error: unknown) => void
}

/** A value fetched from elsewhere and kept: while one is held, nobody waits for a refresh. At most one fetch is under way. */
export interface Refreshed<Value extends object> {
  /** The held value, or the first one. @throws Refusal `provider_unavailable` when there is none or it is too old, and no new one comes. */
  get(): Promise<Value>
  /**
   * Fetches now, unless the last attempt, good or bad, was less than `interval` milliseconds ago (give no less than the longest
   * back-off, 30 s); joins a fetch under way. False: no fetch was due. @throws Refusal `provider_unavailable` when it failed.
   */
  reload(interval: number): Promise<boolean>
  state(): RefreshedState<Value>
}

interface RefreshedState<Value extends object> {
  readonly held: Value | null
  /** Milliseconds since the epoch, as the next. */
  readonly firstAttempt: number | null
  readonly lastSuccess: number | null
  /** null as long as the last attempt succeeded. */
  readonly lastError: string | null
  /** Attempts that failed, of all so far. */
  readonly failed: number
  /** When an attempt last failed, also when later ones succeeded. */
  readonly lastFailure: number | null
  /** The first moment at which use causes another attempt; null: none was made yet, so the first use does. */
  readonly nextAttempt: number | null
}

export function createRefreshed<Value extends object>(options: RefreshedOptions<Value>): Refreshed<Value> {
  const { clock, staleFor } = options
  let held: { readonly value: Value; readonly at: number; readonly freshUntil: number } | null = null
  let firstAttempt: number | null = null
  let lastAttempt = -Infinity
  let failures = 0
  let failed = 0
  let lastError: string | null = null
  let lastFailure: number | null = null
  let flight: Promise<Value> | null = null

  async function run(): Promise<Value> {
    lastAttempt = clock.now()
    firstAttempt ??= lastAttempt
    try {
      const { value, fresh } = await options.load()
      const at = clock.now()
      held = { value, at, freshUntil: at + fresh }
      failures = 0
      lastError = null
      return value
    } catch (error) {
      failures += 1
      failed += 1
      lastFailure = clock.now()
      lastError = error instanceof Error ? error.message : 'unknown'
      options.onFailure(error)
      throw unavailable(error)
    }
  }

  // The attempt is claimed before the first await, so that however many ask, one fetches.
  const attempt = (): Promise<Value> => (flight ??= run().finally(() => (flight = null)))
  const waitUntil = (): number => lastAttempt + Math.min(1000 * 2 ** (failures - 1), MOST_WAIT)
  const waiting = (): boolean => failures > 0 && clock.now() < waitUntil()
  const nextAttempt = (): number | null => {
    if (failures > 0) return waitUntil()
    return held === null ? null : held.freshUntil - AHEAD
  }

  return {
    async get() {
      const now = clock.now()
      if (held === null || now >= held.at + staleFor) {
        if (flight === null && waiting())
          throw new Refusal('provider_unavailable', { detail: `not asked again yet: ${lastError}` })
        return await attempt()
      }
      // Its failure is known through onFailure.
      if (now >= held.freshUntil - AHEAD && flight === null && !waiting()) attempt().catch(() => null)
      return held.value
    },

    async reload(interval) {
      if (flight === null && clock.now() < lastAttempt + interval) return false
      await attempt()
      return true
    },

    state: () => ({
      held: held?.value ?? null,
      firstAttempt,
      lastSuccess: held?.at ?? null,
      lastError,
      failed,
      lastFailure,
      nextAttempt: nextAttempt(),
    }),
  }
}
