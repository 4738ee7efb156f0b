import type { Queryable } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import type { AuditRow } from './audit.ts'
import type { AuditPlace } from './audit-query.ts'

/** Whom entries are by; iss null: of any issuer. */
export interface Subject {
  readonly iss: string | null
  readonly sub: string
}

/** What to look for in one audit table; null matches all. An empty list matches nothing. */
export interface AuditSearch {
  /** In the registry: of this tenant. null: the table is a tenant's own. */
  readonly tenant: string | null
  readonly action: string | null
  /** How the action begins. */
  readonly prefix: string | null
  readonly subjects: readonly Subject[] | null
  readonly targets: readonly string[] | null
  readonly outcome: AuditRow['outcome'] | null
  /** Inclusive; null: from the beginning. */
  readonly since: string | null
}

/** An entry as it may be shown: without its MAC and the digest of what a tool was given. */
export interface FoundEntry extends Omit<AuditRow, 'at' | 'mac' | 'tenant_id' | 'arguments_digest'> {
  readonly place: AuditPlace
}

/** Times beyond can be in a table (infinity is one), written by nothing of ours: they are shown as these, and hide nothing after them. */
const EARLIEST = '0001-01-01T00:00:00Z'
const LATEST = '9999-12-31T23:59:59.999999Z'

/**
 * For the latest of all. A condition that is not there is left out of the plan: without statistics, as in a new or an embedded database, each
 * one more makes the planner expect so few rows that it would rather read and sort them all than follow the index.
 */
const NOWHERE = { at: null, id: null } as const

/** No more kinds of actions than this are looked through for a beginning; there are about a hundred. */
const MOST_ACTIONS = 1_000

/**
 * The latest entries below a place. One filter alone is answered from an index (sql/tenant/0002, and the same in the registry), however
 * many entries there are: for each of the values looked for the latest few, and of these the latest. Further filters are looked at row
 * by row.
 */
export async function searchAudit(
  db: Queryable,
  search: AuditSearch,
  before: AuditPlace | null,
  limit: number,
): Promise<readonly FoundEntry[]> {
  const hits = await findIds(db, search, before, limit)
  if (hits.length === 0) return []
  const rows = await db.query<Omit<FoundEntry, 'place'> & { place_at: string }>(sql`
    SELECT id, iss, sub, key_id, action, target, outcome, latency_ms, request_id, ip, detail,
      to_char(least(greatest(at, ${EARLIEST}::timestamptz), ${LATEST}::timestamptz) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS place_at
    FROM audit WHERE id = ANY (${hits.map(({ id }) => id)}::uuid[]) ORDER BY at DESC, id DESC`)
  return rows.map(({ place_at, ...row }) => ({ ...row, place: { at: place_at, id: row.id } }))
}

async function findIds(
  db: Queryable,
  search: AuditSearch,
  before: AuditPlace | null,
  limit: number,
): Promise<readonly { id: string }[]> {
  const { subjects, targets, outcome } = search
  if (subjects !== null) return await bySubject(db, search, subjects, before, limit)
  if (targets !== null) return await byTarget(db, search, targets, before, limit)
  if (search.action !== null) return await byAction(db, search, [search.action], before, limit)
  if (search.prefix !== null)
    return await byAction(db, search, await actionsFrom(db, search.tenant, search.prefix), before, limit)
  if (outcome !== null) return await byOutcome(db, search, outcome, before, limit)
  return await byTime(db, search, before, limit)
}

/** All actions there are that begin so: from one to the next in the index, never through the rows of one. */
async function actionsFrom(db: Queryable, tenant: string | null, prefix: string): Promise<readonly string[]> {
  const rows = await db.query<{ action: string }>(sql`
    WITH RECURSIVE seen (action) AS (
      (SELECT action FROM audit WHERE (${tenant}::uuid IS NULL OR tenant_id = ${tenant}::uuid) ORDER BY action LIMIT 1)
      UNION ALL
      SELECT (
        SELECT later.action FROM audit AS later
        WHERE (${tenant}::uuid IS NULL OR later.tenant_id = ${tenant}::uuid) AND later.action > seen.action
        ORDER BY later.action LIMIT 1
      ) FROM seen WHERE seen.action IS NOT NULL
    )
    SELECT kind.action FROM (SELECT action FROM seen LIMIT ${MOST_ACTIONS}::integer) AS kind WHERE starts_with(kind.action, ${prefix})`)
  return rows.map(({ action }) => action)
}

type Ids = Promise<readonly { id: string }[]>

async function bySubject(
  db: Queryable,
  { tenant, action, prefix, targets, outcome, since }: AuditSearch,
  subjects: readonly Subject[],
  before: AuditPlace | null,
  limit: number,
): Ids {
  const { at, id } = before ?? NOWHERE
  return await db.query(sql`
    SELECT hit.id FROM unnest(${subjects.map(({ sub }) => sub)}::text[], ${subjects.map(({ iss }) => iss)}::text[]) AS who (sub, iss)
    CROSS JOIN LATERAL (
      SELECT id, at FROM audit WHERE (${tenant}::uuid IS NULL OR tenant_id = ${tenant}::uuid) AND audit.sub = who.sub AND (who.iss IS NULL OR audit.iss = who.iss)
        AND (${at}::timestamptz IS NULL OR (at, id) < (${at}::timestamptz, ${id}::uuid)) AND (${since}::timestamptz IS NULL OR at >= ${since}::timestamptz)
        AND (${action}::text IS NULL OR action = ${action}) AND (${prefix}::text IS NULL OR starts_with(action, ${prefix}))
        AND (${targets}::text[] IS NULL OR target = ANY (${targets}::text[])) AND (${outcome}::text IS NULL OR outcome = ${outcome})
      ORDER BY at DESC, id DESC LIMIT ${limit}::integer
    ) AS hit ORDER BY hit.at DESC, hit.id DESC LIMIT ${limit}::integer`)
}

async function byTarget(
  db: Queryable,
  { tenant, action, prefix, outcome, since }: AuditSearch,
  targets: readonly string[],
  before: AuditPlace | null,
  limit: number,
): Ids {
  const { at, id } = before ?? NOWHERE
  return await db.query(sql`
    SELECT hit.id FROM unnest(${targets}::text[]) AS wanted (target)
    CROSS JOIN LATERAL (
      SELECT id, at FROM audit WHERE (${tenant}::uuid IS NULL OR tenant_id = ${tenant}::uuid) AND audit.target = wanted.target
        AND (${at}::timestamptz IS NULL OR (at, id) < (${at}::timestamptz, ${id}::uuid)) AND (${since}::timestamptz IS NULL OR at >= ${since}::timestamptz)
        AND (${action}::text IS NULL OR action = ${action}) AND (${prefix}::text IS NULL OR starts_with(action, ${prefix}))
        AND (${outcome}::text IS NULL OR outcome = ${outcome})
      ORDER BY at DESC, id DESC LIMIT ${limit}::integer
    ) AS hit ORDER BY hit.at DESC, hit.id DESC LIMIT ${limit}::integer`)
}

async function byAction(
  db: Queryable,
  { tenant, outcome, since }: AuditSearch,
  actions: readonly string[],
  before: AuditPlace | null,
  limit: number,
): Ids {
  const { at, id } = before ?? NOWHERE
  return await db.query(sql`
    SELECT hit.id FROM unnest(${actions}::text[]) AS wanted (action)
    CROSS JOIN LATERAL (
      SELECT id, at FROM audit WHERE (${tenant}::uuid IS NULL OR tenant_id = ${tenant}::uuid) AND audit.action = wanted.action
        AND (${at}::timestamptz IS NULL OR (at, id) < (${at}::timestamptz, ${id}::uuid)) AND (${since}::timestamptz IS NULL OR at >= ${since}::timestamptz)
        AND (${outcome}::text IS NULL OR outcome = ${outcome})
      ORDER BY at DESC, id DESC LIMIT ${limit}::integer
    ) AS hit ORDER BY hit.at DESC, hit.id DESC LIMIT ${limit}::integer`)
}

async function byOutcome(
  db: Queryable,
  { tenant, since }: AuditSearch,
  outcome: string,
  before: AuditPlace | null,
  limit: number,
): Ids {
  const { at, id } = before ?? NOWHERE
  return await db.query(sql`
    SELECT id FROM audit WHERE (${tenant}::uuid IS NULL OR tenant_id = ${tenant}::uuid) AND outcome = ${outcome}
      AND (${at}::timestamptz IS NULL OR (at, id) < (${at}::timestamptz, ${id}::uuid)) AND (${since}::timestamptz IS NULL OR at >= ${since}::timestamptz)
    ORDER BY at DESC, id DESC LIMIT ${limit}::integer`)
}

async function byTime(db: Queryable, { tenant, since }: AuditSearch, before: AuditPlace | null, limit: number): Ids {
  const { at, id } = before ?? NOWHERE
  return await db.query(sql`
    SELECT id FROM audit WHERE (${tenant}::uuid IS NULL OR tenant_id = ${tenant}::uuid)
      AND (${at}::timestamptz IS NULL OR (at, id) < (${at}::timestamptz, ${id}::uuid)) AND (${since}::timestamptz IS NULL OR at >= ${since}::timestamptz)
    ORDER BY at DESC, id DESC LIMIT ${limit}::integer`)
}
