import type { Clock } from '#base/clock.ts'
import type { UpstreamAuth } from '#base/upstream.ts'
import { UpstreamError } from './error.ts'
import { createGrants, type Grant, type GrantOptions } from './grants.ts'

/** What is put on a request to show who asks. */
interface Proof {
  readonly headers: Readonly<Record<string, string>>
  /** The token among them; null: there is none that could be renewed. */
  readonly token: string | null
}

/** Who we are at one upstream with one set of credentials. */
export interface Session {
  /** Signs in when there is no token, or it ends within seconds. Throws as Grants do. */
  proof(): Promise<Proof>
  /** Another proof after this token was refused; null: there is no other. Refreshes, and signs in anew when that fails. */
  renewed(refused: string): Promise<Proof | null>
  /** A request was answered 401 with the best proof there is. */
  rejected(): void
}

export interface SessionOptions extends GrantOptions {
  /** For the operator's log: the credentials were refused, with this status. At most once a minute. */
  readonly told: (status: number) => void
}

/** Milliseconds before its end at which a token is not used any more: at most this, and at most a tenth of its life. */
const EARLY = 30_000
/** A token that is refused though it is younger than this (ms) is no matter of age. */
const YOUNG = 5_000
/** For so long (ms) nobody signs in again with credentials that were refused: accounts are locked by that. */
const REFUSED = 30_000
/** Milliseconds between two lines about the same credentials. */
const QUIET = 60_000

interface Held extends Grant {
  readonly since: number
}

/**
 * Tokens are held in memory alone and are never written anywhere: another process signs in for itself. However many ask at a time, there is
 * one login or one refresh under way.
 */
export function createSession(auth: UpstreamAuth, options: SessionOptions): Session {
  let quietUntil = 0
  const tell = (status: number): void => {
    if (options.clock.now() < quietUntil) return
    quietUntil = options.clock.now() + QUIET
    options.told(status)
  }
  if (auth.kind === 'none' || auth.kind === 'header') {
    const fixed: Proof = { headers: auth.kind === 'none' ? {} : options.fields, token: null }
    return { proof: async () => fixed, renewed: async () => null, rejected: () => tell(401) }
  }
  return createTokenSession(auth.scheme, createGrants(auth, options), { ...options, tell })
}

function createTokenSession(
  scheme: string,
  { fresh, refreshed }: ReturnType<typeof createGrants>,
  {
    clock,
    upstream,
    tell,
  }: { readonly clock: Clock; readonly upstream: string; readonly tell: (status: number) => void },
): Session {
  let held: Held | null = null
  let flight: Promise<Held> | null = null
  let refusedUntil = 0

  const proofOf = ({ access }: Held): Proof => ({ headers: { authorization: `${scheme} ${access}` }, token: access })
  const isFresh = ({ until, since }: Held): boolean =>
    until === null || clock.now() < until - Math.min(EARLY, (until - since) / 10)

  async function get(): Promise<Held> {
    const refresh = held?.refresh ?? null
    if (refreshed !== null && refresh !== null) {
      try {
        return keep(await refreshed(refresh))
      } catch (error) {
        // Without an answer the refresh token may be good still, and a login would be answered no better.
        if (!(error instanceof UpstreamError) || error.status === null) throw error
        held = null
      }
    }
    if (clock.now() < refusedUntil)
      throw new UpstreamError('credentials_refused', upstream, { detail: 'refused a moment ago, not asked again' })
    try {
      return keep(await fresh())
    } catch (error) {
      if (error instanceof UpstreamError && error.code === 'credentials_refused') {
        refusedUntil = clock.now() + REFUSED
        tell(error.status ?? 401)
      }
      throw error
    }
  }

  function keep(grant: Grant): Held {
    held = { ...grant, since: clock.now() }
    return held
  }

  async function once(): Promise<Held> {
    flight ??= get().finally(() => {
      flight = null
    })
    return await flight
  }

  return {
    async proof() {
      if (flight === null && held !== null && isFresh(held)) return proofOf(held)
      try {
        return proofOf(await once())
      } catch (error) {
        // It was early: what is held is good for some seconds more.
        if (held === null || (held.until !== null && clock.now() >= held.until)) throw error
        return proofOf(held)
      }
    },
    async renewed(refused) {
      if (flight !== null) return proofOf(await flight)
      if (held !== null && held.access !== refused) return proofOf(held)
      if (held !== null && clock.now() - held.since < YOUNG) return null
      return proofOf(await once())
    },
    rejected: () => tell(401),
  }
}
