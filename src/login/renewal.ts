import { seconds, type Clock } from '#base/clock.ts'
import type { Log } from '#base/log.ts'
import { Refusal } from '#base/refusal.ts'
import type { Identity } from '#identity/identity.ts'
import { renewalBar } from '#tenancy/renewable.ts'
import type { ClientAuthentication, From, Parameters } from './client-authentication.ts'
import type { Families } from './families.ts'
import type { Refresh } from './flow.ts'
import { resourceOf } from './resource.ts'
import { SIGN_IN_LIFE, type Seals } from './seals.ts'
import type { Granted } from './token-answer.ts'
import type { Upstream, UpstreamTokens } from './upstream.ts'

/** Milliseconds for the provider, discovery and proof of its answer included: the family's row is locked meanwhile. */
const PATIENCE = 8_000

export interface RenewalOptions {
  readonly publicUrl: string
  readonly upstreams: readonly Upstream[]
  readonly seals: Pick<Seals, 'refresh'>
  readonly client: ClientAuthentication
  readonly families: Families
  /** Counts one renewal of a family, whatever comes of it; throws Refusal `rate_limited`. */
  readonly limit: (family: string) => Promise<void>
  readonly clock: Clock
  readonly log: Log
}

/**
 * `grant_type=refresh_token` (RFC 6749 section 6, RFC 9700 section 4.14, D28): each refresh token works once. The one before gets the same
 * answer for 30 s; one used later than that was copied, so the whole sign-in ends, at the provider too. Who was blocked, removed or cut
 * off renews nothing. With Postgres or the provider away nothing is judged: 503, and the same refresh token works afterwards.
 * `identity` is null when the answer was given before.
 * @throws Refusal `grant_invalid`, `authorization_malformed`, `target_invalid`, `client_invalid`, `rate_limited`, `provider_unavailable`,
 * `database_unavailable`.
 */
export type Renewal = (parameters: Parameters, from: From) => Promise<{ granted: Granted; identity: Identity | null }>

export function createRenewal(options: RenewalOptions): Renewal {
  const { publicUrl, upstreams, seals, client, families, limit, clock, log } = options

  function opened({ refresh_token = '', client_id, resource }: Parameters): Refresh {
    if (refresh_token === '') throw new Refusal('authorization_malformed', { detail: 'no refresh_token' })
    const held = seals.refresh.open(refresh_token)
    if (held === null) throw invalid('the refresh token is not ours, not whole, or too old')
    if (held.client_id !== client_id) throw invalid('another client_id')
    if (held.signed_in + SIGN_IN_LIFE <= seconds(clock)) throw invalid('signed in more than 30 days ago')
    if (resource !== undefined && resourceOf(resource, publicUrl) !== held.resource)
      throw new Refusal('target_invalid', { detail: 'another resource than at authorize' })
    return held
  }

  async function ask(
    upstream: Upstream,
    held: Refresh,
  ): Promise<{ granted: Granted; identity: Identity } | { refused: string }> {
    let tokens: UpstreamTokens
    try {
      tokens = await within(upstream.refresh(held.refresh_token), upstream.id)
    } catch (error) {
      if (error instanceof Refusal && error.code === 'grant_invalid')
        return { refused: error.detail ?? 'the provider said so' }
      throw error
    }
    const { token, identity, refresh_token } = tokens
    if (identity.iss !== held.iss || identity.sub !== held.sub) return { refused: 'the provider renewed somebody else' }
    const next = { ...held, generation: held.generation + 1, refresh_token: refresh_token ?? held.refresh_token }
    return {
      identity,
      granted: {
        access_token: token,
        refresh_token: seals.refresh.seal(next),
        exp: identity.exp,
        scope: identity.scopes?.join(' ') ?? '',
      },
    }
  }

  /** Best effort: the family is over whether or not the provider hears of it. */
  async function takeBack(upstream: Upstream, held: Refresh, last: Granted | null): Promise<void> {
    const latest = last?.refresh_token == null ? null : seals.refresh.open(last.refresh_token)
    for (const token of new Set([held.refresh_token, latest?.refresh_token ?? held.refresh_token]))
      await upstream
        .revoke(token, 'refresh_token')
        .catch((error: unknown) =>
          log.warn({ err: error, provider: upstream.id }, 'a refresh token was not taken back'),
        )
  }

  return async (parameters, from) => {
    const held = opened(parameters)
    const upstream = upstreams.find(({ id }) => id === held.provider)
    // The same name may be another issuer's by now, to whom this refresh token is nothing to be shown (D14).
    if (upstream?.issuer !== held.iss) throw invalid(`${held.provider} is no provider to sign in with any more`)
    // Each takes one of few connections and of the provider's quota, which all our people share; one client in a loop must not have it all.
    await limit(held.family)
    await client(parameters, from)
    let identity: Identity | null = null
    const rotation = await families.rotate(held, async (db) => {
      const bar = await renewalBar(db, held, held.signed_in * 1000)
      if (bar !== null) return { refused: bar }
      const renewed = await ask(upstream, held)
      if ('identity' in renewed) identity = renewed.identity
      return renewed
    })
    if ('granted' in rotation) return { granted: rotation.granted, identity }
    if (rotation.reused) await takeBack(upstream, held, rotation.last)
    throw invalid(rotation.refused)
  }
}

const invalid = (detail: string): Refusal => new Refusal('grant_invalid', { detail })

async function within<Value>(work: Promise<Value>, provider: string): Promise<Value> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    const refusal = new Refusal('provider_unavailable', { detail: `${provider} takes too long to renew` })
    timer = setTimeout(() => reject(refusal), PATIENCE)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
