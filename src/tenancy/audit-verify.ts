import { timingSafeEqual } from 'node:crypto'
import type { Queryable } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { auditMac } from './audit.ts'
import { auditAfter } from './audit-read.ts'
import { checkpointMac, FIRST_ID, tally, type Checkpoint } from './checkpoint.ts'

/** What became of an audit since it was written (D35). */
export interface AuditReport {
  readonly rows: number
  readonly checkpoints: number
  /** Ids of rows whose MAC does not fit what they say. */
  readonly altered: readonly string[]
  /** Windows that hold fewer or other rows than were signed; `found` above `signed`: rows were added afterwards. */
  readonly missing: readonly {
    readonly from_id: string
    readonly to_id: string
    readonly signed: number
    readonly found: number
  }[]
  /** Ids of checkpoints that are forged, or that follow none: one before them was deleted. */
  readonly broken: readonly string[]
  /** Rows that no checkpoint covers yet: whether one of them was deleted cannot be told. */
  readonly uncovered: number
  readonly intact: boolean
}

const BATCH = 1000

/**
 * Reads the whole audit of the schema that `db` speaks to.
 * Does not see: the last checkpoints deleted together with the rows after them (keep a copy elsewhere), and what was never written.
 * @param keys `auditKey` of each of SESSION_SECRET: older ones verify what was written under them.
 */
export async function verifyAudit(db: Queryable, keys: readonly Buffer[]): Promise<AuditReport> {
  const altered: string[] = []
  let rows = 0
  for (let after = FIRST_ID; ;) {
    const batch = await auditAfter(db, after, BATCH)
    for (const row of batch) if (!keys.some((key) => same(row.mac, auditMac(key, row)))) altered.push(row.id)
    rows += batch.length
    if (batch.length < BATCH) break
    after = batch.at(-1)?.id ?? after
  }
  const checkpoints = await readCheckpoints(db)
  const ends = new Set([FIRST_ID, ...checkpoints.map(({ to_id: to }) => to)])
  const genuine = (each: Checkpoint): boolean =>
    keys.some((key) => same(each.mac, checkpointMac(key, each))) && ends.has(each.from_id)
  const broken = checkpoints.filter((each) => !genuine(each)).map(({ id }) => id)
  const missing: AuditReport['missing'][number][] = []
  for (const { from_id, to_id, rows: signed, digest } of checkpoints) {
    const found = await tally(db, from_id, to_id)
    if (found.rows !== signed || found.digest !== digest) missing.push({ from_id, to_id, signed, found: found.rows })
  }
  const [beyond] = await db.query<{ rows: number }>(sql`
    SELECT count(*)::integer AS rows FROM audit WHERE id >= ${checkpoints.findLast(genuine)?.to_id ?? FIRST_ID}`)
  const intact = altered.length === 0 && missing.length === 0 && broken.length === 0
  return { rows, checkpoints: checkpoints.length, altered, missing, broken, uncovered: beyond?.rows ?? 0, intact }
}

/** All of them, in the order of their windows. */
export async function readCheckpoints(db: Queryable): Promise<readonly Checkpoint[]> {
  const rows = await db.query<Omit<Checkpoint, 'at' | 'rows'> & { at: Date; rows: string }>(sql`
    SELECT id, at, from_id, to_id, rows, digest, mac FROM audit_checkpoints ORDER BY to_id, id`)
  return rows.map((row) => ({ ...row, at: row.at.getTime(), rows: Number(row.rows) }))
}

const same = (a: string, b: string): boolean => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
