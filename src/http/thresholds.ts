import { networkOf } from '#base/address.ts'
import type { Config } from '#base/config.ts'
import { createMemoryCounters, type Counters } from '#toolkit/counters.ts'
import { createLimit } from '#toolkit/limit.ts'
import { createLimits, type CallLimits } from '#toolkit/limits.ts'
import { createIpLimit, type IpLimit } from './ip-limit.ts'

/** Bad tokens per minute and address that a provider is asked about; more must wait, for unknown tokens only. */
const STRANGERS = 30
/** Wrong secrets per minute for the id of one key; more are 429, a right one is never refused for them (D23). */
const KEY_FAILURES = 10
/** Documents of clients per minute and address that are fetched for it (D30). */
const DOCUMENTS = 10
/** Renewals per minute of one sign-in; a client needs one an hour. */
const RENEWALS = 20

/** What is counted. Each throws Refusal rate_limited. */
export interface Thresholds {
  readonly calls: CallLimits
  /** A failed or anonymous request of an address. */
  readonly address: IpLimit
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
export function createThresholds(
  { rateLimit }: Pick<Config, 'rateLimit'>,
  counting: { readonly known: Counters; readonly strangers: Counters } = {
    known: createMemoryCounters(),
    strangers: createMemoryCounters(),
  },
): Thresholds {
  const { on } = rateLimit
  const { known, strangers: counters } = counting
  const strangers = createLimit({
    on,
    name: 'tokens',
    counters,
    perMinute: STRANGERS,
    detail: 'bad tokens of one address that a provider was asked about',
  })
  const keyFailures = createLimit({
    on,
    name: 'secrets',
    counters,
    perMinute: KEY_FAILURES,
    detail: 'wrong secrets for one key',
  })
  const documents = createLimit({
    on,
    name: 'documents',
    counters,
    perMinute: DOCUMENTS,
    detail: "clients' documents that one address caused to be fetched",
  })
  const renewals = createLimit({
    on,
    name: 'renewals',
    counters: known,
    perMinute: RENEWALS,
    detail: 'renewals of one sign-in',
  })
  return {
    calls: createLimits(rateLimit, { counters: known }),
    address: createIpLimit(rateLimit, counters),
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
