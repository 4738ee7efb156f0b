import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { Refusal } from '#base/refusal.ts'
import type { Call, Desk, Operation } from '#desk/operation.ts'
import { RegistryError } from '#tenancy/registry-error.ts'
import type { Principal } from '#tenancy/tenant.ts'
import { etagOf, isHeld, preconditionOf } from './api-etag.ts'
import { createApiFailureHandler, type ApiFailureOptions } from './api-failure.ts'
import { createInputReader } from './api-input.ts'
import { ApiError } from './api-problem.ts'
import { once, repeatKeyOf, type Repeats } from './api-repeat.ts'
import { API_ROUTES, type ApiRoute } from './api-routes.ts'
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

/**
 * The API for admins: the operations of the desk at /api/v1, and at /t/{slug}/api/v1 for another tenant than the home one, with the
 * same tokens and scopes as /mcp. Bearer only; cookies count for nothing here (D31).
 */
export async function apiRoutes(app: FastifyInstance, options: ApiOptions): Promise<void> {
  const failure = createApiFailureHandler(options)
  for (const prefix of ['/api/v1', `/t/:slug(^${SLUG}$)/api/v1`]) {
    await app.register(
      async (api) => {
        api.setErrorHandler(failure)
        api.setNotFoundHandler(() => {
          throw new Refusal('not_found')
        })
        api.removeAllContentTypeParsers()
        api.addContentTypeParser('application/json', { parseAs: 'string', bodyLimit: BODY_LIMIT }, jsonBody)
        for (const route of API_ROUTES) serve(api, route, options)
        for (const path of new Set(API_ROUTES.map((route) => route.path))) {
          const methods = API_ROUTES.filter((route) => route.path === path).map(({ method }) => method)
          onlyMethods(api, routed(path), methods.includes('GET') ? [...methods, 'HEAD'] : methods)
        }
      },
      { prefix },
    )
  }
}

/** `{name}` as the router writes it. */
const routed = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ':$1')

async function jsonBody(_request: FastifyRequest, text: string | Buffer): Promise<unknown> {
  if (text === '') return undefined
  const { value, problem } = parseMessage(String(text))
  if (value === undefined) throw new ApiError('invalid_request', 'The body is not JSON.')
  if (problem !== null) throw new ApiError('invalid_request', `The body cannot be served: ${problem}.`)
  return value
}

function serve(api: FastifyInstance, route: ApiRoute, options: ApiOptions): void {
  const { gate, visits, desk } = options
  const { operation } = route
  const read = createInputReader(route)

  async function answer(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const { principal } = gate.admitted(request)
    const { requestId, ip } = visits(request)
    const precondition = route.tagged && route.method !== 'GET' ? preconditionOf(request) : undefined
    const call: Call = {
      ...desk,
      tenant: principal.tenant,
      actor: { kind: 'person', principal, request_id: requestId, ip },
      ...(precondition === undefined ? {} : { precondition }),
    }
    const repeatKey = route.idempotent ? repeatKeyOf(request) : null
    const input = await read(request)
    const act = async (): Promise<object> => await perform(operation, input, call)
    if (repeatKey === null) return await send(reply.code(route.status), request, route, await act())
    const { result, replayed } = await once(options, repeatKey, operation, input, call, route.status, act)
    if (replayed) reply.header('idempotency-replayed', 'true')
    return await send(reply.code(route.status), request, route, result)
  }

  api.route({
    method: route.method,
    url: routed(route.path),
    bodyLimit: BODY_LIMIT,
    onRequest: async (request, reply) => {
      await gate.admit(request, reply)
      needScopes(operation, gate.admitted(request).principal)
    },
    handler: answer,
  })
}

/** Only what the output names leaves the house. */
const perform = async (operation: Operation, input: Record<string, unknown>, call: Call): Promise<object> =>
  operation.output.parse(await operation.run(input, call))

async function send(reply: FastifyReply, request: FastifyRequest, route: ApiRoute, result: object): Promise<unknown> {
  if (route.status === 204) return await reply.send()
  if (route.files.length > 0) return await sendFile(reply, File.parse(result))
  const made = route.made === null ? undefined : Reflect.get(result, route.made)
  if (typeof made === 'string')
    reply.header('location', `${request.url.replace(/\?.*$/, '')}/${encodeURIComponent(made)}`)
  if (route.tagged) {
    const etag = etagOf(result)
    reply.header('etag', etag)
    if (route.method === 'GET' && isHeld(request, etag)) return await reply.code(304).send()
  }
  return await reply.type('application/json; charset=utf-8').send(JSON.stringify(result))
}

const File = z.object({ filename: z.string(), media_type: z.string(), text: z.custom<AsyncIterable<string>>() })

/** Read as fast as it is taken, and no longer when whoever asked is gone. */
const sendFile = async (
  reply: FastifyReply,
  { filename, media_type, text }: z.output<typeof File>,
): Promise<FastifyReply> =>
  await reply
    .header('content-disposition', `attachment; filename="${filename}"`)
    .type(media_type)
    .send(Readable.from(text))

/** A scope that the role never gives is a matter of who they are; one that only the token lacks can be asked for (RFC 6750 section 3.1). */
function needScopes({ scopes }: Operation, principal: Principal): void {
  const missing = scopes.find((scope) => !principal.scopes.has(scope))
  if (missing === undefined) return
  if (scopes.every((scope) => principal.role_scopes.has(scope)))
    throw new Refusal('scope_insufficient', { scope: [...scopes], detail: `the token lacks ${missing}` })
  throw new RegistryError('forbidden', `this needs the scope ${missing}`)
}
