import { Refusal } from '#base/refusal.ts'
import type { Flow } from './flow.ts'
import { answerUrl } from './redirect.ts'
import type { Seals } from './seals.ts'
import { flowCookie } from './seals.ts'
import type { Upstream } from './upstream.ts'

export interface CallbackOptions {
  readonly publicUrl: string
  readonly upstreams: readonly Upstream[]
  readonly seals: Pick<Seals, 'flow' | 'code'>
}

interface Arrival {
  /** Of the path. */
  readonly provider: string
  /** The query, each value as the parser gives it: what stands there twice is a list. */
  readonly query: Readonly<Record<string, unknown>>
  readonly cookie: (name: string) => string | undefined
}

export interface Callback {
  /** The cookie that this answer is about, to be deleted whatever comes; null when the answer names no state. */
  cookieOf(query: Arrival['query']): string | null
  /**
   * The browser is back from the provider: where it goes now, which is always the client's redirect URI, with our code or with an error
   * (RFC 6749 section 4.1.2, RFC 9207). Only this browser's approved consent can have made the cookie (D24). Asks the provider nothing
   * about the code: the token request does, so that a code of ours is worth as much as the provider's.
   * @throws Refusal `sign_in_lost`, `authorization_malformed`, `provider_unavailable`: for a page, never a redirect.
   */
  arrive(arrival: Arrival): Promise<string>
}

/** What a provider says when the person, or nobody, said yes (RFC 6749 section 4.1.2.1, OIDC Core section 3.1.2.6). */
const DENIED = [
  'access_denied',
  'login_required',
  'consent_required',
  'interaction_required',
  'account_selection_required',
]

export function createCallback({ publicUrl, upstreams, seals }: CallbackOptions): Callback {
  return {
    cookieOf(query) {
      const { state } = query
      return typeof state === 'string' && state !== '' ? flowCookie(publicUrl, state) : null
    },

    async arrive({ provider, query, cookie }) {
      const { state, code, iss, error } = single(query)
      const flow = opened(state, cookie)
      const upstream = upstreams.find(({ id }) => id === provider)
      if (upstream === undefined || flow.provider !== provider) throw lost(`${flow.provider} was asked, not this one`)
      await upstream.assertIssuer(iss ?? null)

      const { request } = flow
      const back = (answer: Readonly<Record<string, string>>): string =>
        answerUrl(request.redirect_uri, {
          ...answer,
          ...(request.state === '' ? {} : { state: request.state }),
          iss: publicUrl,
        })
      if (error !== undefined) return back(failure(error))
      if (code === undefined || code === '' || code.length > 4096) throw lost('neither a code nor an error came back')
      const { state: _, ...kept } = request
      const { nonce, code_verifier } = flow
      return back({ code: seals.code.seal({ request: kept, provider, nonce, code_verifier, code }) })
    },
  }

  function opened(state: string | undefined, cookie: Arrival['cookie']): Flow {
    if (state === undefined || state === '') throw lost('no state came back')
    const flow = seals.flow.open(cookie(flowCookie(publicUrl, state)) ?? '')
    if (flow === null) throw lost('no sign-in with this state was begun in this browser in the last 10 minutes')
    // The cookie's name is only a hash of it.
    if (flow.state !== state) throw lost('another state')
    return flow
  }
}

const lost = (detail: string): Refusal => new Refusal('sign_in_lost', { detail })

const MEMBERS = ['state', 'code', 'iss', 'error'] as const

/** Each at most once (RFC 6749 section 3.1). What else a provider sends is its own business. */
function single(query: Arrival['query']): Readonly<Partial<Record<(typeof MEMBERS)[number], string>>> {
  return Object.fromEntries(
    MEMBERS.flatMap((name) => {
      const value = query[name]
      if (value === undefined) return []
      if (typeof value !== 'string') throw new Refusal('authorization_malformed', { detail: `${name} came twice` })
      return [[name, value]]
    }),
  )
}

/** In our own words: what a provider writes is not shown to anybody (B7). */
function failure(error: string): { error: string; error_description: string } {
  if (DENIED.includes(error)) return { error: 'access_denied', error_description: 'The sign-in was not completed.' }
  if (error === 'temporarily_unavailable')
    return { error, error_description: 'The identity provider cannot answer now. Try again shortly.' }
  return { error: 'server_error', error_description: 'The identity provider did not accept the sign-in.' }
}
