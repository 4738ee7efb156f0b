import { isInputRequiredResult, type ContentBlock, type ReadResourceResult } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { uuidv7 } from '#base/id.ts'
import type { Principal } from '#tenancy/tenant.ts'
import type { Caller, CallRequest } from '#toolkit/call.ts'
import type { Catalogue } from '#toolkit/catalogue.ts'
import type { Library } from '#toolkit/library.ts'

export interface TestCall {
  /** Aborted: the caller has gone away. */
  readonly signal?: AbortSignal
  /** Is told of each progress notification as it comes. */
  readonly onProgress?: (progress: Progress) => void
}

interface Progress {
  readonly done: number
  readonly total?: number
  readonly message?: string
}

/** What a call came to: a result, a failure in words (`isError`), or questions. */
export interface TestAnswer {
  readonly isError: boolean
  /** All text of it; empty when the tool asks. */
  readonly text: string
  /** With an output schema. */
  readonly structured: Readonly<Record<string, unknown>> | undefined
  readonly content: readonly ContentBlock[]
  /** Every progress notification, in order. */
  readonly progress: readonly Progress[]
  /** The questions of a tool that asks back (`ask`), by name; null: it did not. */
  readonly asked: Readonly<Record<string, unknown>> | null
  /**
   * The next round, with what the person filled in by the question's name; null: they declined. Throws when nothing was asked.
   */
  answer(filledIn: Readonly<Record<string, Readonly<Record<string, unknown>> | null>>): Promise<TestAnswer>
}

/** Somebody in a tenant. Calls go the way of the server's: arguments checked, one transaction, audit, limits of time and size. */
export interface TestPerson {
  readonly principal: Principal
  /** Names of the tools that this person sees. */
  tools(): readonly string[]
  /** Rejects when there is no such tool for this person, when arguments do not fit, and when a scope is lacking. A ToolError is an answer. */
  call(tool: string, args?: Readonly<Record<string, unknown>>, options?: TestCall): Promise<TestAnswer>
  /** Rejects when there is no such resource for this person. */
  read(uri: string): Promise<ReadResourceResult['contents']>
}

export interface PersonParts {
  readonly principal: Principal
  readonly caller: Caller
  readonly catalogue: Catalogue
  readonly library: Library
}

export function createPerson({ principal, caller, catalogue, library }: PersonParts): TestPerson {
  const request = (more: Partial<CallRequest> = {}): CallRequest => ({
    signal: new AbortController().signal,
    requestId: uuidv7(),
    ip: null,
    progress: async () => {},
    ...more,
  })

  async function call(
    tool: string,
    args: Readonly<Record<string, unknown>>,
    { signal, onProgress }: TestCall,
    round?: CallRequest['round'],
  ): Promise<TestAnswer> {
    const progress: Progress[] = []
    const asked = request({
      ...(signal === undefined ? {} : { signal }),
      ...(round === undefined ? {} : { round }),
      progress: async (done, total, message) => {
        const now = { done, ...(total === undefined ? {} : { total }), ...(message === undefined ? {} : { message }) }
        progress.push(now)
        onProgress?.(now)
      },
    })
    const result = await caller.call(principal, tool, args, asked)
    if (isInputRequiredResult(result)) {
      const { inputRequests, requestState } = result
      return {
        isError: false,
        text: '',
        structured: undefined,
        content: [],
        progress,
        asked: inputRequests ?? {},
        answer: async (filledIn) =>
          await call(tool, args, signal === undefined ? {} : { signal }, {
            answers: accepted(filledIn),
            state: requestState ?? null,
          }),
      }
    }
    return {
      isError: result.isError === true,
      text: result.content.map((part) => (part.type === 'text' ? part.text : '')).join('\n'),
      structured: z.record(z.string(), z.unknown()).optional().parse(result.structuredContent),
      content: result.content,
      progress,
      asked: null,
      answer: async () => {
        throw new Error(`${tool} asked nothing`)
      },
    }
  }

  return {
    principal,
    tools: () => catalogue.visible(principal).map(({ name }) => name),
    call: async (tool, args = {}, options = {}) => await call(tool, args, options),
    async read(uri) {
      const result = await library.read(principal, uri, request())
      if (isInputRequiredResult(result)) throw new Error(`${uri} asked back, which the kit answers for tools only`)
      return result.contents
    },
  }
}

const accepted = (filledIn: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(filledIn).map(([name, content]) => [
      name,
      content === null ? { action: 'decline' } : { action: 'accept', content },
    ]),
  )
