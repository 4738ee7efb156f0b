import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { Refusal } from '#base/refusal.ts'
import { sessionIdentity } from '#login/session.ts'
import { SESSION_FLOW_LIFE, type Arrival } from '#login/session-flow.ts'
import type { ConsoleSessions } from './console-session.ts'
import { cookieOptions, sessionCookie } from './cookie.ts'
import type { ConsoleDeps, ConsoleHost } from './deps.ts'
import { loginPage } from './login-page.ts'
import { returnPath } from './return-path.ts'
import { isSameOrigin } from './same-origin.ts'

const LoginForm = z.object({
  provider: z.string().max(64),
  return_to: z.string().optional(),
  fresh: z.string().optional(),
})

/** What the address says of where they come from. */
const LEFT: ReadonlyMap<string, 'here' | 'clients'> = new Map([
  ['1', 'here'],
  ['clients', 'clients'],
])

/**
 * Signing in to the console. Opening a link begins nothing: only a form of ours does, and only the browser that sent it can finish, so nobody
 * can be signed in as somebody else without knowing (login CSRF). The session is a new one each time (no fixation).
 */
export function signInRoutes(
  app: FastifyInstance,
  deps: ConsoleDeps,
  host: ConsoleHost,
  { whoIsThere }: Pick<ConsoleSessions, 'whoIsThere'>,
): void {
  const { publicUrl, flows, sessions, cutoffs, providers } = deps
  const anonymous = async (request: FastifyRequest): Promise<void> => await host.anonymous(request)

  app.get('/console/login', { onRequest: anonymous }, async (request, reply) => {
    const query = queryOf(request)
    const [returnTo, fresh] = [returnPath(query.get('return_to')), query.get('fresh') === '1']
    if (!fresh && (await whoIsThere(request)) !== null) return await reply.redirect(returnTo, 303)
    const { headers, text } = loginPage({ providers, returnTo, fresh, left: LEFT.get(query.get('left') ?? '') ?? null })
    return await reply.headers(headers).send(text)
  })

  app.post(
    '/console/login',
    {
      onRequest: async (request) => {
        await host.anonymous(request)
        if (!isSameOrigin(request.headers, publicUrl))
          throw new Refusal('origin_refused', { detail: 'a login form from somewhere else' })
      },
    },
    async (request, reply) => {
      const form = LoginForm.safeParse(request.body)
      if (!form.success) throw new Refusal('request_malformed', { detail: 'not the form of the login page' })
      const { provider, return_to, fresh } = form.data
      const begun = await flows.begin({ provider, return_to: returnPath(return_to), fresh: fresh === '1' })
      reply.setCookie(begun.cookie, begun.sealed, { ...cookieOptions(publicUrl), maxAge: SESSION_FLOW_LIFE })
      return await reply.redirect(begun.url, 303)
    },
  )
  host.onlyMethods(app, '/console/login', ['GET', 'HEAD', 'POST'])

  app.get<{ Params: { provider: string } }>(
    '/console/callback/:provider',
    { onRequest: anonymous, exposeHeadRoute: false },
    async (request, reply) => {
      const arrival = arrivalOf(request)
      const cookie = flows.cookie(arrival.state)
      const sealed = request.cookies[cookie] ?? ''
      // Once only, however it ends.
      if (sealed !== '') reply.clearCookie(cookie, cookieOptions(publicUrl))
      const { identity, return_to, asked } = await flows.finish(request.params.provider, arrival, sealed)
      const visit = host.visits(request)
      visit.presented = true
      const session = sessions.begin(identity, asked)
      visit.identity = sessionIdentity(session)
      await cutoffs.began(session, visit)
      const before = sessions.open(request.cookies[sessionCookie(publicUrl)] ?? '')
      // What was there before is over, so that a copy of it is no second way in.
      if (before !== null) await cutoffs.cut(before, visit)
      reply.setCookie(sessionCookie(publicUrl), sessions.seal(session), cookieOptions(publicUrl))
      return await reply.redirect(return_to, 303)
    },
  )
  host.onlyMethods(app, '/console/callback/:provider', ['GET'])
}

const queryOf = ({ url }: FastifyRequest): URLSearchParams => new URLSearchParams(url.split('?', 2)[1] ?? '')

/** RFC 6749 section 3.1: no parameter twice. @throws Refusal `sign_in_lost`. */
function arrivalOf(request: FastifyRequest): Arrival {
  const query = queryOf(request)
  const once = (name: string): string | null => {
    const [value = null, ...more] = query.getAll(name)
    if (more.length > 0) throw new Refusal('sign_in_lost', { detail: `${name} twice` })
    return value
  }
  const [state, code, iss, error] = [once('state'), once('code'), once('iss'), once('error')]
  if (state === null || state === '') throw new Refusal('sign_in_lost', { detail: 'no state' })
  return { state, code, iss, error }
}
