import type { Refusal } from '#base/refusal.ts'
import { DatabaseUnavailable, StatementTimeout, TenantBusy, TenantFenced } from '#db/database.ts'
import { sqlState } from '#db/errors.ts'
import type { Principal, Tenant } from '#tenancy/tenant.ts'
import { UpstreamError } from '#upstream/error.ts'
import { InvalidArguments } from './arguments.ts'
import type { Waiting } from './deadline.ts'
import { ToolError, type Tool } from './tool.ts'

type Access = Tool['access']

/** SQLSTATE of a transaction that Postgres ended in favour of another: serialization_failure, deadlock_detected. */
const CONFLICTS = new Set(['40001', '40P01'])

/** What becomes of something thrown during a call. */
export interface Failure {
  /** For the audit. */
  readonly reason: string
  /** For the caller: shown as a result with `isError: true`. */
  readonly text: string
  /** Ours to mend: logged whole. */
  readonly bug: boolean
}

export interface FailedCall {
  readonly access: Access
  readonly principal: Principal
  readonly requestId: string
  /** Looked at only when nothing else says what it was. */
  readonly waiting: Pick<Waiting, 'signal'>
  /** Something was sent to an upstream that may have changed something there: no rollback takes it back. */
  readonly elsewhere: boolean
  /** D18: why the tenant is closed by now, or null when it is open (again). Throws when that cannot be found out. */
  readonly reread: (tenant: Tenant) => Promise<Refusal | null>
}

/** The one place that turns an error after dispatch into words. What is not expected here is hidden from the caller. */
export async function failureOf(error: unknown, call: FailedCall): Promise<Failure> {
  const { access, requestId, waiting, elsewhere } = call
  const unchanged = elsewhere
    ? 'nothing was changed here, but another service was asked to change something and may have done so. Look before trying again'
    : 'nothing was changed'
  const expected = (reason: string, text: string): Failure => ({ reason, text, bug: false })
  if (error instanceof ToolError) return expected('tool_error', error.message)
  if (error instanceof InvalidArguments) return expected('invalid_arguments', error.message)
  if (error instanceof UpstreamError) return expected(`upstream_${error.code}`, error.message)
  if (error instanceof StatementTimeout) {
    return expected('timeout', `The call took too long and was ended; ${unchanged}. Ask for less, or try again later.`)
  }
  if (error instanceof TenantBusy) {
    return expected(
      'tenant_busy',
      `This organisation has too many calls under way; ${unchanged}. Try again in a few seconds.`,
    )
  }
  if (error instanceof DatabaseUnavailable) return expected('database_unavailable', unavailable(access))
  if (error instanceof TenantFenced) {
    const refusal = await whyClosed(call)
    if (refusal !== null) return expected(refusal.code, refusal.description)
    return expected(
      'tenant_fenced',
      'This organisation is being changed; nothing was done. Try again in a few seconds.',
    )
  }
  if (CONFLICTS.has(sqlState(error) ?? '')) {
    return expected('conflict', `Another call was changing the same thing; ${unchanged}. Try again.`)
  }
  if (waiting.signal.aborted) return expected('cancelled', `The call was cancelled; ${unchanged}.`)
  return { reason: 'internal_error', text: `internal error, request ${requestId}`, bug: true }
}

/** When even that cannot be found out, 'try again' is the right answer. */
async function whyClosed({ reread, principal }: FailedCall): Promise<Refusal | null> {
  try {
    return await reread(principal.tenant)
  } catch {
    return null
  }
}

/** A connection that breaks during COMMIT leaves it open whether the write happened: the caller must not be told that it did not. */
const unavailable = (access: Access): string =>
  access === 'write'
    ? 'The database did not answer. The change may or may not have been made: look before trying again.'
    : 'The database cannot be reached right now. Try again shortly.'
