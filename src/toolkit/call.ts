import type { CallToolResult } from '@modelcontextprotocol/server'
import type { Clock } from '#base/clock.ts'
import type { Log } from '#base/log.ts'
import { Refusal } from '#base/refusal.ts'
import type { Database, TenantDb } from '#db/database.ts'
import type { Principal, Tenant } from '#tenancy/tenant.ts'
import { InvalidArguments, readArguments } from './arguments.ts'
import type { Auditor, CallRecord } from './audit.ts'
import { existsFor } from './catalogue.ts'
import { unlessAborted, withDeadline } from './deadline.ts'
import { failureOf } from './failure.ts'
import { toWire } from './result.ts'
import type { Tool, ToolContext, ToolLog, ToolResult } from './tool.ts'

export { InvalidArguments }

/** Milliseconds; the same as the database's own. */
const DEFAULT_TIMEOUT = 15_000
/** Characters of the name of a tool that is not there, in answer and audit. */
const LONGEST_NAME = 128

export interface CallRequest {
  /** Aborted when the caller is gone. */
  readonly signal: AbortSignal
  readonly requestId: string
  readonly ip: string | null
  /** Sends a progress notification; does nothing when the caller did not ask for any. */
  readonly progress: ToolContext['progress']
}

export interface CallerOptions {
  readonly database: Database
  readonly tools: ReadonlyMap<string, Tool>
  readonly audit: Auditor
  readonly clock: Clock
  readonly log: Log
  /** D18: reads the registry again after TenantFenced; answers why the tenant is closed, or null when it is open (again). */
  readonly reread: (tenant: Tenant) => Promise<Refusal | null>
}

export interface Caller {
  /**
   * Throws InvalidArguments for an unknown tool and for arguments that do not fit, and Refusal scope_insufficient when the gate
   * before it was passed by mistake; everything else, failures too, is in the result. Does not count limits.
   */
  call(principal: Principal, name: string, args: unknown, request: CallRequest): Promise<CallToolResult>
}

/** A call that may begin: who, what, and how its audit row is made. */
interface Run {
  readonly tool: Tool
  readonly input: Record<string, unknown>
  readonly context: Omit<ToolContext, 'db' | 'signal'>
  readonly caller: AbortSignal
  readonly ok: (target: string | null) => CallRecord
}

/** One call: principal and arguments to a transaction, the tool, the audit and a result (DESIGN section 3). */
export function createCaller({ database, tools, audit, clock, log, reread }: CallerOptions): Caller {
  /** For a write the audit row is part of the transaction: both are there or neither is. */
  const run = async ({ tool, input, context, caller, ok }: Run): Promise<CallToolResult> => {
    const { access, timeout = DEFAULT_TIMEOUT } = tool
    const { result, record } = await withDeadline(timeout, caller, async (signal) => {
      const work = async (db: TenantDb) => {
        const answer = await tool.run(input, { ...context, signal, db })
        const told: ToolResult = typeof answer === 'string' ? { text: answer } : answer
        const result = toWire(tool, told)
        const record = ok(targetOf(tool, input, told))
        if (access === 'write') await audit.insert(db, record)
        return { result, record }
      }
      if (access === 'none') return await unlessAborted(signal, async () => await work(NO_DATABASE))
      return await database.tenant(context.principal.tenant, { access, timeout, signal }, work)
    })
    if (access !== 'write') await audit.record(record)
    return result
  }

  return {
    async call(principal, name, args, { signal, requestId, ip, progress }) {
      const startedAt = clock.now()
      const tool = tools.get(name)
      const record = (outcome: 'ok' | 'failed', reason: string | null, target: string | null): CallRecord => ({
        principal,
        // A name that a caller made up is of any length, and may hold what Postgres takes in no text, which would cost a whole batch of rows.
        tool: tool === undefined ? name.replace(/[^ -~]/g, '?').slice(0, LONGEST_NAME) : name,
        target,
        outcome,
        reason,
        startedAt,
        requestId,
        ip,
        args,
      })
      if (tool === undefined || !existsFor(principal, tool)) {
        await audit.record(record('failed', 'tool_unknown', null))
        throw new InvalidArguments(`Unknown tool: ${name.slice(0, LONGEST_NAME)}`)
      }
      if (!tool.scopes.every((scope) => principal.scopes.has(scope))) {
        throw new Refusal('scope_insufficient', { scope: tool.scopes })
      }
      // A child logger would cost every call more than its lines cost the few that write any.
      const about = { tool: name, tenant: principal.tenant.slug, request_id: requestId }
      const lines: ToolLog = {
        info: (fields, message) => log.info({ ...fields, ...about }, message),
        warn: (fields, message) => log.warn({ ...fields, ...about }, message),
      }
      const context = { principal, progress, log: lines, now: () => clock.now() }
      let input: Record<string, unknown> | null = null
      try {
        input = await readArguments(tool, args)
        return await run({ tool, input, context, caller: signal, ok: (target) => record('ok', null, target) })
      } catch (error) {
        const failure = await failureOf(error, { tool, principal, requestId, signal, reread })
        if (failure.bug) log.error({ err: error, ...about }, 'a tool failed')
        await audit.record(record('failed', failure.reason, input === null ? null : targetOfFailed(tool, input)))
        if (error instanceof InvalidArguments) throw error
        return { isError: true, content: [{ type: 'text', text: failure.text }] }
      }
    },
  }
}

const NO_DATABASE: TenantDb = {
  access: 'read',
  query: async () => {
    throw new Error("a tool with access 'none' has no database")
  },
}

function targetOf(tool: Tool, input: Record<string, unknown>, result: ToolResult | null): string | null {
  if (tool.target !== undefined) return tool.target(input, result)
  const id = input['id'] ?? result?.structured?.['id']
  return typeof id === 'string' ? id : null
}

/** After a failure the tool's own `target` may fail over the same thing; that must not cost the audit its row. */
function targetOfFailed(tool: Tool, input: Record<string, unknown>): string | null {
  try {
    return targetOf(tool, input, null)
  } catch {
    return null
  }
}
