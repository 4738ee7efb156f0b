import {
  isInputRequiredResult,
  ProtocolError,
  ProtocolErrorCode,
  Server,
  type CallToolResult,
  type ServerCapabilities,
} from '@modelcontextprotocol/server'
import type { Log } from '#base/log.ts'
import { version } from '#base/package.ts'
import type { Principal } from '#tenancy/tenant.ts'
import { InvalidArguments, type Caller, type CallRequest } from '#toolkit/call.ts'
import type { Catalogue } from '#toolkit/catalogue.ts'
import type { Library } from '#toolkit/library.ts'
import { ToolError } from '#toolkit/tool.ts'
import { serveLibrary } from './mcp-library.ts'
import { invalid, page, type Era, type Turn } from './mcp-request.ts'
import { inRounds, type Questions } from './mcp-rounds.ts'
import { failRpc } from './mcp-trace.ts'
import type { RequestMetrics } from './metrics.ts'

export interface McpServerOptions {
  readonly caller: Caller
  readonly catalogue: Catalogue
  readonly library: Library
  readonly questions: Questions
  readonly metrics: RequestMetrics
  readonly log: Log
}

/** As every answer of 2026-07-28 names us. */
export const SERVER_INFO = { name: 'gatehouse', title: 'Gatehouse', version } as const

const INSTRUCTIONS =
  'Projects, todos and documents of one organisation: the one the signed-in person belongs to. Call whoami to see who that is and what they may do. Lists are paged: pass next_cursor back as cursor.'

/**
 * A protocol server for one request and one principal. The low-level class on purpose: schemas are made once, in the catalogue, and
 * nothing is registered per request.
 */
export function createMcpServer(options: McpServerOptions): (turn: Turn, era: Era) => Server {
  const { caller, catalogue, library, questions, metrics, log } = options
  return (turn, era) => {
    const { principal } = turn
    const server = new Server(
      SERVER_INFO,
      // Rounds with clients of the 2025 revisions are ours (mcp-rounds): the SDK's need a session.
      { capabilities: capabilities(library, era), instructions: INSTRUCTIONS, inputRequired: { legacyShim: false } },
    )
    server.setRequestHandler('tools/list', (request) => {
      const { shown, next } = page(catalogue.visible(principal), request.params?.cursor)
      return { tools: shown, ...next }
    })
    server.setRequestHandler('tools/call', async (request, context) => {
      const { name, arguments: args = {} } = request.params
      // What a caller makes up must not become a label. The call itself refuses it, and leaves an audit row.
      const label = catalogue.requiredScopes(principal, name) === null ? 'unknown' : name
      const started = turn.running?.started ?? performance.now()
      const count = (outcome: 'ok' | 'failed' | 'invalid'): void =>
        metrics.tool(label, outcome, (performance.now() - started) / 1000)
      let { running } = turn
      const call = async (asked: CallRequest) => {
        if (running === undefined) return await caller.call(principal, name, args, asked)
        const { outcome } = running
        running.attach(asked)
        // Another round is another call.
        running = undefined
        return await outcome
      }
      try {
        const result = await inRounds({ server, context, turn, era, questions }, call).catch(unanswered)
        if (isInputRequiredResult(result)) {
          count('ok')
          return result
        }
        if (result.isError === true) turn.trace.fail('tool_error')
        count(result.isError === true ? 'failed' : 'ok')
        return server.projectCallToolResult(result, outputSchemaOf(catalogue, principal, name))
      } catch (error) {
        count(error instanceof InvalidArguments ? 'invalid' : 'failed')
        failRpc(turn.trace, error instanceof InvalidArguments ? '-32602' : '-32603')
        if (error instanceof InvalidArguments) throw invalid(error.message)
        // A tool's failure is a result; whatever arrives here is a bug, and its words stay in the log.
        log.error({ request_id: turn.requestId, err: error }, 'internal error')
        throw new ProtocolError(ProtocolErrorCode.InternalError, `internal error, request ${turn.requestId}`)
      }
    })
    serveLibrary(server, { library, questions, log, turn, era })
    return server
  }
}

/** A client that did not answer is a failure of this call, not of the server. */
function unanswered(error: unknown): CallToolResult {
  if (!(error instanceof ToolError)) throw error
  return { isError: true, content: [{ type: 'text', text: error.message }] }
}

/** What is promised is kept: news of changes reach who listens (2026-07-28); the 2025 revisions would need a session for that. */
function capabilities({ has: { resources, prompts } }: Library, era: Era): ServerCapabilities {
  const listChanged = era === 'modern' ? { listChanged: true } : {}
  return {
    tools: listChanged,
    logging: {},
    ...(resources ? { resources: { ...listChanged, ...(era === 'modern' ? { subscribe: true } : {}) } } : {}),
    ...(prompts ? { prompts: listChanged } : {}),
    ...(resources || prompts ? { completions: {} } : {}),
  }
}

function outputSchemaOf(
  catalogue: Catalogue,
  principal: Principal,
  name: string,
): Readonly<Record<string, unknown>> | undefined {
  return catalogue.visible(principal).find((tool) => tool.name === name)?.outputSchema
}
