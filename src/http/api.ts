import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Log } from '#base/log.ts'
import { Refusal } from '#base/refusal.ts'
import type { Desk } from '#desk/operation.ts'
import { memberAccess, operatorAccess, type Access } from './api-access.ts'
import { etagOf, isHeld, preconditionOf } from './api-etag.ts'
import { createApiFailureHandler, type ApiFailureOptions } from './api-failure.ts'
import { createInputReader } from './api-input.ts'
import { ApiError } from './api-problem.ts'
import { once, repeatKeyOf, type Repeats } from './api-repeat.ts'
import { API_ROUTES, OPERATOR_ROUTES, type ApiRoute } from './api-routes.ts'
import { SLUG } from './endpoints.ts'
import type { Gate } from './gate.ts'
import { parseMessage } from './message.ts'
import { onlyMethods } from './routes.ts'

export interface ApiOptions extends ApiFailureOptions, Repeats {
  readonly gate: Gate
  readonly desk: Desk
}

/** Bytes: a form's worth of JSON. */
const BODY_LIMIT = 64 * 1024
/** Milliseconds after which whoever takes a file is looked at again (D22). */
const RECHECK = 1_000

/**
 * The API for admins: the operations of the desk at /api/v1, and at /t/{slug}/api/v1 for another tenant than the home one, with the
 * same tokens and scopes as /mcp; those for operators at /api/v1/operator. Bearer only; cookies count for nothing here (D31).
 */
export async function apiRoutes(app: FastifyInstance, options: ApiOptions): Promise<void> {
  const { gate, visits, desk } = options
  const members = memberAccess(gate, visits, desk)
  const operators = operatorAccess(gate, desk)
  await app.register(
    async (api) => {
      prepare(api, options)
      serveAll(api, API_ROUTES, members, options)
      serveAll(api, OPERATOR_ROUTES, operators, options)
    },
    { prefix: '/api/v1' },
  )
  await app.register(
    async (api) => {
      prepare(api, options)
      serveAll(api, API_ROUTES, members, options)
    },
    { prefix: `/t/:slug(^${SLUG}$)/api/v1` },
  )
}

function prepare(api: FastifyInstance, options: ApiOptions): void {
  api.setErrorHandler(createApiFailureHandler(options))
  api.setNotFoundHandler(() => {
    throw new Refusal('not_found')
  })
  api.removeAllContentTypeParsers()
  api.addContentTypeParser('application/json', { parseAs: 'string', bodyLimit: BODY_LIMIT }, jsonBody)
}

function serveAll<On>(
  api: FastifyInstance,
  routes: readonly ApiRoute<On>[],
  access: Access<On>,
  options: ApiOptions,
): void {
  for (const route of routes) serve(api, route, access, options)
  for (const path of new Set(routes.map((route) => route.path))) {
    const here = routes.filter((route) => route.path === path)
    onlyMethods(
      api,
      routed(path),
      here.flatMap((route) => (hasHead(route) ? ['GET', 'HEAD'] : [route.method])),
    )
  }
}

/** A file is not made to be thrown away. */
const hasHead = ({ method, files }: ApiRoute<never>): boolean => method === 'GET' && files.length === 0

/** `{name}` as the router writes it. */
const routed = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ':$1')

async function jsonBody(_request: FastifyRequest, text: string | Buffer): Promise<unknown> {
  if (text === '') return undefined
  const { value, problem } = parseMessage(String(text))
  if (value === undefined) throw new ApiError('invalid_request', 'The body is not JSON.')
  if (problem !== null) throw new ApiError('invalid_request', `The body cannot be served: ${problem}.`)
  return value
}

function serve<On>(api: FastifyInstance, route: ApiRoute<On>, access: Access<On>, options: ApiOptions): void {
  const { operation } = route
  const read = createInputReader(route)

  async function answer(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const call = access.call(request, route.tagged && route.method !== 'GET' ? preconditionOf(request) : undefined)
    const repeatKey = route.idempotent ? repeatKeyOf(request) : null
    const input = await read(request)
    // Only what the output names leaves the house.
    const act = async (): Promise<object> => operation.output.parse(await operation.run(input, call))
    if (route.files.length > 0)
      return await sendFile(reply, File.parse(await act()), async () => await access.recheck(request), options.log)
    if (repeatKey === null) return await send(reply, request, route, await act())
    const { result, replayed } = await once(options, repeatKey, operation, input, call, route.status, act)
    if (replayed) reply.header('idempotency-replayed', 'true')
    return await send(reply, request, route, result)
  }

  api.route({
    method: route.method,
    url: routed(route.path),
    bodyLimit: BODY_LIMIT,
    exposeHeadRoute: hasHead(route),
    onRequest: async (request, reply) => await access.admit(request, reply, operation.scopes),
    handler: answer,
  })
}

async function send(
  reply: FastifyReply,
  request: FastifyRequest,
  { status, made, tagged, method }: ApiRoute<never>,
  result: object,
): Promise<unknown> {
  if (status === 204) return await reply.code(204).send()
  const name = made === null ? undefined : Reflect.get(result, made)
  if (typeof name === 'string')
    reply.header('location', `${request.url.replace(/\?.*$/, '')}/${encodeURIComponent(name)}`)
  if (tagged) {
    const etag = etagOf(result)
    reply.header('etag', etag)
    if (method === 'GET' && isHeld(request, etag)) return await reply.code(304).send()
  }
  return await reply.code(status).type('application/json; charset=utf-8').send(JSON.stringify(result))
}

const File = z.object({
  filename: z.string(),
  media_type: z.string(),
  text: z.custom<AsyncIterable<string | Uint8Array>>(),
})

/** Read as fast as it is taken, and no longer when whoever asked is gone, or may not be here any more. */
async function sendFile(
  reply: FastifyReply,
  { filename, media_type, text }: z.output<typeof File>,
  recheck: () => Promise<void>,
  log: Log,
): Promise<FastifyReply> {
  async function* watched(): AsyncGenerator<string | Uint8Array> {
    let checked = performance.now()
    try {
      for await (const piece of text) {
        if (performance.now() - checked > RECHECK) {
          await recheck()
          checked = performance.now()
        }
        yield piece
      }
    } catch (error) {
      // The status is sent: all that is left is to break off, which Fastify does without a word.
      log.warn({ err: error, request_id: reply.request.id }, 'a file was broken off')
      throw error
    }
  }
  return await reply
    .header('content-disposition', `attachment; filename="${filename}"`)
    .type(media_type)
    .send(Readable.from(watched()))
}
