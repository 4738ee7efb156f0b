import type { FastifyReply, FastifyRequest } from 'fastify'
import { html } from '#base/html.ts'
import { document, type Document } from '#base/page.ts'
import { Refusal, type RefusalCode } from '#base/refusal.ts'
import { sendDocument } from './send-document.ts'
import type { Visits } from './visit.ts'

/** What the person reads: what happened, and what to do. Nothing of the request stands in it. */
interface Words {
  readonly title: string
  readonly text: string
}

const AGAIN = 'Go back to your application and start the sign-in there again.'
const MALFORMED: Words = {
  title: 'This sign-in request is not right',
  text: 'The application that sent you here asked in a way that this server does not accept. Nothing was signed in. Tell its makers, or whoever runs this server.',
}
const WORDS: Partial<Record<RefusalCode, Words>> = {
  client_invalid: {
    title: 'This application is not known here',
    text: 'It has not registered here, its registration is not valid any more, or it may not sign people in. Remove this server from the application, add it again, and sign in.',
  },
  redirect_invalid: {
    title: 'You would be sent to a wrong place',
    text: 'The application asked to send you to an address that is not one of its own. Nothing was signed in. Remove this server from the application and add it again.',
  },
  target_invalid: {
    title: 'This sign-in is for another service',
    text: 'The application did not say correctly which service it wants to use. Check the address of this server in the application: it ends with /mcp.',
  },
  sign_in_lost: {
    title: 'This sign-in has ended',
    text: `It was begun in another browser, took too long, or was finished already. ${AGAIN}`,
  },
  sign_in_denied: { title: 'You were not signed in', text: `The sign-in was not completed. ${AGAIN}` },
  origin_refused: {
    title: 'This page was opened in a strange way',
    text: `The answer did not come from our own page, so it does not count. ${AGAIN}`,
  },
  rate_limited: { title: 'Too many requests', text: 'Wait a minute, then try again.' },
  provider_unavailable: {
    title: 'The sign-in cannot be done right now',
    text: 'A service that it needs does not answer. Try again in a minute.',
  },
  not_found: { title: 'There is nothing here', text: AGAIN },
}

/** Errors are pages: they hold no form and lead nowhere (D27). @param reference finds the line in the operator's log. */
function signInErrorPage({ code }: Refusal, reference: string): Document {
  const { title, text } = WORDS[code] ?? MALFORMED
  return document({
    title,
    body: html`<h1>${title}</h1>
      <p class="lead">${text}</p>
      <footer>For whoever runs this server: request <code>${reference}</code>.</footer>`,
  })
}

/** Statuses that a browser, a proxy or a person understands; everything else that is wrong with a sign-in is 400. */
const KEPT: ReadonlySet<number> = new Set([403, 404, 405, 429, 503])

/** For `setErrorHandler` of routes that people look at: a Refusal becomes a page, anything else goes on to the one that knows bugs. */
export const answerWithPage =
  (visits: Visits) =>
  async (error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const refusal = error instanceof Refusal ? error : formOf(error)
    if (refusal === null) throw error
    const visit = visits(request)
    visit.refusal = refusal
    if (refusal.retryAfter !== null) reply.header('retry-after', String(Math.max(1, Math.ceil(refusal.retryAfter))))
    reply.code(KEPT.has(refusal.status) ? refusal.status : 400)
    return await sendDocument(reply, signInErrorPage(refusal, visit.requestId))
  }

/** What Fastify itself refuses about a request: its type, its size. */
function formOf(error: unknown): Refusal | null {
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : null
  if (typeof status !== 'number' || status >= 500) return null
  return new Refusal('authorization_malformed', { detail: error instanceof Error ? error.name : '' })
}
