import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Readable } from 'node:stream'
import { html, type Html } from '#base/html.ts'
import { Refusal } from '#base/refusal.ts'
import { onlooking } from '#tenancy/ledger.ts'
import { RegistryError } from '#tenancy/registry-error.ts'
import type { Actor } from '#tenancy/registry.ts'
import { isSlug } from '#tenancy/slug.ts'
import type { Principal, Tenant } from '#tenancy/tenant.ts'
import type { ConsoleSession, ConsoleSessions } from './console-session.ts'
import type { ConsoleDeps, ConsoleHost } from './deps.ts'
import { fieldsOf, fieldsOfBody, NO_FIELDS, type Fields } from './fields.ts'
import { FORM_TOKEN } from './form-token.ts'
import { framed, OPERATOR_WAYS, tenantPath, type Strip } from './frame.ts'
import { statusOf } from './registry-status.ts'
import type { SeeAsCookies } from './see-as.ts'

/** Who is where: what a page of a tenant works with. */
export interface Place {
  readonly session: ConsoleSession
  readonly principal: Principal
  readonly tenant: Tenant
  /** For the registry's functions. */
  readonly actor: Actor
  /** Of the route: `/domains/:domain` has `domain`. */
  readonly params: Readonly<Record<string, string>>
  /** For `formToken` of every form. */
  readonly csrf: string
  readonly now: number
  readonly may: (scope: string) => boolean
  /** What stands on every page for an operator who sees it as its admin does (D37): then no form is taken. null: they are there as themselves. */
  readonly seenAs: Strip | null
  /** Below this tenant: `path('/keys')`. */
  readonly path: (below: string) => string
}

/** Why a form was not taken. */
export interface Problem {
  /** Path of the form, as `TenantForm` has it: a page may hold several. */
  readonly form: string
  readonly message: string
  /** The field at fault; null: none in particular. */
  readonly field: string | null
}

/** How a page is looked at. */
export interface View {
  readonly query: Fields
  /** What the form that was not taken held, or waits with for a fresh sign-in; else nothing: a link from elsewhere fills in no form. */
  readonly values: Fields
  readonly problem: Problem | null
  /** Code of what was just done, from `?done=`. It comes from outside: look it up in a table of words. */
  readonly done: string | null
  /** They come back from a fresh sign-in to the form that waits. */
  readonly again?: boolean
}

export interface TenantPage {
  /** Below `/console/t/{slug}`; `''` is the Overview. */
  readonly path: string
  /** Which way of the bar it belongs to; default: itself. */
  readonly current?: string
  readonly title: string | ((place: Place) => string)
  /** Who lacks it gets 403; null: everybody in the tenant. */
  readonly scope: string | null
  /** The page itself needs a sign-in that is at most 5 minutes old (D31): one that holds nothing but such a form. */
  readonly fresh?: boolean
  show(place: Place, view: View): Promise<Html>
}

/** Something to save as a file. */
interface Download {
  readonly headers: Readonly<Record<string, string>>
  readonly body: AsyncIterable<string | Uint8Array>
}

/** Shown once, as the answer of the form itself: what is stored nowhere. */
export interface ShownOnce {
  readonly title: string
  readonly body: Html
}

export interface TenantForm {
  /** Where it is sent, below `/console/t/{slug}`. */
  readonly path: string
  /** Shown again, with what was typed and what is wrong. Its parameters are those of `path`. */
  readonly page: TenantPage
  readonly scope: string | null
  /** Owner changes, keys, domains, export and delete need a sign-in that is at most 5 minutes old (D31). */
  readonly fresh: boolean
  /** Answers where to go, below the tenant (`/domains?done=claimed`), what to show once, or a file. @throws RegistryError: shown on the page. */
  run(place: Place, fields: Fields): Promise<string | ShownOnce | Download>
}

/** What one part of the console consists of. */
export interface TenantSection {
  readonly pages: readonly TenantPage[]
  readonly forms: readonly TenantForm[]
}

/** More at the top of every page of a tenant, for who may see it. */
export type Strips = (place: Place) => Promise<readonly Strip[]>

/** Mounts pages and forms: who is there, may they, is it a form of ours, and what goes around the page. */
export function tenantPages(
  app: FastifyInstance,
  deps: Pick<ConsoleDeps, 'clock' | 'tenants' | 'operators'>,
  host: ConsoleHost,
  sessions: ConsoleSessions,
  {
    sections,
    seeAs,
    strips = async () => [],
  }: {
    readonly sections: readonly TenantSection[]
    readonly seeAs: Pick<SeeAsCookies, 'enter'>
    readonly strips?: Strips
  },
): void {
  const { need, needForForm, checkForm, needFresh, consoleSession } = sessions

  async function placeOf(request: FastifyRequest, reply: FastifyReply, scope: string | null): Promise<Place> {
    const { slug = '', ...params } = paramsOf(request)
    if (!isSlug(slug)) throw new Refusal('not_found')
    const session = consoleSession(request)
    const seen = await seeAs.enter(request, reply, session, slug)
    const principal = seen?.principal ?? (await session.enter(slug))
    const visit = host.visits(request)
    visit.principal = principal
    const may = (wanted: string): boolean => principal.scopes.has(wanted)
    if (scope !== null && !may(scope))
      throw new RegistryError('forbidden', `it needs ${scope}; an owner or admin can give you a role that has it`)
    return {
      session,
      principal,
      tenant: principal.tenant,
      actor: { kind: 'person', principal, request_id: visit.requestId, ip: visit.ip },
      params,
      csrf: session.csrf,
      now: deps.clock.now(),
      may,
      seenAs: seen?.strip ?? null,
      path: (below) => `${tenantPath(slug)}${below}`,
    }
  }

  async function send(reply: FastifyReply, place: Place, { title, current }: Titled, body: Html) {
    const { principal, tenant, session } = place
    const { headers, text } = framed({
      title,
      session,
      tenant: { slug: tenant.slug, name: tenant.name, scopes: principal.scopes },
      tenants: await deps.tenants(session.identity),
      current,
      more: deps.operators.is(session.identity) ? OPERATOR_WAYS : null,
      strips: [...(place.seenAs === null ? [] : [place.seenAs]), ...(await strips(place))],
      body,
    })
    return await reply.headers(headers).send(text)
  }

  async function refused(reply: FastifyReply, place: Place, form: TenantForm, fields: Fields, error: unknown) {
    if (!(error instanceof RegistryError) || error.code === 'forbidden') throw error
    const { path, page } = form
    const problem = { form: path, message: error.message, field: error.field }
    const view = { query: fieldsOf([]), values: fields, problem, done: null }
    const body = await page.show(place, view)
    return await send(reply.code(statusOf(error)), place, titled(page, place), body)
  }

  for (const page of sections.flatMap(({ pages }) => pages)) {
    app.get(urlOf(page.path), { onRequest: need }, async (request, reply) => {
      const place = await placeOf(request, reply, page.scope)
      const sent = page.fresh === true ? await needFresh(request, reply, request.url) : undefined
      if (sent !== undefined) return sent
      const view = viewOf(request, place.session)
      return await send(reply, place, titled(page, place), cameBack(view, place.session, await page.show(place, view)))
    })
  }

  for (const form of sections.flatMap(({ forms }) => forms)) {
    app.post(urlOf(form.path), { onRequest: needForForm, preHandler: checkForm }, async (request, reply) => {
      const place = await placeOf(request, reply, form.scope)
      // D37: here for every form at once; the registry would refuse it too.
      if (place.seenAs !== null) throw onlooking()
      const fields = fieldsOfBody(request.body)
      if (form.fresh && !place.session.fresh)
        return await needFresh(request, reply, backTo(place.session, place.path(form.page.path), place.params, fields))
      let outcome
      try {
        outcome = await form.run(place, fields)
      } catch (error) {
        return await refused(reply, place, form, fields, error)
      }
      if (typeof outcome === 'string') return await reply.redirect(place.path(outcome), 303)
      if ('headers' in outcome) return await reply.headers(outcome.headers).send(Readable.from(outcome.body))
      return await send(reply, place, { title: outcome.title, current: currentOf(form.page) }, outcome.body)
    })
  }

  for (const [path, methods] of methodsOf(sections)) host.onlyMethods(app, urlOf(path), methods)
}

/** Of a route they are always text. */
export const paramsOf = ({ params }: FastifyRequest): Readonly<Record<string, string>> =>
  typeof params === 'object' && params !== null
    ? Object.fromEntries(Object.entries(params).filter((pair): pair is [string, string] => typeof pair[1] === 'string'))
    : {}

/** The end of the address of a page whose form waits for a fresh sign-in: shows that its own person typed what stands before. */
const AGAIN = 'again'
const TYPED = new RegExp(`^(?<url>.*)[?&]${AGAIN}=(?<proof>[\\w-]{43})$`)

/** How the page at this address is looked at. */
export function viewOf({ url }: Pick<FastifyRequest, 'url'>, { isTyped }: Pick<ConsoleSession, 'isTyped'>): View {
  const query = fieldsOf(new URLSearchParams(url.split('?', 2)[1] ?? ''))
  const done = query.text('done')
  const { url: page = '', proof = '' } = TYPED.exec(url)?.groups ?? {}
  const values = isTyped(page, proof) ? query : null
  return { query, values: values ?? NO_FIELDS, problem: null, done: done === '' ? null : done, again: values !== null }
}

const CONFIRMED = html`<div class="note" role="status">
  <p><strong>Thank you.</strong> It is you. Nothing was done yet: look once more, and press the button again.</p>
</div>`

/** The page with that word on top, for who did prove who they are. */
export const cameBack = ({ again = false }: View, { fresh }: Pick<ConsoleSession, 'fresh'>, body: Html): Html =>
  again && fresh ? html`${CONFIRMED} ${body}` : body

interface Titled {
  readonly title: string
  readonly current: string
}

const currentOf = ({ path, current = path }: TenantPage): string => current

const titled = (page: TenantPage, place: Place): Titled => ({
  title: typeof page.title === 'string' ? page.title : page.title(place),
  current: currentOf(page),
})

const urlOf = (path: string): string => `/console/t/:slug${path}`

/**
 * The page of a form with what was typed, so that nothing is lost by proving once more who one is. Secrets are typed into no form of ours.
 * @param url of the page, with its parameters by name.
 */
export function backTo(
  { typed }: Pick<ConsoleSession, 'typed'>,
  url: string,
  params: Readonly<Record<string, string>>,
  fields: Fields,
): string {
  const page = url.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ''))
  const query = new URLSearchParams()
  for (const [name, value] of fields.entries) if (name !== FORM_TOKEN) query.append(name, value)
  const filled = `${page}?${query.toString().replaceAll('+', '%20').replaceAll('*', '%2A')}`
  const proved = (at: string): string => `${at}${at.includes('?') ? '&' : '?'}${AGAIN}=${typed(at)}`
  const whole = proved(filled)
  return query.size === 0 || whole.length > 512 ? proved(page) : whole
}

interface Routed {
  readonly pages: readonly { readonly path: string }[]
  readonly forms: readonly { readonly path: string }[]
}

/** Which methods each path of these sections takes. */
export function methodsOf(sections: readonly Routed[]): ReadonlyMap<string, readonly string[]> {
  const methods = new Map<string, string[]>()
  const add = (path: string, more: readonly string[]): void => {
    methods.set(path, [...(methods.get(path) ?? []), ...more])
  }
  for (const { path } of sections.flatMap(({ pages }) => pages)) add(path, ['GET', 'HEAD'])
  for (const { path } of sections.flatMap(({ forms }) => forms)) add(path, ['POST'])
  return methods
}
