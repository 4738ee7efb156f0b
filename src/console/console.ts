import cookie from '@fastify/cookie'
import formbody from '@fastify/formbody'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { bareHost, isLoopbackHost, urlOf } from '#base/address.ts'
import { Refusal } from '#base/refusal.ts'
import type { Database } from '#db/database.ts'
import { isOfPeople } from '#identity/provider.ts'
import { createSessionCutoffs } from '#login/session-cutoffs.ts'
import { createSessionFlows } from '#login/session-flow.ts'
import { createSessions } from '#login/session.ts'
import type { Upstream } from '#login/upstream.ts'
import { auditKey, CONTROL_SCHEMA } from '#tenancy/audit.ts'
import { tenantsOf } from '#tenancy/person-tenants.ts'
import { createConsoleSessions } from './console-session.ts'
import { cookieOptions, sessionCookie } from './cookie.ts'
import type { ConsoleDeps, ConsoleHost } from './deps.ts'
import { accountRoutes } from './account-routes.ts'
import { assetRoutes } from './assets.ts'
import { waitingClaimsSection } from './claims-page.ts'
import { invitationRoutes } from './invitation.ts'
import { messagePage, registryPage } from './message-page.ts'
import { migrationsSection } from './migrations-page.ts'
import { operatorPages, operatorPath, type OperatorSection } from './operator-pages.ts'
import { operatorTenantSection } from './operator-tenant-page.ts'
import { tenantPath } from './frame.ts'
import { RegistryError } from '#tenancy/registry-error.ts'
import type { SecurityEvents } from '#tenancy/security-event.ts'
import { providersSection, type ProvidersShown } from './providers-page.ts'
import { statusOf } from './registry-status.ts'
import { returnPath } from './return-path.ts'
import { tenantSections } from './sections.ts'
import { createSeeAsCookies } from './see-as.ts'
import { deletionStrips } from './settings-page.ts'
import { signInRoutes } from './sign-in.ts'
import { signOutRoutes } from './sign-out.ts'
import { tenantPages } from './tenant-pages.ts'
import { tenantsSection } from './tenants-page.ts'

/** Bytes of a form. */
const BODY_LIMIT = 64 * 1024

/** The console: pages for people, made on the server. Cookies are read here and nowhere outside /console and /oauth (D31). */
export interface Console {
  mount(app: FastifyInstance, host: ConsoleHost): Promise<void>
}

export interface ConsoleOptions extends Pick<
  ConsoleDeps,
  'publicUrl' | 'secrets' | 'clock' | 'principal' | 'limit' | 'registry' | 'operators' | 'desk' | 'rateLimit'
> {
  /** Who may vouch for people, for operators to look at. */
  readonly vouching: ProvidersShown
  readonly database: Database
  /** Told of sign-ins and their ends. */
  readonly events?: SecurityEvents
  /** AUDIT_RETENTION_DAYS. */
  readonly auditDays: number
  /** Has the registry been reached, in the version that this program needs? */
  readonly ready: () => boolean
  /** Whom people can sign in with, in the order in which they are offered. */
  readonly upstreams: readonly Upstream[]
}

export function createConsole({ database, upstreams, ready, vouching, ...options }: ConsoleOptions): Console {
  const { secrets, clock } = options
  const deps: ConsoleDeps = {
    ...options,
    providers: upstreams,
    vouchers: vouching.providers
      .filter(isOfPeople)
      .map(({ id }) => ({ id, label: upstreams.find((each) => each.id === id)?.label ?? id })),
    sessions: createSessions(options),
    flows: createSessionFlows({ ...options, upstreams }),
    cutoffs: createSessionCutoffs({
      database,
      clock,
      ready,
      auditKey: auditKey(secrets[0] ?? '', CONTROL_SCHEMA),
      ...(options.events === undefined ? {} : { events: options.events }),
    }),
    tenants: async (identity) => await tenantsOf(database, identity),
  }
  const shared = [providersSection(vouching), migrationsSection(database)]
  return { mount: async (app, host) => await app.register(async (pages) => await mount(pages, deps, host, shared)) }
}

async function mount(
  app: FastifyInstance,
  deps: ConsoleDeps,
  host: ConsoleHost,
  shared: readonly OperatorSection[],
): Promise<void> {
  await app.register(cookie)
  app.removeAllContentTypeParsers()
  await app.register(formbody, { bodyLimit: BODY_LIMIT })
  const sessions = createConsoleSessions(deps, host)

  app.addHook('onRequest', async (request, reply) => {
    const elsewhere = ownName(request, deps.publicUrl)
    return elsewhere === null ? undefined : await reply.redirect(elsewhere, 302)
  })

  app.setErrorHandler(async (error, request, reply) => {
    if (error instanceof RegistryError) {
      const { headers, text } = registryPage(error, host.visits(request).requestId)
      return await reply.code(statusOf(error)).headers(headers).send(text)
    }
    const refusal = refusalOf(error)
    const visit = host.visits(request)
    visit.refusal = refusal
    if (refusal.code === 'token_missing') {
      const to = request.method === 'GET' ? returnPath(request.url) : '/console'
      return await reply.redirect(`/console/login?return_to=${encodeURIComponent(to)}`, 303)
    }
    // Somebody who was cut off is no longer signed in; the next page is the login.
    if (refusal.status === 401) reply.clearCookie(sessionCookie(deps.publicUrl), cookieOptions(deps.publicUrl))
    if (refusal.retryAfter !== null) reply.header('retry-after', String(Math.max(1, Math.ceil(refusal.retryAfter))))
    const { headers, text } = messagePage(refusal, visit.requestId)
    // 401 would ask for credentials that this page does not take.
    return await reply
      .code(refusal.status === 401 ? 403 : refusal.status)
      .headers(headers)
      .send(text)
  })

  signInRoutes(app, deps, host, sessions)
  const seeAs = createSeeAsCookies(deps, host)
  signOutRoutes(app, deps, host, sessions, seeAs)
  assetRoutes(app, host)
  app.get('/console', { onRequest: sessions.need }, async (request, reply) => {
    const { principal, identity } = sessions.consoleSession(request)
    const outside = deps.operators.is(identity) ? operatorPath('/tenants') : '/console/account'
    return await reply.redirect(principal === null ? outside : tenantPath(principal.tenant.slug), 303)
  })
  host.onlyMethods(app, '/console', ['GET', 'HEAD'])
  accountRoutes(app, deps, host, sessions)
  invitationRoutes(app, deps, host, sessions)
  tenantPages(app, deps, host, sessions, { sections: tenantSections(deps), seeAs, strips: deletionStrips })
  const operatorSections = [
    tenantsSection(deps),
    operatorTenantSection(deps, seeAs),
    waitingClaimsSection(deps),
    ...shared,
  ]
  operatorPages(app, deps, host, sessions, { sections: operatorSections, seeAs })
  app.get('/console/', async (_request, reply) => await reply.redirect('/console', 308))
  // A mistyped address is told so on a page, not as the JSON of the rest of the server.
  app.get('/console/*', { onRequest: host.anonymous }, async () => {
    throw new Refusal('not_found')
  })
}

/**
 * On this machine http://localhost and http://127.0.0.1 are two origins, and the provider sends people back to the one that is configured:
 * they begin there too. null: they are there.
 */
function ownName({ method, url, headers }: FastifyRequest, publicUrl: string): string | null {
  const ours = new URL(publicUrl)
  const asked = urlOf(`http://${headers.host}`)
  return method === 'GET' && isLoopbackHost(bareHost(ours)) && asked?.hostname !== ours.hostname
    ? `${publicUrl}${url}`
    : null
}

/** What is no Refusal goes on to the server's own handler. */
function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  throw error
}
