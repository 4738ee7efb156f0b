import {
  CLIENT_CAPABILITIES_META_KEY,
  ProtocolError,
  ProtocolErrorCode,
  type ServerContext,
} from '@modelcontextprotocol/server'
import type { Scope } from '#base/tracing.ts'
import type { Principal } from '#tenancy/tenant.ts'
import type { CallRequest } from '#toolkit/call-request.ts'
import type { RunningCall } from './lane.ts'
import { isObject } from './message.ts'

/** One admitted HTTP request, for the server that answers it. */
export interface Turn {
  readonly principal: Principal
  readonly requestId: string
  readonly ip: string | null
  /** The span of the MCP request. */
  readonly trace: Scope
  /** Its call, when that runs already. */
  readonly running?: RunningCall
}

/** 'legacy': the 2025 revisions. 'modern': 2026-07-28. */
export type Era = 'legacy' | 'modern'

/** A protocol request as the toolkit sees it. */
export function callRequest(context: ServerContext, { requestId, ip }: Turn, era: Era): CallRequest {
  const { mcpReq } = context
  const state = mcpReq.requestState()
  return {
    signal: mcpReq.signal,
    requestId,
    ip,
    progress: progressOf(context),
    tell: async (level, text) => {
      if (!mcpReq.signal.aborted) await mcpReq.log(level, text)
    },
    // The 2025 revisions know no rounds: there they are ours (mcp-rounds), and what a client sends is nobody's answer.
    ...(era === 'legacy'
      ? {}
      : {
          client: abilitiesOf(declaredOf(context)),
          round: { answers: mcpReq.inputResponses ?? {}, state: typeof state === 'string' ? state : null },
        }),
  }
}

function declaredOf({ mcpReq }: ServerContext): Readonly<Record<string, unknown>> {
  const envelope: Readonly<Record<string, unknown>> = { ...mcpReq.envelope }
  const declared = envelope[CLIENT_CAPABILITIES_META_KEY]
  return isObject(declared) ? declared : {}
}

/** What a client declares that it can be asked. */
export const abilitiesOf = (declared: Readonly<Record<string, unknown>>): NonNullable<CallRequest['client']> => ({
  elicitation: declared['elicitation'] !== undefined,
  sampling: declared['sampling'] !== undefined,
  roots: declared['roots'] !== undefined,
})

/** Once the caller is gone there is nobody to tell: then it does nothing, and the signal ends the tool. */
function progressOf({ mcpReq }: ServerContext): CallRequest['progress'] {
  const progressToken = mcpReq._meta?.progressToken
  return async (progress, total, message) => {
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

export const invalid = (message: string): ProtocolError => new ProtocolError(ProtocolErrorCode.InvalidParams, message)

/** Entries per page of a list. */
const PAGE = 100

/** One page of a list sorted by name. The cursor is the name of the last one shown, and nothing else (D34). */
export function page<Item extends { readonly name: string }>(
  items: readonly Item[],
  cursor: string | undefined,
): { readonly shown: Item[]; readonly next: { readonly nextCursor?: string } } {
  const after = cursor === undefined ? '' : Buffer.from(cursor, 'base64url').toString()
  if (cursor !== undefined && !/^[a-z][a-z0-9_]*$/.test(after)) throw invalid('cursor: not one that this server gave')
  const rest = items.filter(({ name }) => name > after)
  const shown = rest.slice(0, PAGE)
  const last = rest.length > PAGE ? shown.at(-1) : undefined
  return { shown, next: last === undefined ? {} : { nextCursor: Buffer.from(last.name).toString('base64url') } }
}
