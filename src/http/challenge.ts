import type { Refusal } from '#base/refusal.ts'
import type { LimitState } from '#toolkit/limit.ts'
import { metadataUrl } from './endpoints.ts'

/** A Refusal as HTTP says it. */
interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: { readonly error: string; readonly error_description: string }
}

export interface ChallengeOptions {
  readonly publicUrl: string
  /** What a client should ask for at sign-in. */
  readonly scopes: readonly string[]
}

export type Challenge = (refusal: Refusal, slug: string | null) => Answer

/**
 * The only place that writes WWW-Authenticate (RFC 6750 section 3, RFC 9728 section 5.1), and the one table of what a refusal looks
 * like from outside (DESIGN section 5). Every cause of one kind gets the same answer, so a prober learns nothing from it.
 * @param slug the tenant of the endpoint called: its own metadata is named (D13).
 */
export function createChallenge({ publicUrl, scopes }: ChallengeOptions): Challenge {
  return (refusal, slug) => {
    const headers: Record<string, string> = {}
    const metadata = ['resource_metadata', metadataUrl(publicUrl, slug)] as const
    if (refusal.code === 'token_missing') {
      // No error code: nothing was presented that could be wrong (RFC 6750 section 3.1).
      headers['www-authenticate'] = bearer([metadata, ['scope', scopes.join(' ')]])
    } else if (refusal.code === 'client_invalid') {
      // A client at the token endpoint, which no bearer token would help: its route names the scheme it tried (RFC 6749 section 5.2).
    } else if (refusal.status === 401 || refusal.code === 'header_malformed' || refusal.code === 'scope_insufficient') {
      headers['www-authenticate'] = bearer([
        ['error', refusal.error ?? ''],
        ['error_description', refusal.description],
        ['scope', refusal.scope.join(' ')],
        metadata,
      ])
    }
    if (refusal.retryAfter !== null) headers['retry-after'] = String(Math.max(1, Math.ceil(refusal.retryAfter)))
    if (refusal.limit !== null)
      Object.assign(
        headers,
        limitHeaders({ ...refusal.limit, remaining: 0, reset: refusal.retryAfter ?? refusal.limit.window }),
      )
    return {
      status: refusal.status,
      headers,
      body: { error: refusal.error ?? 'unauthorized', error_description: refusal.description },
    }
  }
}

/**
 * draft-ietf-httpapi-ratelimit-headers: the one limit that is nearest to being reached. Names are ours and need no escaping (RFC 9651
 * section 3.3.3); `q` and `w` say the limit and its seconds, `r` what is left of it and `t` the seconds until it begins anew.
 */
export const limitHeaders = ({
  name = 'default',
  limit,
  window,
  remaining,
  reset,
}: Partial<Pick<LimitState, 'name'>> & Omit<LimitState, 'name'>): Readonly<Record<string, string>> => ({
  'ratelimit-policy': `"${name}";q=${limit};w=${window}`,
  ratelimit: `"${name}";r=${remaining};t=${reset}`,
})

/** Quoted strings of RFC 9110 section 5.6.4; what is empty is left out. Our values hold neither quote nor backslash. */
const bearer = (parameters: readonly (readonly [string, string])[]): string =>
  `Bearer ${parameters
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}="${value}"`)
    .join(', ')}`
