import { randomBytes } from 'node:crypto'
import type { Clock } from '#base/clock.ts'
import type { LoginConfig } from '#base/config-login.ts'
import { Refusal } from '#base/refusal.ts'
import type { Client, Clients } from './client.ts'
import { createConsents, type Consents } from './consent.ts'
import type { AuthorizationRequest } from './flow.ts'
import { answerUrl, createRedirectRules, isOneOf, type Redirect } from './redirect.ts'
import { readRequest } from './request.ts'
import { createSeals, flowCookie } from './seals.ts'
import type { Upstream } from './upstream.ts'

export interface AuthorizationOptions {
  /** PUBLIC_URL. */
  readonly publicUrl: string
  /** SESSION_SECRET: the first seals, all open. */
  readonly secrets: readonly string[]
  readonly clock: Clock
  readonly login: LoginConfig
  readonly clients: Clients
  readonly upstreams: readonly Upstream[]
}

/** A request that passed every check, and what the person is to be told about it. */
interface Checked {
  readonly request: AuthorizationRequest
  readonly client: Client
  readonly redirect: Redirect
  /** False: LOGIN_REQUIRE_RESOURCE=false let it through; the page warns. */
  readonly resourceNamed: boolean
  /** May an approval be remembered, and a remembered one count (D27)? Only for a client with a document and an https redirect. */
  readonly memorable: boolean
  /** The client wants the person asked, whatever is remembered. */
  readonly askAgain: boolean
}

/** Where the browser goes now, and the cookie it must bring back from there (D24). */
interface Departure {
  readonly location: string
  readonly cookie: { readonly name: string; readonly value: string }
}

export interface Authorization {
  /** The buttons of the page. */
  readonly providers: readonly Pick<Upstream, 'id' | 'label'>[]
  readonly consents: Consents
  /**
   * Everything about a request that can be wrong, before anybody is asked anything. Nothing redirects before approval (D27): the
   * refusal is for a page.
   * @throws Refusal `authorization_malformed`, `scope_invalid`, `target_invalid`, `client_invalid`, `redirect_invalid`,
   * `provider_unavailable`, `rate_limited`.
   */
  check(query: unknown, from: { readonly ip: string | null }): Promise<Checked>
  /** The same of a request that was checked before and sealed: the operator's lists may have changed since. */
  recheck(request: AuthorizationRequest, from: { readonly ip: string | null }): Promise<Pick<Checked, 'memorable'>>
  /** The person said yes, with this provider. @throws Refusal `authorization_malformed` (no such provider), `provider_unavailable`. */
  approve(request: AuthorizationRequest, provider: string): Promise<Departure>
  /** The person said no: where the client is told so (RFC 6749 section 4.1.2.1, RFC 9207). */
  deny(request: AuthorizationRequest): string
}

/** What browsers keep of one cookie, name and value together (RFC 6265 section 6.1). */
const MOST_COOKIE = 4096

/** The authorization endpoint, up to the provider's door. Stateless: between its steps everything is sealed in the person's browser. */
export function createAuthorization(options: AuthorizationOptions): Authorization {
  const { publicUrl, login, clients, upstreams } = options
  const sealing = { secrets: options.secrets, issuer: publicUrl, clock: options.clock }
  const seals = createSeals(sealing)
  const rules = createRedirectRules(login)

  function depart(request: AuthorizationRequest, provider: string, state: string) {
    const flow = { request, provider, state, nonce: secret(), code_verifier: secret() }
    const cookie = { name: flowCookie(publicUrl, state), value: seals.flow.seal(flow) }
    if (cookie.name.length + cookie.value.length >= MOST_COOKIE)
      throw new Refusal('authorization_malformed', {
        detail: 'client_id, state and redirect_uri together are too long',
      })
    return { flow, cookie }
  }

  async function asker(request: AuthorizationRequest, from: { readonly ip: string | null }) {
    const { client_id, redirect_uri } = request
    const client = await clients(client_id, from)
    const redirect = rules.redirect(redirect_uri)
    if (redirect === null || !isOneOf(redirect_uri, client.redirect_uris))
      throw new Refusal('redirect_invalid', { detail: 'redirect_uri is not one of the client' })
    return { client, redirect, memorable: client.kind === 'document' && redirect.kind === 'https' }
  }

  return {
    providers: upstreams.map(({ id, label }) => ({ id, label })),
    consents: createConsents(sealing),
    async check(query, from) {
      const { request, resourceNamed, askAgain } = readRequest(query, { publicUrl, ...login })
      // Better told now than after the person agreed.
      depart(request, longest(upstreams), secret())
      return { request, resourceNamed, askAgain, ...(await asker(request, from)) }
    },
    recheck: async (request, from) => await asker(request, from),
    async approve(request, provider) {
      const upstream = upstreams.find(({ id }) => id === provider)
      if (upstream === undefined) throw new Refusal('authorization_malformed', { detail: 'no such provider' })
      const { flow, cookie } = depart(request, provider, secret())
      const { state, nonce, code_verifier } = flow
      const redirect_uri = `${publicUrl}/oauth/callback/${provider}`
      return { location: await upstream.authorizationUrl({ redirect_uri, state, nonce, code_verifier }), cookie }
    },
    deny: ({ redirect_uri, state }) =>
      answerUrl(redirect_uri, { error: 'access_denied', ...(state === '' ? {} : { state }), iss: publicUrl }),
  }
}

/** 256 bits; also a code_verifier (RFC 7636 section 4.1). */
const secret = (): string => randomBytes(32).toString('base64url')

const longest = (upstreams: readonly Upstream[]): string =>
  upstreams.map(({ id }) => id).reduce((longer, id) => (id.length > longer.length ? id : longer), '')
