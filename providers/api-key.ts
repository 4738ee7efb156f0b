import { timingSafeEqual } from 'node:crypto'
import type { Clock } from '#base/clock.ts'
import { Refusal } from '#base/refusal.ts'
import { API_KEY_PREFIX, parseApiKey, type ApiKeyLookup, type ApiKeyRecord } from '#identity/api-key.ts'
import type { Provider } from '#identity/provider.ts'
import { identityOf } from './claims.ts'
import { isWithin } from './network.ts'

/** The `iss` of keys: they are ours, and stay the same person whatever PUBLIC_URL becomes. */
const API_KEY_ISSUER = 'urn:gatehouse:api-key'

const NO_DIGEST = Buffer.alloc(32)

export interface ApiKeyOptions {
  readonly lookup: ApiKeyLookup
  readonly clock: Clock
  /** Told of each wrong secret for an id; may throw Refusal rate_limited instead. A right secret is never refused for others' failures (D23). */
  readonly failed?: (id: string) => Promise<void>
}

/**
 * API keys that Gatehouse made itself: `gh_key_<id>_<secret>_<crc>`.
 *
 * How do we know this token was meant for us? Nobody else makes or stores them: its SHA-256 is in our registry.
 * An unknown id costs the same comparison as a wrong secret and answers the same (security.md K1). Address and expiry hold at
 * each use (D23); what the creator's role still allows is the tenancy's question.
 */
export function createApiKey({ lookup, clock, failed }: ApiKeyOptions): Provider {
  return {
    id: 'api-key',
    tokens: [{ prefix: [API_KEY_PREFIX] }],
    authorization_server: null,
    challenge_scopes: [],
    grants_scopes: false,
    async verify(token, { ip }) {
      const parsed = parseApiKey(token)
      if (parsed === null) throw new Refusal('token_malformed', { detail: 'not an API key, or mistyped' })
      const record = await lookup(parsed.id)
      const right = timingSafeEqual(parsed.digest, digestOf(record))
      if (record === null || !right) {
        await failed?.(parsed.id)
        throw new Refusal('key_unknown', { detail: 'no API key of this id and secret' })
      }
      assertUsable(record, ip, clock)
      return identityOf({
        provider: 'api-key',
        iss: API_KEY_ISSUER,
        sub: record.id,
        scopes: record.scopes,
        exp: record.expires_at === null ? null : Math.floor(record.expires_at / 1000),
        name: record.name,
        key: { id: record.id, tenant: record.tenant },
      })
    },
  }
}

/** What holds at each use of a key, by itself or through a token made for it. @throws Refusal `key_revoked`, `key_expired`, `key_address`. */
export function assertUsable(
  { revoked_at, expires_at, cidrs }: Pick<ApiKeyRecord, 'revoked_at' | 'expires_at' | 'cidrs'>,
  ip: string | null,
  clock: Clock,
): void {
  if (revoked_at !== null) throw new Refusal('key_revoked')
  if (expires_at !== null && expires_at <= clock.now()) throw new Refusal('key_expired')
  if (cidrs.length > 0 && !isWithin(ip, cidrs)) throw new Refusal('key_address')
}

/** A digest of the right length whatever is stored: timingSafeEqual throws on any other. Zeros are no key's SHA-256. */
const digestOf = (record: ApiKeyRecord | null): Buffer =>
  record !== null && record.digest.length === NO_DIGEST.length ? record.digest : NO_DIGEST
