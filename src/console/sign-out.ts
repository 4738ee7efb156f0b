import type { FastifyInstance } from 'fastify'
import type { Origin } from '#login/session-cutoffs.ts'
import type { Session } from '#login/session.ts'
import type { ConsoleSessions } from './console-session.ts'
import { cookieOptions, sessionCookie } from './cookie.ts'
import type { ConsoleDeps, ConsoleHost } from './deps.ts'
import type { SeeAsCookies } from './see-as.ts'

/** Ends this session, or all of this person, at every replica from the next request on: taking away the cookie alone would end nothing. */
export function signOutRoutes(
  app: FastifyInstance,
  { publicUrl, cutoffs }: ConsoleDeps,
  host: ConsoleHost,
  { needForForm, checkForm, consoleSession }: ConsoleSessions,
  seeAs: Pick<SeeAsCookies, 'end'>,
): void {
  const ends = {
    '/console/logout': async (session: Session, from: Origin) => await cutoffs.cut(session, from),
    '/console/logout-everywhere': async (session: Session, from: Origin) => await cutoffs.cutAll(session, from),
  }
  for (const [url, end] of Object.entries(ends)) {
    app.post(url, { onRequest: needForForm, preHandler: checkForm }, async (request, reply) => {
      const session = consoleSession(request)
      // A look of theirs is worth nothing without the session; what cannot be noted must not keep them signed in.
      await seeAs.end(request, reply, session, 'left').catch(() => null)
      await end(session.session, host.visits(request))
      reply.clearCookie(sessionCookie(publicUrl), cookieOptions(publicUrl))
      return await reply.redirect('/console/login?left=1', 303)
    })
    host.onlyMethods(app, url, ['POST'])
  }
}
