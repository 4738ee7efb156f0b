import type { FastifyReply, FastifyRequest } from 'fastify'
import { Refusal } from '#base/refusal.ts'
import type { Identity } from '#identity/identity.ts'
import { sessionIdentity, type Session } from '#login/session.ts'
import type { Principal } from '#tenancy/tenant.ts'
import { cookieOptions, sessionCookie } from './cookie.ts'
import type { ConsoleDeps, ConsoleHost } from './deps.ts'
import { FORM_TOKEN, createFormTokens } from './form-token.ts'
import { returnPath } from './return-path.ts'
import { isSameOrigin } from './same-origin.ts'
import { sessionDigest } from './session-digest.ts'

/** A person signed in to the console, as its pages see them. Asked anew at each request: nothing of it is believed from the last one. */
export interface ConsoleSession {
  readonly session: Session
  readonly identity: Identity
  /** Their home tenant, role and scopes; null when no organisation lets them in at present. */
  readonly principal: Principal | null
  /** Why `principal` is null. */
  readonly refusal: Refusal | null
  /** They proved who they are at most 5 minutes ago: what owner changes, keys, domains, export and delete need (D31). */
  readonly fresh: boolean
  /** For the hidden field `csrf` of every form. */
  readonly csrf: string
  /** For the address of a page that holds what this person typed into its form; see `FormTokens`. */
  readonly typed: (url: string) => string
  readonly isTyped: (url: string, given: string) => boolean
  /** The same for the tenant of this slug, where they may enter it. @throws Refusal as the directory does. */
  enter(slug: string): Promise<Principal>
}

export interface ConsoleSessions {
  /** For onRequest of a page. @throws Refusal `token_missing`: nobody is signed in; the console answers it with the login page. */
  readonly need: (request: FastifyRequest, reply: FastifyReply) => Promise<void>
  /** For onRequest of a form, before its body is read. @throws Refusal `origin_refused`, and as `need`. */
  readonly needForForm: (request: FastifyRequest, reply: FastifyReply) => Promise<void>
  /** For preHandler of a form. @throws Refusal `origin_refused`: the token is missing, or of another session. */
  readonly checkForm: (request: FastifyRequest) => Promise<void>
  /**
   * For onRequest, after `need`, of what cannot be undone or gives access to others (D31): who did not prove within 5 minutes who they are
   * is sent to do so, and then to `back`, a path of the console.
   */
  readonly needFresh: (request: FastifyRequest, reply: FastifyReply, back: string) => Promise<FastifyReply | undefined>
  /** The way of the console's pages to who is there; only after `need`. */
  readonly consoleSession: (request: FastifyRequest) => ConsoleSession
  /** Who is there, for pages that are for everybody; null: nobody. */
  readonly whoIsThere: (request: FastifyRequest) => Promise<Session | null>
}

export function createConsoleSessions(deps: ConsoleDeps, host: ConsoleHost): ConsoleSessions {
  const { publicUrl, providers, sessions, cutoffs, limit, principal: principalOf } = deps
  const tokens = createFormTokens(deps.secrets, publicUrl)
  const name = sessionCookie(publicUrl)
  const found = new WeakMap<FastifyRequest, ConsoleSession>()

  /** What a provider said counts only while it is configured, as its tokens do: it may have been taken out because it lies. */
  const isOffered = ({ identity }: Session): boolean =>
    providers.some(({ id, issuer }) => id === identity.provider && issuer === identity.iss)

  const whoIsThere: ConsoleSessions['whoIsThere'] = async (request) => {
    const session = sessions.open(request.cookies[name] ?? '')
    if (session === null || !isOffered(session)) return null
    return (await cutoffs.isCut(session)) ? null : session
  }

  const need: ConsoleSessions['need'] = async (request, reply) => {
    const visit = host.visits(request)
    const session = await whoIsThere(request)
    if (session === null) {
      await host.anonymous(request)
      throw new Refusal('token_missing', { detail: 'nobody is signed in to the console' })
    }
    visit.presented = true
    const identity = sessionIdentity(session)
    visit.identity = identity
    const at = { ip: visit.ip, tokenDigest: sessionDigest(session) }
    const enter = async (slug: string | null): Promise<Principal> => {
      const principal = await principalOf(identity, { slug, ...at })
      await limit(principal)
      return principal
    }
    const home = await outside(async () => await enter(null))
    visit.principal = home.principal
    // Without a tenant there is no limit but that of the address.
    if (home.principal === null) await host.anonymous(request)
    const renewed = sessions.renewed(session)
    if (renewed !== null) reply.setCookie(name, sessions.seal(renewed), cookieOptions(publicUrl))
    const csrf = tokens.of(session.id)
    const typed = (url: string): string => tokens.typedBy(identity, url)
    const isTyped = (url: string, given: string): boolean => tokens.isTypedBy(identity, url, given)
    found.set(request, { session, identity, ...home, fresh: sessions.fresh(session), csrf, typed, isTyped, enter })
  }

  const consoleSession: ConsoleSessions['consoleSession'] = (request) => {
    const session = found.get(request)
    if (session === undefined) throw new Error('nobody asked whether somebody is signed in')
    return session
  }

  return {
    need,
    async needForForm(request, reply) {
      if (isSameOrigin(request.headers, publicUrl)) return await need(request, reply)
      await host.anonymous(request)
      throw new Refusal('origin_refused', { detail: 'a form from somewhere else' })
    },
    async checkForm(request) {
      const { session } = consoleSession(request)
      const { body } = request
      const given: unknown = typeof body === 'object' && body !== null && FORM_TOKEN in body ? body[FORM_TOKEN] : null
      if (!tokens.isOf(session.id, given))
        throw new Refusal('origin_refused', { detail: 'the form token is missing or of another session' })
    },
    needFresh: async (request, reply, back) =>
      consoleSession(request).fresh
        ? undefined
        : await reply.redirect(`/console/login?fresh=1&return_to=${encodeURIComponent(returnPath(back))}`, 303),
    consoleSession,
    whoIsThere,
  }
}

/** Signed in, and no organisation lets them in: that is told on the page. A person who is blocked, or a failure, ends the request. */
async function outside(
  work: () => Promise<Principal>,
): Promise<{ readonly principal: Principal | null; readonly refusal: Refusal | null }> {
  try {
    return { principal: await work(), refusal: null }
  } catch (error) {
    if (error instanceof Refusal && error.status === 403) return { principal: null, refusal: error }
    throw error
  }
}
