import { ProtocolError, ProtocolErrorCode, Server, type ServerContext } from '@modelcontextprotocol/server'
import type { Log } from '#base/log.ts'
import { version } from '#base/package.ts'
import type { Principal } from '#tenancy/tenant.ts'
import { InvalidArguments, type Caller } from '#toolkit/call.ts'
import type { Catalogue } from '#toolkit/catalogue.ts'
import type { Metrics } from './metrics.ts'

/** One admitted HTTP request, for the server that answers it. */
export interface Turn {
  readonly principal: Principal
  readonly requestId: string
  readonly ip: string | null
}

export interface McpServerOptions {
  readonly caller: Caller
  readonly catalogue: Catalogue
  readonly metrics: Metrics
  readonly log: Log
}

/** Tools per page of tools/list. */
const PAGE = 100

const INSTRUCTIONS =
  'Projects, todos and documents of one organisation: the one the signed-in person belongs to. Call whoami to see who that is and what they may do. Lists are paged: pass next_cursor back as cursor.'

/**
 * A protocol server for one request and one principal. The low-level class on purpose: schemas are made once, in the catalogue, and
 * nothing is registered per request.
 */
export function createMcpServer({ caller, catalogue, metrics, log }: McpServerOptions): (turn: Turn) => Server {
  return (turn) => {
    const server = new Server(
      { name: 'gatehouse', title: 'Gatehouse', version },
      { capabilities: { tools: {} }, instructions: INSTRUCTIONS },
    )
    server.setRequestHandler('tools/list', (request) =>
      listPage(catalogue.visible(turn.principal), request.params?.cursor),
    )
    server.setRequestHandler('tools/call', async (request, context) => {
      const { name, arguments: args = {} } = request.params
      // What a caller makes up must not become a label. The call itself refuses it, and leaves an audit row.
      const label = catalogue.requiredScopes(turn.principal, name) === null ? 'unknown' : name
      const started = performance.now()
      const count = (outcome: 'ok' | 'failed' | 'invalid'): void =>
        metrics.tool(label, outcome, (performance.now() - started) / 1000)
      try {
        const result = await caller.call(turn.principal, name, args, {
          signal: context.mcpReq.signal,
          requestId: turn.requestId,
          ip: turn.ip,
          progress: progressOf(context),
        })
        count(result.isError === true ? 'failed' : 'ok')
        return server.projectCallToolResult(result, outputSchemaOf(catalogue, turn.principal, name))
      } catch (error) {
        count(error instanceof InvalidArguments ? 'invalid' : 'failed')
        if (error instanceof InvalidArguments) throw invalid(error.message)
        // A tool's failure is a result; whatever arrives here is a bug, and its words stay in the log.
        log.error({ request_id: turn.requestId, err: error }, 'internal error')
        throw new ProtocolError(ProtocolErrorCode.InternalError, `internal error, request ${turn.requestId}`)
      }
    })
    return server
  }
}

const invalid = (message: string): ProtocolError => new ProtocolError(ProtocolErrorCode.InvalidParams, message)

function outputSchemaOf(
  catalogue: Catalogue,
  principal: Principal,
  name: string,
): Readonly<Record<string, unknown>> | undefined {
  return catalogue.visible(principal).find((tool) => tool.name === name)?.outputSchema
}

/** The cursor is the name of the last tool shown, and nothing else (D34). */
function listPage(tools: ReturnType<Catalogue['visible']>, cursor: string | undefined) {
  const after = cursor === undefined ? '' : Buffer.from(cursor, 'base64url').toString()
  if (cursor !== undefined && !/^[a-z][a-z0-9_]*$/.test(after)) throw invalid('cursor: not one that this server gave')
  const rest = tools.filter(({ name }) => name > after)
  const shown = rest.slice(0, PAGE)
  const last = rest.length > PAGE ? shown.at(-1) : undefined
  return { tools: shown, ...(last === undefined ? {} : { nextCursor: Buffer.from(last.name).toString('base64url') }) }
}

/** Once the caller is gone there is nobody to tell: then it does nothing, and the signal ends the tool. */
function progressOf({ mcpReq }: ServerContext) {
  const progressToken = mcpReq._meta?.progressToken
  return async (progress: number, total?: number, message?: string): Promise<void> => {
    if (progressToken === undefined || mcpReq.signal.aborted) return
    const params = {
      progressToken,
      progress,
      ...(total === undefined ? {} : { total }),
      ...(message === undefined ? {} : { message }),
    }
    await mcpReq.notify({ method: 'notifications/progress', params })
  }
}
