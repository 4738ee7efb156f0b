import { ProtocolError, ProtocolErrorCode, ResourceNotFoundError, type Server } from '@modelcontextprotocol/server'
import type { Log } from '#base/log.ts'
import { InvalidArguments } from '#toolkit/call.ts'
import { UnknownResource, type Library } from '#toolkit/library.ts'
import type { CallRequest } from '#toolkit/call-request.ts'
import { Failed } from '#toolkit/run.ts'
import { ToolError } from '#toolkit/tool.ts'
import { callRequest, invalid, page, type Era, type Turn } from './mcp-request.ts'
import { inRounds, type Questions } from './mcp-rounds.ts'

export interface LibraryHandlers {
  readonly library: Library
  readonly questions: Questions
  readonly log: Log
  readonly turn: Turn
  readonly era: Era
}

/** Resources, prompts and completion on the wire: translation only. */
export function serveLibrary(server: Server, { library, questions, log, turn, era }: LibraryHandlers): void {
  const { principal } = turn
  const worded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw wireError(error, turn, log)
    }
  }
  if (library.has.resources) {
    server.setRequestHandler('resources/list', async ({ params }, context) => {
      const request = callRequest(context, turn, era)
      const { resources, ...next } = await worded(
        async () => await library.resources(principal, params?.cursor, request),
      )
      return { resources: [...resources], ...next }
    })
    server.setRequestHandler('resources/templates/list', ({ params }) => {
      const { shown, next } = page(library.templates(principal), params?.cursor)
      return { resourceTemplates: shown, ...next }
    })
    server.setRequestHandler('resources/read', async ({ params }, context) => {
      const read = async (request: CallRequest) => await library.read(principal, params.uri, request)
      return await worded(async () => await inRounds({ server, context, turn, era, questions }, read))
    })
  }
  if (library.has.prompts) {
    server.setRequestHandler('prompts/list', ({ params }) => {
      const { shown, next } = page(library.prompts(principal), params?.cursor)
      return { prompts: shown, ...next }
    })
    server.setRequestHandler('prompts/get', async ({ params }, context) => {
      const { name, arguments: args = {} } = params
      const get = async (request: CallRequest) => await library.get(principal, name, args, request)
      return await worded(async () => await inRounds({ server, context, turn, era, questions }, get))
    })
  }
  if (library.has.resources || library.has.prompts) {
    server.setRequestHandler('completion/complete', async ({ params: { ref, argument, context: given } }, context) => {
      const what =
        ref.type === 'ref/prompt'
          ? ({ kind: 'prompt', of: ref.name } as const)
          : ({ kind: 'template', of: ref.uri } as const)
      const { values, more } = await worded(
        async () =>
          await library.complete(
            principal,
            { ...what, argument: argument.name, value: argument.value, others: given?.arguments ?? {} },
            callRequest(context, turn, era),
          ),
      )
      return { completion: { values: [...values], ...(more ? {} : { total: values.length }), hasMore: more } }
    })
  }
}

/** Here a failure is a protocol error. What is ours to mend keeps its words to itself. */
function wireError(error: unknown, { requestId }: Turn, log: Log): ProtocolError {
  if (error instanceof UnknownResource) return new ResourceNotFoundError(error.uri)
  if (error instanceof InvalidArguments) return invalid(error.message)
  if (error instanceof ToolError) return new ProtocolError(ProtocolErrorCode.InternalError, error.message)
  if (error instanceof Failed) return new ProtocolError(ProtocolErrorCode.InternalError, error.failure.text)
  log.error({ request_id: requestId, err: error }, 'internal error')
  return new ProtocolError(ProtocolErrorCode.InternalError, `internal error, request ${requestId}`)
}
