import type { InputRequiredResult } from '@modelcontextprotocol/server'
import type { Clock } from '#base/clock.ts'
import type { Config } from '#base/config.ts'
import type { Embedder } from '#base/embedder.ts'
import type { Log } from '#base/log.ts'
import { Refusal } from '#base/refusal.ts'
import type { Soon } from '#base/soon.ts'
import type { Database, LastWord, TenantDb } from '#db/database.ts'
import { WallRefused } from '#db/statement.ts'
import { eventFields } from '#tenancy/security-event.ts'
import type { Principal, Tenant } from '#tenancy/tenant.ts'
import type { UsageMeter } from '#tenancy/usage-meter.ts'
import { UpstreamError } from '#upstream/error.ts'
import type { Upstreams } from '#upstream/upstreams.ts'
import { InvalidArguments } from './arguments.ts'
import { Asking } from './ask.ts'
import type { Auditor, CallRecord } from './audit.ts'
import type { Changes } from './changes.ts'
import type { Change, ClientAbilities, ToolContext, ToolLog } from './context.ts'
import type { CallRequest } from './call-request.ts'
import { withDeadline } from './deadline.ts'
import { failureOf, type Failure } from './failure.ts'
import { RunContext } from './run-context.ts'
import type { StateBinding, StateSeal } from './request-state.ts'

/** What CALL_TIMEOUT and RESULT_LIMIT are when nobody sets them. */
const DEFAULT_SIZES = { callMs: 15_000, resultBytes: 1_048_576 } as const

/** What can be run: a tool, a resource, a prompt. */
interface Subject {
  readonly name: string
  readonly scopes: readonly string[]
  readonly access: 'none' | 'read' | 'write'
  readonly timeout?: number
}

interface Job<Answer> {
  readonly principal: Principal
  readonly request: CallRequest
  readonly subject: Subject
  /** In the audit. */
  readonly action: string
  readonly call: Pick<StateBinding, 'method' | 'name'>
  /** As they came; kept as a digest only. */
  readonly args: unknown
  /** Checks the arguments: throws InvalidArguments. */
  readonly read: () => Soon<Record<string, unknown>>
  /** @param most octets of the result as JSON: `withinLimit` holds it to them. */
  readonly perform: (input: Record<string, unknown>, context: ToolContext, most: number) => Promise<Answer | Asking>
  /** What the call is about, for the audit. */
  readonly target: (input: Record<string, unknown>, answer: Answer | null) => string | null
}

/** An answer, or the questions that come before it. */
export type Outcome<Answer> = { readonly answer: Answer } | { readonly asking: InputRequiredResult }

/** A run that failed after dispatch: audited already, and worded for the caller. */
export class Failed extends Error {
  override readonly name = 'Failed'
  readonly failure: Failure
  constructor(failure: Failure) {
    super(failure.reason)
    this.failure = failure
  }
}

/** Ends a transaction whose run asks instead of answering: nothing of it may stay. */
class Asked extends Error {
  readonly asking: Asking
  constructor(asking: Asking) {
    super('asked')
    this.asking = asking
  }
}

export interface RunnerOptions {
  readonly database: Database
  readonly audit: Auditor
  readonly usage: Pick<UsageMeter, 'call'>
  readonly clock: Clock
  readonly log: Log
  readonly states: StateSeal
  readonly changes: Changes
  /** Of the configuration: milliseconds of a call, octets of a result. */
  readonly sizes?: Pick<Config['sizes'], 'callMs' | 'resultBytes'>
  /** Absent: there are none. */
  readonly upstreams?: Upstreams
  readonly embedder?: Embedder | null
  /** D18: reads the registry again after TenantFenced; answers why the tenant is closed, or null when it is open (again). */
  readonly reread: (tenant: Tenant) => Promise<Refusal | null>
}

export interface Runner {
  /**
   * Runs a job in its transaction, with its deadline, its audit row and its round.
   * Throws InvalidArguments, Failed, and Refusal scope_insufficient when the gate before it was passed by mistake. Does not ask whether
   * the subject exists for the principal, and does not count limits.
   */
  run<Answer>(job: Job<Answer>): Promise<Outcome<Answer>>
  /** Leaves the audit row of a call of something that is not there. */
  unknown(job: Pick<Job<unknown>, 'principal' | 'request' | 'args'>, name: string): Promise<void>
}

/** Characters of the name of something that is not there, in answer and audit. */
export const LONGEST_NAME = 128

export function createRunner({
  database,
  audit,
  usage,
  clock,
  log,
  states,
  changes,
  upstreams = NO_UPSTREAMS,
  embedder = null,
  sizes = DEFAULT_SIZES,
  reread,
}: RunnerOptions): Runner {
  /** A plan only narrows what the configuration and the tool's author allow. */
  function allowed({ timeout = sizes.callMs }: Subject, { limits }: Tenant): { timeout: number; most: number } {
    const { call_seconds, result_bytes } = limits
    return {
      timeout: Math.min(timeout, call_seconds === null ? timeout : call_seconds * 1000),
      most: Math.min(sizes.resultBytes, result_bytes ?? sizes.resultBytes),
    }
  }
  type Row = Pick<CallRecord, 'outcome' | 'reason' | 'target'>
  const recordOf = (
    { principal, request: { requestId, ip }, args }: Pick<Job<unknown>, 'principal' | 'request' | 'args'>,
    action: string,
    startedAt: number,
    row: Row,
  ): CallRecord => ({ principal, tool: action, startedAt, requestId, ip, args, ...row })

  /** For a write the audit row is part of the transaction: both are there or neither is. */
  async function inTransaction<Answer>(
    { subject, principal, request, perform, target }: Job<Answer>,
    input: Record<string, unknown>,
    context: Omit<ToolContext, 'db' | 'signal' | 'upstream'>,
    changing: () => void,
    ok: (target: string | null) => CallRecord,
  ): Promise<Answer> {
    const { access } = subject
    const { timeout, most } = allowed(subject, principal.tenant)
    const deadline = clock.now() + timeout
    const { answer, record } = await withDeadline(timeout, request, access !== 'none', async (end) => {
      let bound: ToolContext['upstream'] | null = null
      const upstream: ToolContext['upstream'] = (name) => {
        const { signal } = end
        const about = { tenant: principal.tenant.id, requestId: request.requestId, signal, access, deadline, changing }
        return (bound ??= upstreams.bind(about))(name)
      }
      const work = async (db: TenantDb, last: LastWord) => {
        const answer = await perform(input, new RunContext({ ...context, db, upstream }, end), most)
        if (answer instanceof Asking) throw new Asked(answer)
        const record = ok(target(input, answer))
        if (access === 'write') last(audit.lastWord(record))
        return { answer, record }
      }
      if (access === 'none') return await work(NO_DATABASE, () => {})
      return await database.tenant(principal.tenant, { access, timeout, signal: end.signal }, work)
    })
    if (access !== 'write') await audit.record(record)
    return answer
  }

  return {
    async run(job) {
      const { principal, request, subject, action, args } = job
      const { requestId, round } = request
      if (!subject.scopes.every((scope) => principal.scopes.has(scope))) {
        throw new Refusal('scope_insufficient', { scope: subject.scopes })
      }
      const startedAt = clock.now()
      const row = (outcome: Row['outcome'], reason: string | null, target: string | null): CallRecord =>
        recordOf(job, action, startedAt, { outcome, reason, target })
      // A child logger would cost every call more than its lines cost the few that write any.
      const about = { tool: action, tenant: principal.tenant.slug, request_id: requestId }
      const lines: ToolLog = {
        info: (fields, message) => log.info({ ...fields, ...about }, message),
        warn: (fields, message) => log.warn({ ...fields, ...about }, message),
      }
      const binding: StateBinding = { principal, args, ...job.call }
      const told: Change[] = []
      let input: Record<string, unknown> | null = null
      let elsewhere = false
      try {
        input = await job.read()
        const context = {
          principal,
          embedder,
          progress: request.progress,
          tell: request.tell ?? NOBODY,
          log: lines,
          request: { id: requestId, ip: request.ip },
          now: () => clock.now(),
          answers: round?.answers ?? {},
          state: round?.state == null ? undefined : states.open(round.state, binding),
          client: request.client ?? ANY_CLIENT,
          changed: (what: Change) => void told.push(what),
        }
        const changing = (): void => void (elsewhere = true)
        const answer = await inTransaction(job, input, context, changing, (target) => row('ok', null, target))
        usage.call({ principal, tool: action, failed: false, startedAt })
        for (const change of told) changes.publish(principal.tenant.id, change)
        return { answer }
      } catch (error) {
        const target = input === null ? null : targetOfFailed(job, input)
        if (error instanceof Asked) {
          usage.call({ principal, tool: action, failed: false, startedAt })
          await audit.record(row('ok', 'input_required', target))
          return { asking: wireAsking(error.asking, states, binding) }
        }
        const failure = await failureOf(error, {
          access: subject.access,
          principal,
          requestId,
          waiting: request,
          elsewhere,
          reread,
        })
        if (failure.bug)
          log.error(
            {
              err: error,
              ...about,
              ...(error instanceof WallRefused ? { event: eventFields('wall.refused', 'refused') } : {}),
            },
            'a tool failed',
          )
        if (error instanceof UpstreamError) {
          const { upstream, code, status, detail } = error
          log.warn({ upstream, code, status, detail, ...about }, 'an upstream gave no answer')
        }
        usage.call({ principal, tool: action, failed: true, startedAt })
        await audit.record(row('failed', failure.reason, target))
        if (error instanceof InvalidArguments) throw error
        throw new Failed(failure)
      }
    },
    async unknown(job, name) {
      // A name that a caller made up is of any length, and may hold what Postgres takes in no text, which would cost a whole batch of rows.
      const action = name.replace(/[^ -~]/g, '?').slice(0, LONGEST_NAME)
      const why = { outcome: 'failed', reason: 'tool_unknown', target: null } as const
      const startedAt = clock.now()
      usage.call({ principal: job.principal, tool: null, failed: true, startedAt })
      await audit.record(recordOf(job, action, startedAt, why))
    },
  }
}

/** As MCP 2026-07-28 says it. A state is sent only when the tool has one to keep. */
const wireAsking = (asking: Asking, states: StateSeal, binding: StateBinding): InputRequiredResult => ({
  resultType: 'input_required',
  inputRequests: { ...asking.questions },
  ...(asking.state === undefined ? {} : { requestState: states.seal(asking.state, binding) }),
})

const ANY_CLIENT: ClientAbilities = { elicitation: true, sampling: true, roots: true }
const NOBODY = async (): Promise<void> => {}

const NO_UPSTREAMS: Upstreams = {
  bind: () => () => {
    throw new Error('no upstream is configured')
  },
}

const NO_DATABASE: TenantDb = {
  access: 'read',
  query: async () => {
    throw new Error("a tool with access 'none' has no database")
  },
}

/** After a failure the tool's own `target` may fail over the same thing; that must not cost the audit its row. */
function targetOfFailed({ target }: Pick<Job<never>, 'target'>, input: Record<string, unknown>): string | null {
  try {
    return target(input, null)
  } catch {
    return null
  }
}
