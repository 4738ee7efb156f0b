import { createHmac, randomBytes } from 'node:crypto'
import { SingleFlight, TtlCache } from '#base/cache.ts'
import type { Clock } from '#base/clock.ts'
import { FetchFailed } from '#base/fetch.ts'
import { Refusal, type RefusalCode } from '#base/refusal.ts'
import { createBreaker } from './breaker.ts'
import { createSemaphore } from './semaphore.ts'
import { unavailable } from './unavailable.ts'

/** Milliseconds. A revoked token works at most this long on any process. */
const POSITIVE_FOR = 60_000
const NEGATIVE_FOR = 30_000
/** Milliseconds for one check, however many requests to the provider it takes. */
const CHECK_TIMEOUT = 3_000

/**
 * Each unknown token costs a request of the provider's quota, which all our people share. So an address that lately brought many bad
 * ones has to wait with further unknown tokens; tokens we hold an answer for are not concerned.
 */
export interface StrangerLimit {
  /** Throws Refusal rate_limited when this address brought too many. */
  check(ip: string | null): Promise<void>
  /** Counts one bad token. Throws nothing. */
  failed(ip: string | null): Promise<void>
}

/** What is counted of verifiers of this kind, by the provider's id. */
export interface OpaqueMeter {
  /** `good`, `bad`: remembered; `miss`: the provider has to be asked, or somebody who asks is waited for. */
  looked(provider: string, found: 'good' | 'bad' | 'miss'): void
  /** The provider is taken for down, or no longer. */
  breaker(provider: string, open: boolean): void
}

export interface OpaqueOptions<Value extends object> {
  /** The provider's id. */
  readonly provider: string
  /**
   * Asks the provider. Throws a Refusal when it judged (remembered for 30 s); FetchFailed or Refusal `provider_unavailable` when it
   * could not, which is never remembered. `exp` is a NumericDate, null when the provider does not say.
   */
  readonly check: (token: string) => Promise<{ readonly value: Value; readonly exp: number | null }>
  readonly clock: Clock
  /** Bounds what an address that brings bad tokens can make us ask; absent: nothing does. */
  readonly strangers?: StrangerLimit
  readonly meter?: OpaqueMeter
  /** Accepted tokens remembered; default 10 000. */
  readonly maxPositive?: number
  /** Refused tokens remembered; default 5 000. */
  readonly maxNegative?: number
}

export interface OpaqueVerifier<Value extends object> {
  /**
   * What the provider says of this token, brought from this address; asked at most once per token and minute, and once for all who ask together.
   * @param stranger false: the token came from the provider itself, so whatever is wrong with it, nobody was guessing.
   * @throws Refusal what `check` throws, and `token_expired`; `provider_unavailable` (Retry-After passed on) when the provider is
   * down, slow (3 s), rate-limiting, or 250 checks are already under way or waiting; `rate_limited` when the address brought many bad ones.
   */
  verify(token: string, ip?: string | null, stranger?: boolean): Promise<Value>
}

/** Remembers what a provider said of tokens that only it can judge. Tokens themselves are not kept: entries go by a keyed hash. */
export function createOpaqueVerifier<Value extends object>(options: OpaqueOptions<Value>): OpaqueVerifier<Value> {
  const { provider, clock, strangers, meter, maxPositive = 10_000, maxNegative = 5_000 } = options
  // Of this process only, so that a memory dump cannot be matched against known tokens.
  const secret = randomBytes(32)
  const nameOf = (token: string): string =>
    createHmac('sha256', secret).update(`${provider}\0${token}`).digest('base64url')

  const accepted = new TtlCache<{ readonly value: Value }>({ max: maxPositive, clock })
  // Apart, so that a flood of garbage cannot push good tokens out.
  const refused = new TtlCache<{ readonly code: RefusalCode; readonly detail: string | null }>({
    max: maxNegative,
    clock,
  })
  const flights = new SingleFlight<Value>()
  const inTurn = createSemaphore(50, 200)
  const whileUp = createBreaker({
    failures: 5,
    openFor: 10_000,
    clock,
    isOutage,
    onChange: (open) => meter?.breaker(provider, open),
  })

  async function ask(name: string, token: string, ip: string | null, stranger: boolean): Promise<Value> {
    try {
      const { value, exp } = await whileUp(async () => await inTime(options.check(token)))
      const left = exp === null ? POSITIVE_FOR : exp * 1000 - clock.now()
      if (left <= 0) throw new Refusal('token_expired', { detail: 'the provider gives an exp that has passed' })
      accepted.set(name, { value }, left < 1000 ? 0 : Math.min(POSITIVE_FOR, left))
      return value
    } catch (error) {
      const refusal = unavailable(error)
      if (refusal instanceof Refusal && refusal.status !== 503) {
        refused.set(name, { code: refusal.code, detail: refusal.detail }, NEGATIVE_FOR)
        if (stranger) await strangers?.failed(ip)
      }
      throw refusal
    }
  }

  return {
    async verify(token, ip = null, stranger = true) {
      const name = nameOf(token)
      const good = accepted.get(name)
      const bad = good === undefined ? refused.get(name) : undefined
      meter?.looked(provider, good !== undefined ? 'good' : bad !== undefined ? 'bad' : 'miss')
      if (good !== undefined) return good.value
      if (bad !== undefined) throw new Refusal(bad.code, bad.detail === null ? {} : { detail: bad.detail })
      if (stranger) await strangers?.check(ip)
      return await flights.run(name, async () => await inTurn(async () => await ask(name, token, ip, stranger)))
    },
  }
}

/** The provider is down or slow. An answered status below 500 (a rate limit of one person's token) is no reason to stop asking for others. */
function isOutage(error: unknown): boolean {
  const failure = error instanceof Refusal && error.code === 'provider_unavailable' ? error.cause : error
  if (failure instanceof FetchFailed) return failure.status === null || failure.status >= 500
  return failure instanceof DOMException
}

/** @throws Refusal `provider_unavailable` when the check takes too long; its requests end by limits of their own. */
async function inTime<Value>(check: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const cause = new DOMException(`${CHECK_TIMEOUT} ms`, 'TimeoutError')
      reject(new Refusal('provider_unavailable', { detail: `the provider took more than ${CHECK_TIMEOUT} ms`, cause }))
    }, CHECK_TIMEOUT)
  })
  try {
    return await Promise.race([check, late])
  } finally {
    clearTimeout(timer)
  }
}
