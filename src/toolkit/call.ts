import type { CallToolResult } from '@modelcontextprotocol/server'
import type { Clock } from '#base/clock.ts'
import type { Log } from '#base/log.ts'
import type { Refusal } from '#base/refusal.ts'
import type { Database } from '#db/database.ts'
import type { Principal, Tenant } from '#tenancy/tenant.ts'
import type { Auditor } from './audit.ts'
import type { Tool } from './tool.ts'

/** The arguments do not fit the tool's input: JSON-RPC -32602. The message names each field; no argument's value is in it. */
export class InvalidArguments extends Error {
  override readonly name = 'InvalidArguments'
}

export interface CallRequest {
  /** Aborted when the caller is gone. */
  readonly signal: AbortSignal
  readonly requestId: string
  readonly ip: string | null
  /** Sends a progress notification; does nothing when the caller did not ask for any. */
  progress(done: number, total?: number, message?: string): Promise<void>
}

export interface CallerOptions {
  readonly database: Database
  readonly tools: ReadonlyMap<string, Tool>
  readonly audit: Auditor
  readonly clock: Clock
  readonly log: Log
  /** D18: reads the registry again after TenantFenced; answers why the tenant is closed, or null when it is open (again). */
  reread(tenant: Tenant): Promise<Refusal | null>
}

export interface Caller {
  /** Throws InvalidArguments for arguments that do not fit or an unknown tool; everything else is in the result. */
  call(principal: Principal, name: string, args: unknown, request: CallRequest): Promise<CallToolResult>
}

export function createCaller(_options: CallerOptions): Caller {
  throw new Error('unfinished')
}
