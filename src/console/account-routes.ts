import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isSlug } from '#tenancy/slug.ts'
import { RegistryError } from '#tenancy/registry-error.ts'
import type { Actor } from '#tenancy/registry.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import { accountPage, leavePage } from './account-page.ts'
import type { ConsoleSession, ConsoleSessions } from './console-session.ts'
import { cookieOptions, sessionCookie } from './cookie.ts'
import type { ConsoleDeps, ConsoleHost } from './deps.ts'
import { fieldsOf, fieldsOfBody, type Fields } from './fields.ts'
import { statusOf } from './registry-status.ts'

const PATH = '/console/account'

interface There {
  readonly tenant: Tenant
  readonly actor: Actor
}

/** What people do about themselves, in whichever tenant: home, leaving, signing out their clients. */
export function accountRoutes(
  app: FastifyInstance,
  deps: Pick<ConsoleDeps, 'publicUrl' | 'registry' | 'tenants' | 'cutoffs' | 'operators'>,
  host: ConsoleHost,
  sessions: ConsoleSessions,
): void {
  const { publicUrl, registry, tenants, cutoffs, operators } = deps
  const { need, needForForm, checkForm, needFresh, consoleSession } = sessions
  const { members } = registry

  /** The tenant that a form or an address names, entered as this person. @throws Refusal as the directory does. */
  async function enter(request: FastifyRequest, session: ConsoleSession, fields: Fields): Promise<There> {
    const slug = fields.text('organisation')
    if (!isSlug(slug)) throw new RegistryError('unknown', 'there is no such organisation')
    const principal = await session.enter(slug)
    const visit = host.visits(request)
    visit.principal = principal
    const actor = { kind: 'person', principal, request_id: visit.requestId, ip: visit.ip } as const
    return { tenant: principal.tenant, actor }
  }

  app.get(PATH, { onRequest: need }, async (request, reply) => {
    const session = consoleSession(request)
    const done = queryOf(request).text('done')
    const { headers, text } = accountPage(session, await tenants(session.identity), {
      operator: operators.is(session.identity),
      done: done === '' ? null : done,
    })
    return await reply.headers(headers).send(text)
  })
  host.onlyMethods(app, PATH, ['GET', 'HEAD'])

  app.post(`${PATH}/home`, { onRequest: needForForm, preHandler: checkForm }, async (request, reply) => {
    const { tenant, actor } = await enter(request, consoleSession(request), fieldsOfBody(request.body))
    await members.makeHome(tenant, actor)
    return await reply.redirect(`${PATH}?done=home`, 303)
  })
  host.onlyMethods(app, `${PATH}/home`, ['POST'])

  app.get(`${PATH}/leave`, { onRequest: need }, async (request, reply) => {
    const session = consoleSession(request)
    const { tenant } = await enter(request, session, queryOf(request))
    const { headers, text } = leavePage(session, await tenants(session.identity), tenant, null)
    return await reply.headers(headers).send(text)
  })
  app.post(`${PATH}/leave`, { onRequest: needForForm, preHandler: checkForm }, async (request, reply) => {
    const session = consoleSession(request)
    const fields = fieldsOfBody(request.body)
    const { tenant, actor } = await enter(request, session, fields)
    // As on the page of a member: an owner who leaves is an owner change, and the keys they made stop (D31).
    if (!session.fresh) return await needFresh(request, reply, `${PATH}/leave?organisation=${tenant.slug}`)
    try {
      if (!fields.has('sure')) throw new RegistryError('invalid', 'tick the box first: you lose access', 'sure')
      const own = await members.own(tenant, actor)
      if (own === null) throw new RegistryError('conflict', 'you are here by no membership of your own')
      await members.remove(tenant, actor, own.id)
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error
      const problem = { form: `${PATH}/leave`, message: error.message, field: error.field }
      const { headers, text } = leavePage(session, await tenants(session.identity), tenant, problem)
      return await reply.code(statusOf(error)).headers(headers).send(text)
    }
    return await reply.redirect(`${PATH}?done=left`, 303)
  })
  host.onlyMethods(app, `${PATH}/leave`, ['GET', 'HEAD', 'POST'])

  app.post(`${PATH}/sign-out-clients`, { onRequest: needForForm, preHandler: checkForm }, async (request, reply) => {
    const { session, identity } = consoleSession(request)
    const visit = host.visits(request)
    await members.revokeOwnTokens(identity, { request_id: visit.requestId, ip: visit.ip })
    // The sessions are tokens too; those in no tenant end here.
    await cutoffs.cutAll(session, visit)
    reply.clearCookie(sessionCookie(publicUrl), cookieOptions(publicUrl))
    return await reply.redirect('/console/login?left=clients', 303)
  })
  host.onlyMethods(app, `${PATH}/sign-out-clients`, ['POST'])
}

const queryOf = ({ url }: FastifyRequest): Fields => fieldsOf(new URLSearchParams(url.split('?', 2)[1] ?? ''))
