import * as openid from 'openid-client'
import { FetchFailed } from '#base/fetch.ts'
import { Refusal } from '#base/refusal.ts'
import { unavailable } from '#identity/unavailable.ts'

/**
 * Asks a provider for tokens and names how it ended (D28). `grant_invalid`: the provider said invalid_grant; for a code also: the ID token
 * was not made for this sign-in, or what came is not accepted here, because the code is spent then. Everything else is no judgement of
 * the grant: `provider_unavailable`. No word of the provider's answer but its error code reaches the log.
 */
export async function judged<Value>(
  grant: 'code' | 'refresh',
  provider: string,
  ask: () => Promise<Value>,
): Promise<Value> {
  try {
    return await ask()
  } catch (error) {
    throw named(grant, provider, error)
  }
}

function named(grant: 'code' | 'refresh', provider: string, error: unknown): unknown {
  if (error instanceof Refusal) {
    if (error.status >= 500 || error.code === 'grant_invalid' || error.code === 'rate_limited') return error
    const detail = `${provider} gave a token that is not accepted here: ${error.message}`
    return new Refusal(grant === 'code' ? 'grant_invalid' : 'provider_unavailable', { detail })
  }
  if (error instanceof openid.ResponseBodyError) {
    const { error: code, status } = error
    if (code === 'invalid_grant' && status < 500) return new Refusal('grant_invalid', { detail: `${provider} said so` })
    return silent(`${provider} answered ${status} ${/^[a-z_]{1,64}$/.test(code) ? code : 'with an error'}`)
  }
  const failed = causeOf(error, FetchFailed)
  if (failed !== null) return unavailable(failed)
  if (error instanceof openid.WWWAuthenticateChallengeError) return silent(`${provider} answered ${error.status}`)
  if (error instanceof openid.ClientError) {
    const detail = `${provider} answered something unexpected: ${error.code ?? 'unknown'}`
    return grant === 'code' && isAboutClaims(error) ? new Refusal('grant_invalid', { detail }) : silent(detail)
  }
  return error
}

/** Is it the ID token's content that is wrong: a claim of another value, or one that is not there? openid-client tells by what it kept. */
function isAboutClaims(error: unknown): boolean {
  for (let at = error; typeof at === 'object' && at !== null; at = 'cause' in at ? at.cause : null)
    if ('claims' in at) return true
  return false
}

const silent = (detail: string): Refusal => new Refusal('provider_unavailable', { detail })

function causeOf<Kind extends Error>(error: unknown, kind: abstract new (...given: never) => Kind): Kind | null {
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof kind) return at
  return null
}

/** GitHub's words for invalid_grant (RFC 6749 section 5.2). */
const BAD_GRANT = ['bad_verification_code', 'bad_refresh_token']

/** GitHub answers errors with status 200: as 400, and in the standard's words, openid-client knows them for what they are. */
export const errorsAsErrors =
  (fetch: typeof globalThis.fetch): typeof globalThis.fetch =>
  async (url, init) => {
    const answer = await fetch(url, init)
    if (answer.status !== 200) return answer
    const body: unknown = await answer
      .clone()
      .json()
      .catch(() => null)
    if (typeof body !== 'object' || body === null || !('error' in body)) return answer
    const code = typeof body.error === 'string' && BAD_GRANT.includes(body.error) ? 'invalid_grant' : body.error
    return Response.json({ error: code }, { status: 400 })
  }
