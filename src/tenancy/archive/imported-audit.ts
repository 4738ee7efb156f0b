import { z } from 'zod'
import type { AuditEntry } from '../audit.ts'
import { broken } from './tar.ts'

const text = z.string().nullable()
const rowSchema = z.strictObject({
  id: z.uuid(),
  at: z.iso.datetime({ offset: true }),
  iss: text,
  sub: text,
  key_id: text,
  action: z.string().min(1),
  target: text,
  outcome: z.enum(['ok', 'refused', 'failed']),
  latency_ms: z.int().min(-2_147_483_648).max(2_147_483_647).nullable(),
  request_id: text,
  ip: text,
  detail: z.record(z.string(), z.unknown()).nullable(),
})

const MARK = 'imported.'

/**
 * A row of an archive's audit as this server writes it down (D36): it says what somebody's file says happened, and the mark is under
 * our MAC. It can be taken for nothing that was recorded here.
 */
export function importedAudit(name: string, row: unknown, tenant: string): AuditEntry {
  const result = rowSchema.safeParse(row)
  if (!result.success) throw broken(`${name} has a line that is no row of an audit`)
  const { id, at, action, detail, ...rest } = result.data
  return {
    ...rest,
    at: Date.parse(at),
    tenant_id: tenant,
    action: action.startsWith(MARK) ? action : `${MARK}${action}`,
    detail: { imported: { id, detail } },
    arguments_digest: null,
  }
}
