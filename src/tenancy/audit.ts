import { createHmac } from 'node:crypto'
import { canonicalJson } from '#base/canonical.ts'
import { deriveKey } from '#base/derive.ts'
import { uuidv7 } from '#base/id.ts'
import type { Queryable } from '#db/database.ts'
import { sql, type Sql } from '#db/sql.ts'

/** What happened, as its writer tells it. The same for the registry and for tenants' schemas. */
export interface AuditEntry {
  /** When it happened; milliseconds since the epoch. */
  readonly at: number
  readonly tenant_id: string | null
  readonly iss: string | null
  readonly sub: string | null
  readonly key_id: string | null
  /** A tool's name, `object.verb` in the past tense (tenant.created), or `refused.<code>`. */
  readonly action: string
  readonly target: string | null
  readonly outcome: 'ok' | 'refused' | 'failed'
  readonly latency_ms: number | null
  readonly request_id: string | null
  readonly ip: string | null
  /** What changed; never a secret, never what a tool was given. */
  readonly detail: Readonly<Record<string, unknown>> | null
  readonly arguments_digest: string | null
}

/** An entry as stored. */
export interface AuditRow extends AuditEntry {
  /** UUIDv7 of when it was *written* (not when it happened), so that a closed window stays closed for checkpoints. */
  readonly id: string
  /** Hex HMAC-SHA-256 over the rest (D35). */
  readonly mac: string
}

/** The schema whose audit holds administrative changes and refusals that belong to no tenant. */
export const CONTROL_SCHEMA = 'gatehouse'

/**
 * The key for one schema's audit (D35): a row moved to another schema does not verify there.
 * @param secret the first of SESSION_SECRET writes; any of them verifies.
 */
export const auditKey = (secret: string, schema: string): Buffer => deriveKey(secret, 'audit', schema)

/** HMAC-SHA-256 over the canonical form of all columns but `mac`. */
export function auditMac(key: Buffer, row: Omit<AuditRow, 'mac'>): string {
  const fields = [
    row.id,
    new Date(row.at).toISOString(),
    row.tenant_id,
    row.iss,
    row.sub,
    row.key_id,
    row.action,
    row.target,
  ]
  const more = [row.outcome, row.latency_ms, row.request_id, row.ip, canonicalJson(row.detail), row.arguments_digest]
  return createHmac('sha256', key)
    .update(JSON.stringify(['audit/v1', ...fields, ...more]))
    .digest('hex')
}

/** Gives the entry its id and MAC. Text is cut and cleaned of what Postgres cannot hold, so that it reads back as it was signed. */
export function signAudit(key: Buffer, entry: AuditEntry, now: number): AuditRow {
  const row = {
    id: uuidv7(now),
    at: entry.at,
    tenant_id: entry.tenant_id,
    iss: storable(entry.iss, 2048),
    sub: storable(entry.sub, 255),
    key_id: storable(entry.key_id, 64),
    action: storable(entry.action, 128) ?? '',
    target: storable(entry.target, 512),
    outcome: entry.outcome,
    latency_ms: entry.latency_ms === null ? null : Math.round(entry.latency_ms),
    request_id: storable(entry.request_id, 128),
    ip: storable(entry.ip, 64),
    detail: entry.detail === null ? null : storableRecord(entry.detail),
    arguments_digest: storable(entry.arguments_digest, 128),
  }
  return { ...row, mac: auditMac(key, row) }
}

/** Writes rows into the audit of the schema that `db` speaks to: one statement, whatever their number. */
export async function insertAudit(db: Queryable, rows: readonly AuditRow[]): Promise<void> {
  if (rows.length === 0) return
  // As JSON: written at once, while fifteen arrays in Postgres' own notation are put together value by value.
  const all = JSON.stringify(rows.map((row) => ({ ...row, at: new Date(row.at).toISOString() })))
  await db.query(sql`
    INSERT INTO audit (id, at, tenant_id, iss, sub, key_id, action, target, outcome, latency_ms, request_id, ip, detail, arguments_digest, mac)
    SELECT id, at, tenant_id, iss, sub, key_id, action, target, outcome, latency_ms, request_id, ip, detail, arguments_digest, mac
    FROM json_to_recordset(${all}::json) AS entry (id uuid, at timestamptz, tenant_id uuid, iss text, sub text, key_id text, action text,
      target text, outcome text, latency_ms integer, request_id text, ip text, detail jsonb, arguments_digest text, mac text)`)
}

/** The same for one row, whose values can be written into its text (LastWord). */
export const auditStatement = (row: AuditRow): Sql => sql`
    INSERT INTO audit (id, at, tenant_id, iss, sub, key_id, action, target, outcome, latency_ms, request_id, ip, detail, arguments_digest, mac)
    VALUES (${row.id}, ${new Date(row.at).toISOString()}, ${row.tenant_id}, ${row.iss}, ${row.sub}, ${row.key_id}, ${row.action},
      ${row.target}, ${row.outcome}, ${row.latency_ms}, ${row.request_id}, ${row.ip},
      ${row.detail === null ? null : JSON.stringify(row.detail)}, ${row.arguments_digest}, ${row.mac})`

const clean = (text: string): string => text.replaceAll('\0', '').replaceAll(/\p{Surrogate}/gu, '\uFFFD')

/** Cut, and cleaned of what Postgres cannot hold. */
export function storable(text: string | null, most: number): string | null {
  if (text === null || (text.length <= most && PLAIN.test(text))) return text
  return clean(clean(text).slice(0, most))
}

/** Most of what is written: nothing in it to be cleaned. */
const PLAIN = /^[ -~]*$/

/** The same value as jsonb will give it back: no undefined, no dates, no NUL, no half of a surrogate pair. */
function storableRecord(record: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const text = JSON.stringify(record, (_, member: unknown) => (typeof member === 'string' ? clean(member) : member))
  const value: Record<string, unknown> = JSON.parse(text)
  return value
}
