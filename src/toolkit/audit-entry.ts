import type { Refusal } from '#base/refusal.ts'
import type { Identity } from '#identity/identity.ts'
import type { AuditEntry } from '#tenancy/audit.ts'
import type { Principal } from '#tenancy/tenant.ts'
import { argumentsDigest } from './digest.ts'

/** One tool call, for the audit. */
export interface CallRecord {
  readonly principal: Principal
  readonly tool: string
  readonly target: string | null
  readonly outcome: 'ok' | 'failed'
  /** Why it failed, as a word of ours; never the tool's text, which may quote contents. */
  readonly reason: string | null
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly requestId: string
  readonly ip: string | null
  /** Kept as a digest only. */
  readonly args: unknown
}

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

/**
 * @param key of the tenant's audit, for the digest of the arguments.
 * @param now milliseconds since the epoch; the call's end.
 */
export const callEntry = (record: CallRecord, key: Buffer, now: number): AuditEntry => ({
  at: record.startedAt,
  ...whoIs(record.principal.identity),
  tenant_id: record.principal.tenant.id,
  action: record.tool,
  target: record.target,
  outcome: record.outcome,
  latency_ms: now - record.startedAt,
  request_id: record.requestId,
  ip: record.ip,
  detail: record.reason === null ? null : { reason: record.reason },
  arguments_digest: argumentsDigest(key, record.args),
})

export const refusalEntry = (
  { refusal, principal, identity, ...request }: RefusedRequest,
  now: number,
): AuditEntry => ({
  at: now,
  ...whoIs(principal?.identity ?? identity),
  tenant_id: principal?.tenant.id ?? null,
  action: `refused.${refusal.code}`,
  target: request.tool,
  outcome: 'refused',
  latency_ms: null,
  request_id: request.requestId,
  ip: request.ip,
  detail: refusal.detail === null ? null : { detail: refusal.detail },
  arguments_digest: null,
})

const whoIs = (identity: Identity | null): Pick<AuditEntry, 'iss' | 'sub' | 'key_id'> => ({
  iss: identity?.iss ?? null,
  sub: identity?.sub ?? null,
  key_id: identity?.key?.id ?? null,
})
