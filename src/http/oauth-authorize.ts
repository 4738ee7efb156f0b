import cookie from '@fastify/cookie'
import formbody from '@fastify/formbody'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { urlOf } from '#base/address.ts'
import { Refusal } from '#base/refusal.ts'
import type { Authorization } from '#login/authorization.ts'
import { CONSENT_LIFE, isCsrf, newCsrf } from '#login/consent.ts'
import type { AuthorizationRequest } from '#login/flow.ts'
import { FLOW_LIFE } from '#login/seals.ts'
import { CONSENT_PATH, consentPage } from './consent-page.ts'
import { createCookies } from './cookies.ts'
import { onlyMethods } from './routes.ts'
import { sameOrigin } from './same-origin.ts'
import { sendDocument } from './send-document.ts'
import { answerWithPage } from './sign-in-error-page.ts'
import type { Visits } from './visit.ts'

export interface AuthorizeRoutesOptions {
  readonly publicUrl: string
  readonly authorization: Authorization
  readonly visits: Visits
  /** Counts an anonymous request. */
  readonly anonymous: (request: FastifyRequest) => Promise<void>
}

const CSRF = 'gh_csrf'
const APPROVALS = 'gh_approvals'
/** Seconds; renewed with each page. */
const CSRF_LIFE = 3600
/** Bytes of the form: a sealed request of at most 7 KiB, and a button. */
const FORM_LIMIT = 16 * 1024
/** Characters of all sign-ins that one browser has under way, of the 16 KiB that a request's headers may have; the oldest go first. */
const MOST_FLOWS = 8 * 1024

/** GET /oauth/authorize shows the page, POST is its answer (RFC 6749 section 3.1, D24, D27, D31). Every error is a page. */
export async function oauthAuthorizeRoutes(app: FastifyInstance, options: AuthorizeRoutesOptions): Promise<void> {
  const { publicUrl, authorization, visits, anonymous } = options
  const { consents } = authorization
  const cookies = createCookies(publicUrl)
  const onRequest = async (request: FastifyRequest): Promise<void> => await anonymous(request)

  /** The person agreed: where to go now, with the flow in this browser's cookie. */
  async function depart(
    request: FastifyRequest,
    reply: FastifyReply,
    asked: AuthorizationRequest,
    provider: string,
  ): Promise<string> {
    const { location, cookie } = await authorization.approve(asked, provider)
    let room = MOST_FLOWS - cookie.value.length
    // Browsers send the older ones first (RFC 6265 section 5.4).
    for (const [name, value = ''] of Object.entries(request.cookies).toReversed()) {
      if (!name.startsWith(cookies.name('gh_flow_'))) continue
      room -= name.length + value.length
      if (room < 0) cookies.clear(reply, name)
    }
    cookies.set(reply, cookie.name, cookie.value, FLOW_LIFE)
    return location
  }

  await app.register(async (oauth) => {
    await oauth.register(cookie)
    oauth.removeAllContentTypeParsers()
    await oauth.register(formbody, { bodyLimit: FORM_LIMIT })
    oauth.setErrorHandler(answerWithPage(visits))

    oauth.get(CONSENT_PATH, { onRequest }, async (request, reply) => {
      const checked = await authorization.check(request.query, { ip: visits(request).ip })
      const remembered = checked.memorable && !checked.askAgain && begunByItsClient(request, checked.request)
      const provider = remembered ? consents.recall(cookies.get(request, APPROVALS), checked.request) : null
      if (provider !== null && authorization.providers.some(({ id }) => id === provider))
        return await reply.redirect(await depart(request, reply, checked.request, provider), 303)

      const held = cookies.get(request, CSRF)
      const csrf = isCsrf(held) ? held : newCsrf()
      cookies.set(reply, CSRF, csrf, CSRF_LIFE)
      const { request: asked, ...shown } = checked
      const page = { ...shown, resource: asked.resource, providers: authorization.providers }
      return await sendDocument(reply, consentPage({ ...page, form: consents.form(asked, csrf) }))
    })

    oauth.post(CONSENT_PATH, { onRequest }, async (request, reply) => {
      sameOrigin(request, publicUrl)
      const { form, provider, decision } = answerOf(request.body)
      const csrf = cookies.get(request, CSRF)
      const asked = form !== undefined && isCsrf(csrf) ? consents.open(form, csrf) : null
      if (asked === null) throw new Refusal('sign_in_lost', { detail: 'the form is not of this browser, or too old' })
      const { memorable } = await authorization.recheck(asked, { ip: visits(request).ip })
      if (decision === 'deny') return await reply.redirect(authorization.deny(asked), 303)
      if (provider === undefined || decision !== undefined)
        throw new Refusal('authorization_malformed', { detail: 'the form says neither yes nor no' })
      const location = await depart(request, reply, asked, provider)
      if (memorable)
        cookies.set(reply, APPROVALS, consents.remember(cookies.get(request, APPROVALS), asked, provider), CONSENT_LIFE)
      return await reply.redirect(location, 303)
    })
  })
  onlyMethods(app, CONSENT_PATH, ['GET', 'HEAD', 'POST'])
}

/**
 * May a remembered approval stand for the page? What it could do to somebody is sign them in unasked, into an account that another
 * person has at the client (login CSRF): that needs a page of somebody else to send the browser here. So only a navigation of a whole
 * window counts, and only one that the person began outside of pages (`none`: address bar, bookmark, another program), or that a page of
 * the client itself began, to whose own redirect the answer goes; the client knows that browser and has its `state` to tell. All of
 * these headers are the browser's own, no page can set them. The code goes to the approved redirect alone, in any case.
 */
function begunByItsClient({ method, headers }: FastifyRequest, { redirect_uri }: AuthorizationRequest): boolean {
  if (method !== 'GET' || headers['sec-fetch-mode'] !== 'navigate' || headers['sec-fetch-dest'] !== 'document')
    return false
  if (headers['sec-purpose'] !== undefined) return false
  const from = urlOf(headers.referer ?? '')?.origin
  return headers['sec-fetch-site'] === 'none' || from === urlOf(redirect_uri)?.origin
}

/** The button that was pressed. A field that came twice counts as none. */
function answerOf(body: unknown): Readonly<Record<'form' | 'provider' | 'decision', string | undefined>> {
  const field = (name: string): string | undefined => {
    const value: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined
    return typeof value === 'string' ? value : undefined
  }
  return { form: field('form'), provider: field('provider'), decision: field('decision') }
}
