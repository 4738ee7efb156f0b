import type { AuditSource } from './audit-query.ts'
import type { AuditActor, AuditNames } from './audit-people.ts'
import type { FoundEntry } from './audit-search.ts'

/** One thing that happened in a tenant, as admins and their programs see it. */
export interface AuditRecord {
  readonly id: string
  /** RFC 3339 in UTC; when it happened. */
  readonly at: string
  readonly source: AuditSource
  /** A tool's name, `object.verb` in the past tense, or `refused.<code>`. */
  readonly action: string
  readonly outcome: FoundEntry['outcome']
  readonly actor: AuditActor
  readonly target: string | null
  /** The email address or name of the member, or the name of the key, that it was about. */
  readonly target_name: string | null
  readonly ip: string | null
  readonly request_id: string | null
  readonly latency_ms: number | null
  readonly detail: Readonly<Record<string, unknown>> | null
}

/** The entry without MAC and digests, and with names. What looks like a credential is hidden, should a writer ever have let one in (D38). */
export const toAuditRecord = (entry: FoundEntry, source: AuditSource, names: AuditNames): AuditRecord => ({
  id: entry.id,
  at: `${entry.place.at.slice(0, 23)}Z`,
  source,
  action: hidden(entry.action),
  outcome: entry.outcome,
  actor: names.actor(entry),
  target: entry.target === null ? null : hidden(entry.target),
  target_name: names.target(entry),
  ip: entry.ip,
  request_id: entry.request_id,
  latency_ms: entry.latency_ms,
  detail: entry.detail === null ? null : hiddenIn(entry.detail),
})

/** API keys, JWTs, Google's and GitHub's tokens, our sign-in values, SHA-256 in hex. */
const CREDENTIAL =
  /gh_key_[0-9A-Za-z]{12}_[0-9A-Za-z_]+|eyJ[\w-]{5,}\.[\w-]+\.[\w-]*|ya29\.[\w.-]+|gh[opusr]_[0-9A-Za-z]{16,}|github_pat_\w{16,}|\b[0-9a-f]{64}\b/g

const hidden = (text: string): string => text.replaceAll(CREDENTIAL, '(hidden)')

/** jsonb has neither dates nor functions: what is no object, list or text stays as it is. */
function hiddenIn(record: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const text = JSON.stringify(record, (_, value: unknown) => (typeof value === 'string' ? hidden(value) : value))
  const clean: Record<string, unknown> = JSON.parse(text)
  return clean
}
