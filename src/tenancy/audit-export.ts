import type { AuditRecord } from './audit-record.ts'

export const AUDIT_FORMATS = ['csv', 'ndjson'] as const
export type AuditFormat = (typeof AUDIT_FORMATS)[number]

/** The media type of a format. */
export const AUDIT_MEDIA: Readonly<Record<AuditFormat, string>> = {
  csv: 'text/csv; charset=utf-8; header=present',
  ndjson: 'application/x-ndjson',
}

const COLUMNS = [
  'at',
  'action',
  'outcome',
  'actor_type',
  'actor',
  'actor_name',
  'actor_email',
  'target',
  'target_name',
  'source',
  'ip',
  'request_id',
  'latency_ms',
  'detail',
  'id',
] as const

/** The first line of a CSV file; NDJSON has none. */
export const auditHeader = (format: AuditFormat): string => (format === 'csv' ? csvLine(COLUMNS) : '')

/** One line with its end. */
export function auditLine(format: AuditFormat, record: AuditRecord): string {
  if (format === 'ndjson') return `${JSON.stringify(record)}\n`
  const { actor, detail, ...rest } = record
  const cells: Readonly<Record<(typeof COLUMNS)[number], string | number | null>> = {
    ...rest,
    actor_type: actor.type,
    actor: actor.id,
    actor_name: actor.name,
    actor_email: actor.email,
    detail: detail === null ? null : JSON.stringify(detail),
  }
  return csvLine(COLUMNS.map((name) => cells[name]))
}

const csvLine = (cells: readonly (string | number | null)[]): string => `${cells.map(csvCell).join(',')}\r\n`

/**
 * RFC 4180 section 2. A cell that a spreadsheet would take for a formula gets a leading quote (D38): also after a line feed, and with the
 * wide signs of East Asian keyboards.
 */
export function csvCell(value: string | number | null): string {
  const text = value === null ? '' : String(value)
  const safe = /^[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
