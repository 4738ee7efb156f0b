import { seconds, type Clock } from '#base/clock.ts'
import { uuidv7 } from '#base/id.ts'
import { Refusal } from '#base/refusal.ts'
import { parseApiKey } from '#identity/api-key.ts'
import type { Identity } from '#identity/identity.ts'
import { readScopes } from '#identity/scopes.ts'
import { revocationDigest } from '#identity/token-digest.ts'
import type { Asked } from '#tenancy/directory.ts'
import type { Principal } from '#tenancy/tenant.ts'
import type { SigningKeys } from './signing-key.ts'

/** Seconds for which a service token lives, at most. */
const LIFE = 900

export interface ServiceTokenOptions {
  readonly publicUrl: string
  readonly keys: Pick<SigningKeys, 'sign' | 'jwks'>
  readonly clock: Clock
  /** The api-key provider's judgement: secret, revocation, expiry, address, and the limit on failures (D23). */
  readonly authenticate: (key: string, from: { readonly ip: string | null }) => Promise<Identity>
  /** Which tenant, and what the key and its creator may do there now. */
  readonly principal: (identity: Identity, asked: Asked) => Promise<Principal>
  /** Counts one request of the key; throws Refusal `rate_limited`. */
  readonly limit: (principal: Principal) => Promise<unknown>
  /** Told of every token before it is handed out, for the audit of its tenant. */
  readonly issued: (token: IssuedToken) => Promise<void>
}

interface IssuedToken {
  readonly principal: Principal
  readonly jti: string
  readonly scope: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly ip: string | null
  readonly requestId: string
}

/** RFC 6749 section 5.1. */
export interface ServiceTokenAnswer {
  readonly access_token: string
  readonly token_type: 'Bearer'
  /** Seconds. */
  readonly expires_in: number
  readonly scope: string
}

export interface ServiceTokens {
  /**
   * A key of a service account for a token of 15 minutes (RFC 6749 section 4.4, RFC 9068), so that the key need not travel with every
   * request. Its scopes are what the key may do now, or what of it was asked for. It ends with the key, if that is sooner.
   * Takes API keys only: no token of ours or of a provider, and not the static key (D29).
   * @param key the whole key, or with the id that the client said beside it (client_id).
   * @throws Refusal `client_invalid` whatever is wrong with the key, `scope_invalid`, `rate_limited`, and what keeps anybody out of the
   * tenant: `tenant_suspended`, `member_removed` ..., `database_unavailable`.
   */
  issue(
    key: string | { readonly id: string; readonly secret: string },
    asked: { readonly scope: string | null; readonly ip: string | null; readonly requestId: string },
  ): Promise<ServiceTokenAnswer>
  readonly jwks: SigningKeys['jwks']
}

export function createServiceTokens(options: ServiceTokenOptions): ServiceTokens {
  const { publicUrl, keys, clock, authenticate, principal: principalOf, limit, issued } = options
  return {
    jwks: keys.jwks,
    async issue(key, { scope: wanted, ip, requestId }) {
      const secret = typeof key === 'string' ? key : key.secret
      const parsed = parseApiKey(secret)
      if (parsed === null) throw new Refusal('client_invalid', { detail: 'not an API key, or mistyped' })
      if (typeof key !== 'string' && key.id !== parsed.id)
        throw new Refusal('client_invalid', { detail: 'client_id is not the id of the key' })
      const { identity, principal } = await judged(async () => {
        const identity = await authenticate(secret, { ip })
        const asked = { slug: null, ip, tokenDigest: revocationDigest(secret) }
        return { identity, principal: await principalOf(identity, asked) }
      })
      await limit(principal)
      const scope = [...scopesOf(wanted, principal)].sort().join(' ')
      const iat = seconds(clock)
      const exp = Math.min(iat + LIFE, identity.exp ?? Number.POSITIVE_INFINITY)
      if (exp <= iat) throw new Refusal('client_invalid', { detail: 'key_expired' })
      const jti = uuidv7(clock.now())
      const { id } = parsed
      const claims = { iss: publicUrl, aud: `${publicUrl}/mcp`, sub: `key:${id}`, client_id: id, jti, iat, exp, scope }
      const access_token = await keys.sign({ ...claims, tenant: principal.tenant.slug }, 'at+jwt')
      await issued({ principal, jti, scope, at: clock.now(), ip, requestId })
      return { access_token, token_type: 'Bearer', expires_in: exp - iat, scope }
    },
  }
}

/** At a token endpoint every fault of a key is the same one (RFC 6749 section 5.2); which it was is for the log. */
async function judged<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Refusal && error.status === 401)
      throw new Refusal('client_invalid', { detail: error.message, cause: error })
    throw error
  }
}

/** What was asked for, when the key may do all of it; without a wish all it may do. @throws Refusal `scope_invalid`. */
function scopesOf(wanted: string | null, { scopes }: Principal): ReadonlySet<string> {
  if (wanted === null || wanted === '') return scopes
  const asked = parsedScopes(wanted)
  const lacking = asked.filter((scope) => !scopes.has(scope))
  if (lacking.length > 0) throw new Refusal('scope_invalid', { detail: `the key lacks ${lacking.join(' ')}` })
  return new Set(asked)
}

function parsedScopes(scope: string): readonly string[] {
  try {
    return readScopes({ scope })
  } catch {
    throw new Refusal('scope_invalid', { detail: 'not a list of scopes (RFC 6749 section 3.3)' })
  }
}
