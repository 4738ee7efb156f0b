import type { Queryable } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import type { AuditRow } from './audit.ts'
import { afterOf, rowsToRead, toPage, type Page, type PageOptions } from './paging.ts'

/** What to look for; everything absent matches. Times in milliseconds since the epoch. */
export interface AuditFilters {
  /** In the registry's audit: of this tenant only. */
  readonly tenant_id?: string
  readonly action?: string
  readonly sub?: string
  readonly key_id?: string
  readonly outcome?: AuditRow['outcome']
  /** Inclusive. */
  readonly since?: number
  /** Exclusive. */
  readonly until?: number
}

interface Row extends Omit<AuditRow, 'at'> {
  readonly at: Date
}

/** The audit of the schema that `db` speaks to, the latest first. Without a limit: everything that matches. */
export async function readAudit(db: Queryable, filters: AuditFilters, page: PageOptions = {}): Promise<Page<AuditRow>> {
  const { tenant_id: tenant = null, action = null, sub = null, key_id: key = null, outcome = null } = filters
  const since = filters.since === undefined ? null : new Date(filters.since)
  const until = filters.until === undefined ? null : new Date(filters.until)
  const before = afterOf(page)
  const rows = await db.query<Row>(sql`
    SELECT id, at, tenant_id, iss, sub, key_id, action, target, outcome, latency_ms, request_id, ip, detail, arguments_digest, mac
    FROM audit
    WHERE (${before}::uuid IS NULL OR id < ${before}) AND (${tenant}::uuid IS NULL OR tenant_id = ${tenant})
      AND (${action}::text IS NULL OR action = ${action}) AND (${sub}::text IS NULL OR sub = ${sub})
      AND (${key}::text IS NULL OR key_id = ${key}) AND (${outcome}::text IS NULL OR outcome = ${outcome})
      AND (${since}::timestamptz IS NULL OR at >= ${since}) AND (${until}::timestamptz IS NULL OR at < ${until})
    ORDER BY id DESC LIMIT ${rowsToRead(page)}`)
  return toPage(rows.map(toAuditRow), page)
}

/** The next rows in the order they were written, for the verifier. */
export async function auditAfter(db: Queryable, id: string, limit: number): Promise<readonly AuditRow[]> {
  const rows = await db.query<Row>(sql`
    SELECT id, at, tenant_id, iss, sub, key_id, action, target, outcome, latency_ms, request_id, ip, detail, arguments_digest, mac
    FROM audit WHERE id > ${id} ORDER BY id LIMIT ${limit}`)
  return rows.map(toAuditRow)
}

const toAuditRow = (row: Row): AuditRow => ({ ...row, at: row.at.getTime() })
