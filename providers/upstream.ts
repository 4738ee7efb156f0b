import type { Clock } from '#base/clock.ts'
import { seconds } from '#base/clock.ts'
import type { Fetched, FetchInit, GuardedFetch } from '#base/fetch.ts'
import { Refusal } from '#base/refusal.ts'
import { unavailable } from '#identity/unavailable.ts'
import { isRecord } from './claims.ts'

/** One question about a token is over after this many milliseconds. */
const TIMEOUT = 3_000
const LONGEST_WAIT = 3_600

/**
 * Asks a provider about a token. What comes back is a judgement: status 200 or one of `judged`. All else (network, time,
 * 5xx, 429, a 403 that means "too many") throws `provider_unavailable`, with the provider's own waiting time when it gave one,
 * and so is never remembered as "bad token" (security.md section 2, N13).
 */
export async function ask(
  { fetch, clock }: { readonly fetch: GuardedFetch; readonly clock: Clock },
  url: string,
  { judged, ...init }: FetchInit & { readonly judged: readonly number[] },
): Promise<Fetched<unknown>> {
  const answer = await fetch
    .json(url, { timeout: TIMEOUT, ...init, accept: [200, 403, 429, ...judged] })
    .catch((error) => {
      throw unavailable(error)
    })
  const { status } = answer
  if (isLimited(answer) || (status !== 200 && !judged.includes(status))) {
    const retryAfter = waitOf(answer.headers, clock)
    throw new Refusal('provider_unavailable', {
      detail: `${new URL(url).host} answered ${status}`,
      ...(retryAfter === null ? {} : { retryAfter }),
    })
  }
  return answer
}

/** The body of a good answer, which must be a JSON object: any other shape is no judgement. @throws Refusal `provider_unavailable`. */
export function objectOf({ body }: Fetched<unknown>, from: string): Record<string, unknown> {
  if (isRecord(body)) return body
  throw new Refusal('provider_unavailable', { detail: `${from} answered something other than a JSON object` })
}

export const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` })

export const basic = (user: string, password: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
})

/** GitHub says "too many" with 403 too: by a header, or only in words (its "secondary rate limits" page). */
function isLimited({ status, headers, body }: Fetched<unknown>): boolean {
  if (status === 429) return true
  if (status !== 403) return false
  const message = isRecord(body) ? body['message'] : ''
  return (
    headers.has('retry-after') ||
    headers.get('x-ratelimit-remaining') === '0' ||
    (typeof message === 'string' && /rate limit|abuse/i.test(message))
  )
}

/** Retry-After in seconds or as a date (RFC 9110 section 10.2.3), else the time until x-ratelimit-reset; 1 to 3600, null when neither. */
function waitOf(headers: Headers, clock: Clock): number | null {
  const after = headers.get('retry-after') ?? ''
  const reset = headers.get('x-ratelimit-reset') ?? ''
  const wait = /^\d{1,6}$/.test(after)
    ? Number(after)
    : after !== ''
      ? Math.ceil((Date.parse(after) - clock.now()) / 1000)
      : /^\d{1,12}$/.test(reset)
        ? Number(reset) - seconds(clock)
        : Number.NaN
  return Number.isNaN(wait) ? null : Math.min(Math.max(wait, 1), LONGEST_WAIT)
}
