import { createMcpHandler, type AuthInfo, type McpServerFactory } from '@modelcontextprotocol/server'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Refusal } from '#base/refusal.ts'
import type { Config } from '#base/config.ts'
import type { Metrics } from '#base/metrics.ts'
import type { Tracing } from '#base/tracing.ts'
import type { Changes } from '#toolkit/changes.ts'
import type { Principal } from '#tenancy/tenant.ts'
import type { Admission } from './admission.ts'
import { SLUG } from './endpoints.ts'
import { createFlights } from './flights.ts'
import type { Gate } from './gate.ts'
import { tenantBus } from './mcp-listen.ts'
import { hook } from './hook.ts'
import { createLane } from './lane.ts'
import { asStream, sendDirectly } from './lane-send.ts'
import { createMcpPrincipals } from './mcp-principal.ts'
import type { Turn } from './mcp-request.ts'
import { createQuestions, isAnswer } from './mcp-rounds.ts'
import { createMcpServer, type McpServerOptions } from './mcp-server.ts'
import { noteError, noteErrors, openMcpSpan } from './mcp-trace.ts'
import { isObject, parseMessage, type Message } from './message.ts'
import { onlyMethods } from './routes.ts'
import type { Visits } from './visit.ts'

export interface McpOptions extends Omit<McpServerOptions, 'questions'> {
  readonly config: Pick<Config, 'publicUrl' | 'shutdownTimeout' | 'sizes' | 'directLane'>
  readonly gate: Gate
  readonly visits: Visits
  readonly admission: Pick<Admission, 'stream' | 'waiting'>
  readonly changes: Changes
  readonly meters: Metrics
  readonly tracing: Tracing
}

const ENDPOINTS = ['/mcp', '/mcp/', `/t/:slug(^${SLUG}$)/mcp`, `/t/:slug(^${SLUG}$)/mcp/`]
/** Milliseconds of SHUTDOWN_TIMEOUT kept for what comes after the last call: audit and database. */
const RESERVE = 3000

export interface Mcp {
  /** A Fastify plugin: every MCP endpoint. */
  readonly routes: (app: FastifyInstance) => Promise<void>
  /** Waits for the calls in flight (within SHUTDOWN_TIMEOUT), then ends what is left. No calls may be let in any more. */
  readonly drain: () => Promise<void>
}

/**
 * The MCP endpoints: one for 2026-07-28 and the 2025 revisions, without sessions. Fastify's own hooks run around the SDK's handler, so
 * that who is calling is known before a byte of the body is read, and every answer carries our headers.
 */
export function createMcp(options: McpOptions): Mcp {
  const { config, gate, visits, library, changes, log, admission } = options
  const questions = createQuestions()
  const serverFor = createMcpServer({ ...options, questions })
  const lane = config.directLane ? createLane(options) : null
  // The SDK hands this value through untouched: it is how a request finds its principal. It never holds the token.
  const turns = new WeakMap<AuthInfo, Turn>()
  const flights = createFlights()
  options.meters.gauge(
    {
      name: 'gatehouse_mcp_requests_in_flight',
      help: 'MCP requests whose answer is under way',
      labels: { kind: ['call', 'stream', 'listen'] },
    },
    () => Object.entries(flights.open()).map(([kind, count]) => [{ kind }, count] as const),
  )
  const answered = { direct: 0, sdk: 0 }
  options.meters.total(
    {
      name: 'gatehouse_mcp_requests_total',
      help: 'MCP requests, by who answered them: the direct lane, or the SDK',
      labels: { lane: ['direct', 'sdk'] },
    },
    () => Object.entries(answered).map(([who, count]) => [{ lane: who }, count] as const),
  )
  const factory: McpServerFactory = ({ authInfo, era }) => {
    const turn = authInfo === undefined ? undefined : turns.get(authInfo)
    if (turn === undefined) throw new Error('a request without a principal reached the protocol')
    return serverFor(turn, era)
  }
  const onerror = (error: Error): void => log.debug({ err: error }, 'the protocol refused a message')
  const handler = createMcpHandler(factory, { onerror })
  const principalOf = createMcpPrincipals(gate)
  /** What a caller makes up must not become a label. */
  const labelOf = (principal: Principal, tool: string): string =>
    options.catalogue.requiredScopes(principal, tool) === null ? 'unknown' : tool
  /** A handler of its own, so that a stream hears of its tenant and of no other. */
  const listener = (
    request: FastifyRequest<{ Body: Message | undefined }>,
    reply: FastifyReply,
    { principal }: Turn,
  ) => {
    const maxSubscriptions = admission.stream(request, reply, principal) ? 1 : 0
    const bus = tenantBus(principal, changes, library, request.body?.value)
    return createMcpHandler(factory, { onerror, bus, maxSubscriptions })
  }

  const routes = async (app: FastifyInstance): Promise<void> => {
    // Not before: who is let in at the last moment would find it closed.
    app.addHook('onClose', async () => await handler.close())
    app.removeAllContentTypeParsers()
    const { bodyBytes: bodyLimit } = config.sizes
    app.addContentTypeParser('*', { parseAs: 'string', bodyLimit }, (_request, body, done) =>
      done(null, parseMessage(String(body))),
    )
    // RFC 6750 section 2: a client must not send the token in more than one way.
    app.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit },
      (_request, body, done) => {
        if (new URLSearchParams(String(body)).has('access_token'))
          done(new Refusal('header_malformed', { detail: 'a token in the header and one in the body' }))
        else done(null, parseMessage(String(body)))
      },
    )

    for (const url of ENDPOINTS) {
      app.route<{ Body: Message | undefined }>({
        method: ['GET', 'POST', 'DELETE'],
        url,
        exposeHeadRoute: false,
        onRequest: hook(gate.admit),
        // Who waits to be asked for the body (Expect) is asked only now (RFC 9110 section 10.1.1).
        preParsing: (request, reply, payload, done) => {
          if (request.headers.expect !== undefined) reply.raw.writeContinue()
          done(null, payload)
        },
        preHandler: hook((request: FastifyRequest<{ Body: Message | undefined }>, reply) => {
          const visit = visits(request)
          const { method, tool } = named(request.body?.value)
          visit.method = method
          visit.tool = tool
          const principal = principalOf(request)
          requireScopes(principal, request.body?.value, options)
          const cost = tool === null ? 1 : options.catalogue.cost(principal, tool)
          return cost > 1 ? gate.spend(request, reply, cost - 1) : undefined
        }),
        handler: serve,
      })
      onlyMethods(app, url, ['GET', 'POST', 'DELETE'])
    }
  }

  async function serve(
    request: FastifyRequest<{ Body: Message | undefined }>,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    const message = request.body
    if (message?.problem != null) {
      return await reply
        .code(400)
        .send({ jsonrpc: '2.0', id: null, error: { code: -32600, message: `Invalid Request: ${message.problem}` } })
    }
    const principal = principalOf(request)
    const visit = visits(request)
    const { requestId, ip, method } = visit
    if (isAnswer(message?.value)) return await acknowledge(reply, questions.deliver(principal, message.value))
    const trace = openMcpSpan(options.tracing, visit, message?.value, {
      tool: visit.tool === null ? null : labelOf(principal, visit.tool),
      headers: request.headers,
    })
    if (options.tracing.on)
      reply.raw.once('close', () => {
        if (!reply.raw.writableFinished) trace.fail('cancelled')
        trace.end()
      })
    const listens = method === 'subscriptions/listen'
    const flight = flights.take(reply, listens)
    const regular = message === undefined ? null : (lane?.regular(request.headers, message) ?? null)
    let turn: Turn = { principal, requestId, ip, trace }
    if (lane !== null && regular !== null && lane.knows(regular)) {
      const { method: asked, era } = regular
      const answer =
        asked === 'tools/list'
          ? lane.list(turn, regular)
          : await trace.run(async () => await lane.call(turn, regular, flight))
      if (typeof answer === 'string' || 'begin' in answer) {
        answered.direct += 1
        return await sendDirectly(reply, era, answer)
      }
      turn = { ...turn, running: answer }
    }
    const authInfo: AuthInfo = {
      token: '',
      clientId: principal.identity.client_id ?? '',
      scopes: [...principal.scopes],
    }
    turns.set(authInfo, turn)
    answered.sdk += 1
    const response = await trace.run(
      async () =>
        await (listens ? listener(request, reply, turn) : handler).fetch(
          webRequest(request, config.publicUrl, flight.signal),
          {
            authInfo,
            ...(message?.value === undefined ? {} : { parsedBody: message.value }),
          },
        ),
    )
    reply.code(response.status)
    // Whether the connection stays is between the client and Node, which hears of `close` and of draining.
    for (const [name, value] of response.headers) if (name !== 'connection') reply.header(name, value)
    if (response.status === 405) reply.header('allow', 'POST')
    if (response.headers.get('content-type')?.startsWith('text/event-stream') !== true) {
      const text = await response.text()
      noteError(trace, text)
      if (regular !== null && response.status === 200 && hasResult(text)) lane?.learn(regular)
      return await reply.send(text)
    }
    // A stream is refused before it begins, or not at all.
    if (regular !== null) lane?.learn(regular)
    flight.watch(gate.admitted(request).recheck)
    asStream(reply)
    void reply.send(noteErrors(trace, response.body))
    // Else the caller waits for the first progress to learn that the answer is a stream.
    reply.raw.flushHeaders()
    return await reply
  }

  const drain = async (): Promise<void> => {
    await flights.drain(Math.max(config.shutdownTimeout - RESERVE, config.shutdownTimeout / 2), admission.waiting)
  }
  return { routes, drain }
}

function hasResult(text: string): boolean {
  const answer: unknown = JSON.parse(text)
  return isObject(answer) && answer['result'] !== undefined
}

/** What a message asks for, as far as log, limits and scopes need to know. */
function named(value: unknown): { readonly method: string | null; readonly tool: string | null } {
  if (!isObject(value) || typeof value['method'] !== 'string') return { method: null, tool: null }
  const method = /^[a-zA-Z_]+(?:\/[a-zA-Z_]+){0,3}$/.test(value['method']) ? value['method'].slice(0, 64) : 'other'
  const params = method === 'tools/call' ? value['params'] : null
  return { method, tool: isObject(params) && typeof params['name'] === 'string' ? params['name'] : null }
}

/** A client's answer to a question of ours. One that no call here waits for is not accepted (2025-11-25, basic/transports). */
async function acknowledge(reply: FastifyReply, delivered: boolean): Promise<FastifyReply> {
  if (delivered) return await reply.code(202).send()
  const error = { code: -32600, message: 'Invalid Request: no call here waits for this answer' }
  return await reply.code(400).send({ jsonrpc: '2.0', id: null, error })
}

/** Before dispatch, so that it is a HTTP status: what the role gives but the token lacks is challenged, with all scopes of the call (D12). */
function requireScopes(principal: Principal, value: unknown, options: McpOptions): void {
  if (!isObject(value) || !isObject(value['params'])) return
  const { name, uri } = value['params']
  const [what, scope] = neededScopes(principal, value['method'], { name, uri }, options)
  if (scope?.some((one) => !principal.scopes.has(one)) === true)
    throw new Refusal('scope_insufficient', { scope, detail: what.slice(0, 64) })
}

function neededScopes(
  principal: Principal,
  method: unknown,
  { name, uri }: { readonly name?: unknown; readonly uri?: unknown },
  { catalogue, library }: Pick<McpOptions, 'catalogue' | 'library'>,
): readonly [string, readonly string[] | null] {
  if (method === 'tools/call' && typeof name === 'string') return [name, catalogue.requiredScopes(principal, name)]
  if (method === 'prompts/get' && typeof name === 'string')
    return [name, library.requiredScopes(principal, 'prompt', name)]
  if (method === 'resources/read' && typeof uri === 'string')
    return [uri, library.requiredScopes(principal, 'resource', uri)]
  return ['', null]
}

/** For the SDK. It lives as long as the answer is wanted; the token and cookies stay out of it. */
function webRequest(
  request: FastifyRequest<{ Body: Message | undefined }>,
  publicUrl: string,
  signal: AbortSignal,
): Request {
  const headers = new Headers()
  for (const [name, value] of Object.entries(request.headers)) {
    if (name === 'authorization' || name === 'cookie' || value === undefined) continue
    for (const one of [value].flat()) headers.append(name, one)
  }
  const text = request.body?.value === undefined ? request.body?.text : undefined
  return new Request(`${publicUrl}/mcp`, {
    method: request.method,
    headers,
    signal,
    ...(text === undefined ? {} : { body: text }),
  })
}
