import type { Clock } from '#base/clock.ts'
import { BridgeFailure } from './failure.ts'
import { union } from './json.ts'
import type { Login } from './login-record.ts'
import type { Store } from './store.ts'
import { shown } from './target.ts'

/** The token for one server, kept fresh for every process of this person. */
export interface Credentials {
  /**
   * A token that holds for another minute, refreshed when it must be; null when nobody signed in.
   * @throws BridgeFailure `login_needed` when the sign-in ended, `unavailable` when the issuer did not answer and the token is over.
   */
  current(): Promise<string | null>
  /**
   * Another token than the one the server just refused.
   * @throws BridgeFailure `login_needed` when there is none to be had, `unavailable` when the issuer did not answer.
   */
  renew(refused: string): Promise<string>
  /** A call was refused for want of these scopes. The failure to tell: sign in again for more, or it is no use. */
  lacks(scopes: readonly string[]): Promise<BridgeFailure>
}

export interface CredentialParts {
  readonly url: URL
  readonly store: Store
  readonly clock: Clock
  /** Only this client's login; null: the newest. */
  readonly clientId?: string | null
}

/** Seconds before its end at which a token is renewed, so that it does not end on the way. */
const AHEAD = 60

export function createCredentials({ url, store, clock, clientId = null }: CredentialParts): Credentials {
  const signIn = (why: string): BridgeFailure => new BridgeFailure('login_needed', `${why}. Run: ${loginCommand(url)}`)
  const holds = ({ expires_at }: Login, ahead: number): boolean =>
    expires_at === null || expires_at - ahead > clock.now() / 1000

  /** Refreshes once for everybody: whoever comes second finds the new token when the lock is theirs. */
  async function refreshed(login: Login, needed: (held: Login) => boolean): Promise<Login> {
    return await store.alone(login, async () => {
      const held = await store.get(login)
      if (held === null) throw signIn(`the sign-in at ${shown(url)} was removed`)
      if (held.ended !== null) throw signIn(`the sign-in at ${shown(url)} has ended (${held.ended})`)
      if (!needed(held)) return held
      if (held.refresh_token === null) throw signIn(`the sign-in at ${shown(url)} is over`)
      // Loaded only now: who has a good token need not wait for it.
      const { refresh } = await import('./refresh.ts')
      const answer = await refresh(held, clock, url)
      await store.save(answer.login)
      if (answer.failure !== null) throw signIn(answer.failure)
      return answer.login
    })
  }

  return {
    async current() {
      const login = await store.find(url, clientId)
      if (login === null) return null
      if (login.ended !== null) throw signIn(`the sign-in at ${shown(url)} has ended (${login.ended})`)
      if (holds(login, AHEAD)) return login.access_token
      try {
        return (await refreshed(login, (held) => !holds(held, AHEAD))).access_token
      } catch (error) {
        // The issuer is down, or gave nothing to refresh with: what is still good is used to its end.
        const passing = error instanceof BridgeFailure && (error.code === 'unavailable' || login.refresh_token === null)
        if (passing && holds(login, 0)) return login.access_token
        throw error
      }
    },
    async renew(refused) {
      const login = await store.find(url, clientId)
      if (login === null) throw signIn(`nobody is signed in at ${shown(url)}`)
      if (login.access_token !== refused && holds(login, 0) && login.ended === null) return login.access_token
      return (await refreshed(login, (held) => held.access_token === refused || !holds(held, AHEAD))).access_token
    },
    async lacks(scopes) {
      const login = await store.find(url, clientId)
      if (login === null) return signIn(`nobody is signed in at ${shown(url)}`)
      if (scopes.every((scope) => login.scopes.includes(scope)))
        return new BridgeFailure('refused', `${shown(url)} refuses this call although the sign-in asked for its rights`)
      await store.saveMissing(url, union(await store.missing(url), scopes))
      return signIn(`this call needs more rights (${scopes.join(' ')})`)
    },
  }
}

/** What a person runs to sign in. */
export const loginCommand = (url: URL): string => `gatehouse login ${url.href}`
