import {
  isInputRequiredResult,
  type InputRequiredResult,
  type Server,
  type ServerContext,
} from '@modelcontextprotocol/server'
import { randomUUID } from 'node:crypto'
import type { Principal } from '#tenancy/tenant.ts'
import { ToolError } from '#toolkit/tool.ts'
import type { CallRequest } from '#toolkit/call-request.ts'
import { isObject } from './message.ts'
import { callRequest, type Era, type Turn } from './mcp-request.ts'

/** Rounds of questions that one call may take. */
const MOST_ROUNDS = 8
/** Milliseconds a person has for an answer. */
const PATIENCE = 300_000
/** Questions open at once, in this process and of one person. */
const MOST_OPEN = { all: 1_000, own: 20 } as const

/**
 * Questions to clients of the 2025 revisions. They are asked on the open stream of the call, and the answer is a POST of its own: so it
 * must reach the process that holds the stream. That is all that is held, and it ends with the call.
 */
export interface Questions {
  /** The client's result. Throws ToolError when it refuses, takes too long or cannot be asked. */
  ask(principal: Principal, signal: AbortSignal, send: (id: string) => Promise<void>): Promise<unknown>
  /** Is this message the answer to an open question of this principal? Then it is delivered. */
  deliver(principal: Principal, message: unknown): boolean
}

export function createQuestions(): Questions {
  const open = new Map<string, { readonly owner: string; readonly settle: (message: Answer) => void }>()
  return {
    async ask(principal, signal, send) {
      const owner = ownerOf(principal)
      const own = [...open.values()].filter((question) => question.owner === owner).length
      if (open.size >= MOST_OPEN.all || own >= MOST_OPEN.own)
        throw new ToolError('Too many questions are open already.')
      // Nobody can guess it, and it is looked up together with its owner.
      const id = randomUUID()
      const end = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)])
      let stop = (): void => {}
      try {
        const answer = new Promise<Answer>((resolve, reject) => {
          open.set(id, { owner, settle: resolve })
          stop = () => reject(new ToolError('The question was not answered in time.'))
          end.addEventListener('abort', stop)
          if (end.aborted) stop()
        })
        const [, { result, error }] = await Promise.all([send(id), answer])
        if (error !== undefined) throw new ToolError('The client could not answer the question of this tool.')
        return result
      } finally {
        end.removeEventListener('abort', stop)
        open.delete(id)
      }
    },
    deliver(principal, message) {
      if (!isAnswer(message)) return false
      const question = open.get(message.id)
      if (question?.owner !== ownerOf(principal)) return false
      question.settle(message)
      return true
    },
  }
}

interface Answer {
  readonly id: string
  readonly result?: unknown
  readonly error?: unknown
}

/** A JSON-RPC response; its id is a text, as ours are. */
export const isAnswer = (message: unknown): message is Answer =>
  isObject(message) &&
  message['method'] === undefined &&
  typeof message['id'] === 'string' &&
  (message['result'] !== undefined || message['error'] !== undefined)

const ownerOf = ({ identity, tenant }: Principal): string =>
  JSON.stringify([tenant.id, identity.key === null ? [identity.iss, identity.sub] : identity.key.id])

export interface Rounds {
  readonly server: Server
  readonly context: ServerContext
  readonly turn: Turn
  readonly era: Era
  readonly questions: Questions
}

/**
 * For 2026-07-28 one call: its questions go to the client as the result. For the 2025 revisions the rounds are held here: the client is
 * asked, and the call made again with its answers, until there is a result. Throws what `ask` throws.
 */
export async function inRounds<Result extends object>(
  { server, context, turn, era, questions }: Rounds,
  call: (request: CallRequest) => Promise<Result | InputRequiredResult>,
): Promise<Result | InputRequiredResult> {
  const request = callRequest(context, turn, era)
  let result = await call(request)
  if (era === 'modern') return result
  for (let round = 1; isInputRequiredResult(result); round += 1) {
    if (round > MOST_ROUNDS) throw new ToolError('The tool asked too often.')
    const answers = Object.entries(result.inputRequests ?? {}).map(async ([name, { method, params = {} }]) => {
      const answer = await questions.ask(turn.principal, context.mcpReq.signal, async (id) => {
        const message = { jsonrpc: '2.0' as const, id, method, params: { ...params } }
        await server.transport?.send(message, { relatedRequestId: context.mcpReq.id })
      })
      return [name, answer] as const
    })
    const state = typeof result.requestState === 'string' ? result.requestState : null
    result = await call({ ...request, round: { answers: Object.fromEntries(await Promise.all(answers)), state } })
  }
  return result
}
