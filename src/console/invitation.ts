import type { CookieSerializeOptions } from '@fastify/cookie'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Document } from '#base/page.ts'
import { Refusal } from '#base/refusal.ts'
import { INVITATION_PATH, pastedToken } from '#tenancy/invitations-link.ts'
import type { Offer } from '#tenancy/invitations-accept.ts'
import { RegistryError } from '#tenancy/registry-error.ts'
import type { ConsoleSession, ConsoleSessions } from './console-session.ts'
import { cookieOptions, prefixed } from './cookie.ts'
import type { ConsoleDeps, ConsoleHost } from './deps.ts'
import { fieldsOfBody } from './fields.ts'
import { tenantPath } from './frame.ts'
import { memberAlreadyPage, offerPage, pastePage, refusedPage, signInFirstPage } from './invitation-page.ts'
import { statusOf } from './registry-status.ts'
import { isSameOrigin } from './same-origin.ts'

/** Seconds for which a browser keeps an invitation that was opened: as long as signing in at a provider may take, and a coffee. */
const KEPT = 3600

/**
 * Accepting an invitation (D9). The link's token comes in a form, waits in a cookie of this browser while its person signs in, and is used by
 * their own POST. A token that somebody else planted shows what it offers, and asks.
 */
export function invitationRoutes(
  app: FastifyInstance,
  deps: Pick<ConsoleDeps, 'publicUrl' | 'registry' | 'providers' | 'tenants'>,
  host: ConsoleHost,
  sessions: ConsoleSessions,
): void {
  const { publicUrl, registry, providers, tenants } = deps
  const { need, needForForm, checkForm, whoIsThere, consoleSession } = sessions
  const cookie = prefixed('gh_invitation', publicUrl)
  const options: CookieSerializeOptions = { ...cookieOptions(publicUrl), maxAge: KEPT }
  const choices = { providers, returnTo: INVITATION_PATH, fresh: true }

  const held = (request: FastifyRequest): string | null => pastedToken(request.cookies[cookie] ?? '')
  const forget = (reply: FastifyReply): void => void reply.clearCookie(cookie, cookieOptions(publicUrl))
  const send = async (reply: FastifyReply, { headers, text }: Document) => await reply.headers(headers).send(text)

  /** Why not, as a page. A link that nobody can use any more is forgotten; one for another address waits for its person. */
  async function refused(reply: FastifyReply, session: ConsoleSession, error: unknown) {
    if (!(error instanceof RegistryError)) throw error
    const again = error.code === 'forbidden'
    if (!again) forget(reply)
    const { identity } = session
    return await send(reply.code(statusOf(error)), refusedPage(error.message, { identity, choices }, again))
  }

  const belongs = async ({ identity }: ConsoleSession, { tenant }: Offer): Promise<boolean> =>
    (await tenants(identity)).some(({ slug, status }) => slug === tenant.slug && status === 'active')

  app.get(
    INVITATION_PATH,
    {
      onRequest: async (request, reply) =>
        (await whoIsThere(request)) === null ? await host.anonymous(request) : await need(request, reply),
    },
    async (request, reply) => {
      const token = held(request)
      if (token === null) return await send(reply, pastePage(false))
      if ((await whoIsThere(request)) === null) return await send(reply, signInFirstPage({ ...choices, fresh: false }))
      const session = consoleSession(request)
      let offer
      try {
        offer = await registry.invitations.read(session.identity, token)
      } catch (error) {
        return await refused(reply, session, error)
      }
      const { identity, csrf } = session
      if (!(await belongs(session, offer))) return await send(reply, offerPage(offer, { identity, csrf, choices }))
      forget(reply)
      return await send(reply, memberAlreadyPage(offer))
    },
  )

  // Nobody need be signed in to keep a link for later; a page of somebody else must not put one here.
  app.post(
    INVITATION_PATH,
    {
      onRequest: async (request) => {
        await host.anonymous(request)
        if (!isSameOrigin(request.headers, publicUrl))
          throw new Refusal('origin_refused', { detail: 'an invitation from somewhere else' })
      },
    },
    async (request, reply) => {
      const token = pastedToken(fieldsOfBody(request.body).text('invitation'))
      if (token === null) return await send(reply.code(422), pastePage(true))
      reply.setCookie(cookie, token, options)
      return await reply.redirect(INVITATION_PATH, 303)
    },
  )
  host.onlyMethods(app, INVITATION_PATH, ['GET', 'HEAD', 'POST'])

  app.post(`${INVITATION_PATH}/accept`, { onRequest: needForForm, preHandler: checkForm }, async (request, reply) => {
    const session = consoleSession(request)
    const token = held(request)
    if (token === null) return await reply.redirect(INVITATION_PATH, 303)
    const { requestId, ip } = host.visits(request)
    let offer
    try {
      offer = await registry.invitations.accept(session.identity, token, { request_id: requestId, ip })
    } catch (error) {
      return await refused(reply, session, error)
    }
    forget(reply)
    return await reply.redirect(`${tenantPath(offer.tenant.slug)}?done=joined`, 303)
  })
  host.onlyMethods(app, `${INVITATION_PATH}/accept`, ['POST'])

  app.post(`${INVITATION_PATH}/later`, { onRequest: needForForm, preHandler: checkForm }, async (_request, reply) => {
    forget(reply)
    return await reply.redirect('/console', 303)
  })
  host.onlyMethods(app, `${INVITATION_PATH}/later`, ['POST'])
}
