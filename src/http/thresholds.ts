import { networkOf } from '#base/address.ts'
import type { Config } from '#base/config.ts'
import { createLimit, createLimits, type CallLimits } from '#toolkit/limits.ts'

/** Bad tokens per minute and address that a provider is asked about; more must wait, for unknown tokens only. */
const STRANGERS = 30
/** Wrong secrets per minute for the id of one key; more are 429, a right one is never refused for them (D23). */
const KEY_FAILURES = 10
/** Documents of clients per minute and address that are fetched for it (D30). */
const DOCUMENTS = 10
/** Renewals per minute of one sign-in; a client needs one an hour. */
const RENEWALS = 20

/** What is counted, besides the anonymous requests of one address (ip-limit.ts). Each throws Refusal rate_limited. */
export interface Thresholds {
  readonly calls: CallLimits
  /** Bad tokens of one address that a provider was asked about. `failed` only counts: the next `check` refuses. */
  readonly strangers: {
    readonly check: (ip: string | null) => Promise<void>
    readonly failed: (ip: string | null) => Promise<void>
  }
  /** A wrong secret for the key with this id. */
  readonly keyFailed: (id: string) => Promise<void>
  /** A client's document that this address causes to be fetched. */
  readonly documents: (ip: string | null) => Promise<void>
  /** A renewal of the sign-in with this family. */
  readonly renewals: (family: string) => Promise<void>
}

/** Every counter of requests that the composition root hands out, made once. */
export function createThresholds({ rateLimit }: Pick<Config, 'rateLimit'>): Thresholds {
  const { on } = rateLimit
  const strangers = createLimit({
    on,
    perMinute: STRANGERS,
    detail: 'bad tokens of one address that a provider was asked about',
  })
  const keyFailures = createLimit({ on, perMinute: KEY_FAILURES, detail: 'wrong secrets for one key' })
  const documents = createLimit({
    on,
    perMinute: DOCUMENTS,
    detail: "clients' documents that one address caused to be fetched",
  })
  const renewals = createLimit({ on, perMinute: RENEWALS, detail: 'renewals of one sign-in' })
  return {
    calls: createLimits(rateLimit),
    strangers: {
      check: async (ip) => await strangers.check(placeOf(ip)),
      failed: async (ip) => void (await strangers.consume(placeOf(ip)).catch(() => null)),
    },
    keyFailed: async (id) => void (await keyFailures.consume(id)),
    documents: async (ip) => void (await documents.consume(placeOf(ip))),
    renewals: async (family) => void (await renewals.consume(family)),
  }
}

const placeOf = (ip: string | null): string => (ip === null ? 'unknown' : networkOf(ip))
