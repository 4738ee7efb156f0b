import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Html } from '#base/html.ts'
import { RegistryError } from '#tenancy/registry-error.ts'
import type { OperatorActor } from '#tenancy/registry.ts'
import type { ConsoleSession, ConsoleSessions } from './console-session.ts'
import type { ConsoleDeps, ConsoleHost } from './deps.ts'
import { fieldsOf, fieldsOfBody, type Fields } from './fields.ts'
import { framed, OPERATOR_WAYS } from './frame.ts'
import { statusOf } from './registry-status.ts'
import { banner, STOP_URL, type SeeAsCookies } from './see-as.ts'
import { sessionDigest } from './session-digest.ts'
import { backTo, cameBack, methodsOf, paramsOf, viewOf, type ShownOnce, type View } from './tenant-pages.ts'

const ROOT = '/console/operator'

/** What a page of operators works with. */
export interface OperatorPlace {
  readonly session: ConsoleSession
  /** For the registry's functions. */
  readonly actor: OperatorActor
  /** Of the route: `/tenants/:name` has `name`. */
  readonly params: Readonly<Record<string, string>>
  /** For `formToken` of every form. */
  readonly csrf: string
  readonly now: number
}

export interface OperatorPage {
  /** Below `/console/operator`. */
  readonly path: string
  /** Which way of the bar it belongs to; default: itself. */
  readonly current?: string
  readonly title: string
  /** The page itself needs a sign-in that is at most 5 minutes old (D31). */
  readonly fresh?: boolean
  show(place: OperatorPlace, view: View): Promise<Html>
}

/** A change; every one needs a sign-in that is at most 5 minutes old (D31). */
export interface OperatorForm {
  /** Where it is sent, below `/console/operator`. */
  readonly path: string
  /** Shown again, with what was typed and what is wrong. Its parameters are those of `path`. */
  readonly page: OperatorPage
  /** Answers where to go, a path of the console, or what to show once. @throws RegistryError: shown on the page. */
  run(place: OperatorPlace, fields: Fields, reply: FastifyReply): Promise<string | ShownOnce>
}

export interface OperatorSection {
  readonly pages: readonly OperatorPage[]
  readonly forms: readonly OperatorForm[]
}

export const operatorPath = (below: string): string => `${ROOT}${below}`

/** Mounts the pages of operators (D3). Everybody else gets the same 403, before anything of a form is read. */
export function operatorPages(
  app: FastifyInstance,
  { clock, tenants, operators }: Pick<ConsoleDeps, 'clock' | 'tenants' | 'operators'>,
  host: ConsoleHost,
  { need, needForForm, checkForm, needFresh, consoleSession }: ConsoleSessions,
  { sections, seeAs }: { readonly sections: readonly OperatorSection[]; readonly seeAs: SeeAsCookies },
): void {
  const actors = new WeakMap<FastifyRequest, OperatorActor>()

  async function admit(request: FastifyRequest): Promise<void> {
    const { session, identity } = consoleSession(request)
    const { requestId, ip } = host.visits(request)
    actors.set(request, await operators.admit(identity, { tokenDigest: sessionDigest(session), requestId, ip }))
  }

  function placeOf(request: FastifyRequest): OperatorPlace {
    const actor = actors.get(request)
    if (actor === undefined) throw new Error('nobody asked whether they are an operator')
    const session = consoleSession(request)
    return { session, actor, params: paramsOf(request), csrf: session.csrf, now: clock.now() }
  }

  async function send(
    request: FastifyRequest,
    reply: FastifyReply,
    { session }: OperatorPlace,
    { title, path, current = path }: Pick<OperatorPage, 'title' | 'path' | 'current'>,
    body: Html,
  ): Promise<FastifyReply> {
    const seen = seeAs.open(request, session)
    const { headers, text } = framed({
      title,
      session,
      tenant: null,
      tenants: await tenants(session.identity),
      current: operatorPath(current),
      more: OPERATOR_WAYS,
      strips: seen === null ? [] : [banner(session, seen.slug, seen.look)],
      body,
    })
    return await reply.headers(headers).send(text)
  }

  for (const page of sections.flatMap(({ pages }) => pages)) {
    app.get(operatorPath(page.path), { onRequest: [need, admit] }, async (request, reply) => {
      const place = placeOf(request)
      const sent = page.fresh === true ? await needFresh(request, reply, request.url) : undefined
      if (sent !== undefined) return sent
      const view = viewOf(request, place.session)
      return await send(request, reply, place, page, cameBack(view, place.session, await page.show(place, view)))
    })
  }

  for (const form of sections.flatMap(({ forms }) => forms)) {
    const { page } = form
    app.post(
      operatorPath(form.path),
      { onRequest: [needForForm, admit], preHandler: checkForm },
      async (request, reply) => {
        const place = placeOf(request)
        const fields = fieldsOfBody(request.body)
        if (!place.session.fresh)
          return await needFresh(request, reply, backTo(place.session, operatorPath(page.path), place.params, fields))
        try {
          const outcome = await form.run(place, fields, reply)
          if (typeof outcome === 'string') return await reply.redirect(outcome, 303)
          return await send(request, reply, place, { ...page, title: outcome.title }, outcome.body)
        } catch (error) {
          if (!(error instanceof RegistryError)) throw error
          const problem = { form: form.path, message: error.message, field: error.field }
          const body = await page.show(place, { query: fieldsOf([]), values: fields, problem, done: null })
          return await send(request, reply.code(statusOf(error)), place, page, body)
        }
      },
    )
  }

  for (const [path, methods] of methodsOf(sections)) host.onlyMethods(app, operatorPath(path), methods)

  // To end a look nobody has to prove once more who they are.
  app.post(STOP_URL, { onRequest: [needForForm, admit], preHandler: checkForm }, async (request, reply) => {
    const slug = await seeAs.end(request, reply, consoleSession(request), 'stopped')
    return await reply.redirect(operatorPath(slug === null ? '/tenants' : `/tenants/${slug}?done=stopped`), 303)
  })
  host.onlyMethods(app, STOP_URL, ['POST'])
  app.get(
    ROOT,
    { onRequest: [need, admit] },
    async (_request, reply) => await reply.redirect(operatorPath('/tenants'), 303),
  )
  host.onlyMethods(app, ROOT, ['GET', 'HEAD'])
}
