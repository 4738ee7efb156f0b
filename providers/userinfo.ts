import type { Clock } from '#base/clock.ts'
import type { GuardedFetch } from '#base/fetch.ts'
import { Refusal } from '#base/refusal.ts'
import { ask, bearer, objectOf } from './upstream.ts'

/**
 * Profile claims of a token whose audience was proved elsewhere. Userinfo alone proves nothing: it answers for a token of any
 * client (security.md N11). Its `sub` must be the token's (OIDC Core section 5.3.2, N12).
 * @returns null when the token may not ask for a profile (403).
 * @throws Refusal `token_inactive` (401), `subject_mismatch`, `provider_unavailable`.
 */
export async function userinfo(
  parts: { readonly fetch: GuardedFetch; readonly clock: Clock },
  url: string,
  token: string,
  sub: string,
): Promise<Record<string, unknown> | null> {
  const answer = await ask(parts, url, { headers: bearer(token), judged: [401, 403] })
  if (answer.status === 401) throw new Refusal('token_inactive', { detail: 'userinfo refused the token' })
  if (answer.status === 403) return null
  const claims = objectOf(answer, 'userinfo')
  if (claims['sub'] !== sub) throw new Refusal('subject_mismatch', { detail: "userinfo's sub is not the token's" })
  return claims
}
