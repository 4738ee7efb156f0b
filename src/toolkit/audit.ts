import type { Clock } from '#base/clock.ts'
import type { Log } from '#base/log.ts'
import type { Refusal } from '#base/refusal.ts'
import type { Database } from '#db/database.ts'
import type { Identity } from '#identity/identity.ts'
import type { Principal } from '#tenancy/tenant.ts'

/** A request turned away before a tool ran. */
export interface RefusedRequest {
  readonly refusal: Refusal
  readonly requestId: string
  readonly ip: string | null
  readonly identity: Identity | null
  readonly principal: Principal | null
  /** Name of the tool of a tools/call, else null. */
  readonly tool: string | null
}

export interface AuditorOptions {
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  /** First of SESSION_SECRET: the rows' HMAC keys are derived from it (D35). */
  readonly secret: string
}

export interface Auditor {
  /** Must not throw and does not wait. With its tenant when that is known, else to the registry's audit (D35). */
  refused(request: RefusedRequest): void
  /** Writes what is waiting. On SIGTERM: after the last call, before the database closes. Never throws. */
  flush(): Promise<void>
  /** Stops the timers, then flushes. */
  close(): Promise<void>
}

export function createAuditor(_options: AuditorOptions): Auditor {
  throw new Error('unfinished')
}
