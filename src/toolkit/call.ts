import type { CallToolResult, InputRequiredResult } from '@modelcontextprotocol/server'
import type { Principal } from '#tenancy/tenant.ts'
import { InvalidArguments, readArguments } from './arguments.ts'
import { Asking } from './ask.ts'
import { offersTo } from './catalogue.ts'
import { toWire } from './result.ts'
import type { CallRequest } from './call-request.ts'
import { Failed, LONGEST_NAME, type Runner } from './run.ts'
import type { Tool, ToolResult } from './tool.ts'

export { InvalidArguments }
export type { CallRequest }

export interface CallerOptions {
  readonly tools: ReadonlyMap<string, Tool>
  readonly runner: Runner
}

export interface Caller {
  /**
   * Throws InvalidArguments for an unknown tool and for arguments that do not fit, and Refusal scope_insufficient when the gate
   * before it was passed by mistake; everything else, failures too, is in the result. Does not count limits.
   */
  call(
    principal: Principal,
    name: string,
    args: unknown,
    request: CallRequest,
  ): Promise<CallToolResult | InputRequiredResult>
}

/** One call: principal and arguments to a transaction, the tool, the audit and a result (DESIGN section 3). */
export function createCaller({ tools, runner }: CallerOptions): Caller {
  return {
    async call(principal, name, args, request) {
      const tool = tools.get(name)
      if (tool === undefined || !offersTo(principal, tool)) {
        await runner.unknown({ principal, request, args }, name)
        throw new InvalidArguments(`Unknown tool: ${name.slice(0, LONGEST_NAME)}`)
      }
      try {
        const outcome = await runner.run({
          principal,
          request,
          subject: tool,
          action: name,
          call: { method: 'tools/call', name },
          args,
          read: () => readArguments(tool, args),
          async perform(input, context, most) {
            const answer = await tool.run(input, context)
            if (answer instanceof Asking) return answer
            const told: ToolResult = typeof answer === 'string' ? { text: answer } : answer
            return { told, result: toWire(tool, told, most) }
          },
          target: (input, answer) => targetOf(tool, input, answer?.told ?? null),
        })
        return 'asking' in outcome ? outcome.asking : outcome.answer.result
      } catch (error) {
        if (!(error instanceof Failed)) throw error
        return { isError: true, content: [{ type: 'text', text: error.failure.text }] }
      }
    },
  }
}

function targetOf(tool: Tool, input: Record<string, unknown>, result: ToolResult | null): string | null {
  if (tool.target !== undefined) return tool.target(input, result)
  const id = input['id'] ?? result?.structured?.['id']
  return typeof id === 'string' ? id : null
}
