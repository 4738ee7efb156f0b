import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { IncomingMessage } from 'node:http'
import { uuidv7 } from '#base/id.ts'
import { Refusal } from '#base/refusal.ts'
import { createAdmission } from './admission.ts'
import { apiRoutes } from './api.ts'
import { apiDocumentRoutes } from './api-document.ts'
import { authTokenRoutes } from './auth-token.ts'
import { createChallenge } from './challenge.ts'
import { clientAddress } from './client-address.ts'
import type { AppDeps } from './deps.ts'
import { createDoor } from './door.ts'
import { issuersOf, signInScopes, unbrokered } from './endpoints.ts'
import { BODY_LIMIT, answerBrokenRequest, createFailureHandler } from './failure.ts'
import { createGate } from './gate.ts'
import { healthRoutes } from './health.ts'
import { asError } from './hook.ts'
import { createHold } from './hold.ts'
import { homeRoutes } from './home.ts'
import { createJournal } from './journal.ts'
import { createMcp } from './mcp.ts'
import { metadataRoutes } from './metadata.ts'
import { createRequestMetrics, metricsRoutes, watchPressure } from './metrics.ts'
import { oauthAuthorizeRoutes } from './oauth-authorize.ts'
import { oauthCallbackRoutes } from './oauth-callback.ts'
import { jwksRoutes } from './oauth-jwks.ts'
import { authorizationServerRoutes } from './oauth-metadata.ts'
import { oauthRegisterRoutes } from './oauth-register.ts'
import { oauthTokenRoutes } from './oauth-token.ts'
import { createOperatorAccess } from './operator-access.ts'
import { createPressureWatch } from './pressure.ts'
import { onlyMethods } from './routes.ts'
import { createVisits } from './visit.ts'

/** A client may name its request, in a form that is safe in any log and header. */
const REQUEST_ID = /^[A-Za-z0-9_-]{8,64}$/

/** Who watches over us is answered while we end, and while we have too much to do. */
const HEALTH: ReadonlySet<string> = new Set(['/livez', '/readyz', '/healthz'])

/** Milliseconds between the end of the last call and the end of every connection. */
const LAST_MOMENT = 500

function requestId({ headers }: IncomingMessage): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : uuidv7()
}

/** The whole HTTP side, not yet listening. Closing it lets calls in flight finish first (within SHUTDOWN_TIMEOUT) and answers new ones 503. */
export async function buildApp(deps: AppDeps): Promise<FastifyInstance> {
  const { config, log, clock, providers, catalogue } = deps
  const { publicUrl } = config
  const addressOf = clientAddress(config)
  const visits = createVisits((request) => addressOf(request.raw))
  const metrics = createRequestMetrics(deps.metrics)
  const journal = createJournal({
    log,
    requestLog: config.requestLog,
    auditor: deps.auditor,
    usage: deps.usage,
    metrics,
    visits,
    tracing: deps.tracing,
  })
  const door = createDoor(config)
  const pressure = deps.pressure ?? createPressureWatch(config.pressure, log)
  watchPressure(deps.metrics, () => pressure.level())
  const admission = createAdmission(config, pressure)
  const gate = createGate(deps, visits, admission)
  const { ipLimit } = deps
  const { library, changes, caller } = deps
  const mcp = createMcp({
    config,
    gate,
    admission,
    visits,
    metrics,
    meters: deps.metrics,
    tracing: deps.tracing,
    log,
    catalogue,
    library,
    changes,
    caller,
  })
  const { broker } = deps.login
  const asked = unbrokered(providers, broker === null ? [] : deps.login.upstreams)
  const scopes = signInScopes(asked, catalogue, config)
  const operator = createOperatorAccess(config.metricsToken)
  const anonymous = async (request: FastifyRequest): Promise<void> => await ipLimit(visits(request).ip)
  let draining = false
  const begin = (request: FastifyRequest, reply: FastifyReply): void => {
    journal(request, reply)
    reply.header('cache-control', 'no-store').header('x-request-id', request.id)
  }

  const app = fastify({
    logger: false,
    genReqId: requestId,
    requestIdHeader: false,
    bodyLimit: BODY_LIMIT,
    // A user_id in a path of the API may be this long, percent-encoded.
    routerOptions: { maxParamLength: 1_300 },
    // A client that sends its request slower than this is not served (slow loris).
    requestTimeout: 30_000,
    // Node looks for slow ones every 30 s otherwise, so that they last up to twice as long.
    http: { connectionsCheckingInterval: 5_000 },
    // Longer than the idle time of common load balancers, so that they end a connection and not we.
    keepAliveTimeout: 72_000,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: (error, request, reply) => {
      // A path that cannot be decoded: no hook runs for it.
      begin(request, reply)
      try {
        if (!door(request, reply)) void failure(error, request, reply)
      } catch (refusal) {
        void failure(refusal, request, reply)
      }
    },
  })
  const failures = {
    log,
    visits,
    challenge: createChallenge({ publicUrl, scopes }),
    ipLimit,
    hold: createHold(pressure),
  }
  const failure = createFailureHandler(failures)
  app.setErrorHandler(failure)
  app.setNotFoundHandler(() => {
    throw new Refusal('not_found')
  })

  // Not async: no request should wait for what never does.
  app.addHook('onRequest', (request, reply, done) => {
    try {
      begin(request, reply)
      if (door(request, reply)) return
      const { url = '' } = request.routeOptions
      if (draining && !HEALTH.has(url)) {
        reply.header('connection', 'close')
        throw new Refusal('draining', { retryAfter: 1 })
      }
      if (pressure.level() === 'drowning' && !HEALTH.has(url) && url !== '/metrics')
        throw new Refusal('overloaded', { retryAfter: 2 })
      done()
    } catch (error) {
      done(asError(error))
    }
  })
  await pressure.watch(app, () => admission.wanted())
  app.addHook('preClose', async () => {
    draining = true
    await mcp.drain()
    // Calls have ended now. Who has sent half a request, or reads a page slowly, gets a moment.
    setTimeout(() => app.server.closeAllConnections(), LAST_MOMENT).unref()
  })
  // A client that asks first (Expect: 100-continue) is answered before it sends; mcp.ts asks for the body.
  app.server.on('checkContinue', (request, response) => app.routing(request, response))

  healthRoutes(app, { clock, database: deps.database, providers, draining: () => draining, operator, addressOf })
  metricsRoutes(app, deps.metrics, operator)
  const authorizationServers = [...(broker === null ? [] : [publicUrl]), ...issuersOf(asked)]
  metadataRoutes(app, { publicUrl, authorizationServers, scopes, anonymous })
  homeRoutes(app, { publicUrl, providers, brokered: broker !== null, console: true, anonymous })
  await apiRoutes(app, { ...failures, publicUrl, gate, desk: deps.desk, answers: deps.answers })
  apiDocumentRoutes(app, { publicUrl, anonymous })
  jwksRoutes(app, { jwks: deps.serviceTokens.jwks, anonymous })
  await oauthTokenRoutes(app, { tokens: deps.login.tokens, revoke: deps.login.revoke, visits, anonymous })
  if (broker !== null) {
    const { authorization, registrar, callback, metadata } = broker
    authorizationServerRoutes(app, { metadata, anonymous })
    oauthRegisterRoutes(app, { registrar, anonymous })
    await oauthAuthorizeRoutes(app, { publicUrl, authorization, visits, anonymous })
    await oauthCallbackRoutes(app, { publicUrl, callback, visits, anonymous })
  }
  await authTokenRoutes(app, { serviceTokens: deps.serviceTokens, visits })
  await deps.console.mount(app, { visits, anonymous, onlyMethods })
  await app.register(mcp.routes)
  await deps.developmentIssuer?.mount(app)
  const { routes } = deps
  if (routes !== undefined) await app.register(async (inner) => await routes(inner))
  await app.ready()
  return await app
}
