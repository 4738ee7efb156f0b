import { createHmac } from 'node:crypto'
import type { Clock } from '#base/clock.ts'
import { firstIdOf, uuidv7 } from '#base/id.ts'
import type { Database, Queryable } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { auditKey, CONTROL_SCHEMA } from './audit.ts'
import type { Tenant } from './tenant.ts'

/** How many audit rows lie in [from_id, to_id), and what their MACs come to: a deleted row shows (D35). */
export interface Checkpoint {
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly from_id: string
  readonly to_id: string
  readonly rows: number
  /** Hex SHA-256 over the rows' MACs in the order of their ids. */
  readonly digest: string
  /** Hex HMAC-SHA-256 over the rest. */
  readonly mac: string
}

/** Before the first id that can be. */
export const FIRST_ID = '00000000-0000-0000-0000-000000000000'

/**
 * Rows younger than this may still lie in open transactions: a call takes 5 minutes at most, clocks of replicas differ a little.
 * So a window once closed stays as it is.
 */
export const OPEN = 10 * 60_000

/** Of a window: how many, and the digest. What the checkpoint says and what the verifier finds come from the same statement. */
export async function tally(db: Queryable, from: string, to: string): Promise<Pick<Checkpoint, 'rows' | 'digest'>> {
  const [found] = await db.query<{ rows: number; digest: string }>(sql`
    SELECT count(*)::integer AS rows, encode(sha256(convert_to(coalesce(string_agg(mac, ',' ORDER BY id), ''), 'UTF8')), 'hex') AS digest
    FROM audit WHERE id >= ${from} AND id < ${to}`)
  return found ?? { rows: 0, digest: '' }
}

export function checkpointMac(key: Buffer, { id, at, from_id, to_id, rows, digest }: Omit<Checkpoint, 'mac'>): string {
  return createHmac('sha256', key)
    .update(JSON.stringify(['checkpoint/v1', id, at, from_id, to_id, rows, digest]))
    .digest('hex')
}

/**
 * Signs what was written between the last checkpoint and ten minutes ago, in the schema that `db` speaks to. Nothing when there is
 * nothing. Two replicas at once write the same window twice, which both hold.
 * @returns how many rows it covers.
 */
export async function checkpoint(db: Queryable, key: Buffer, now: number): Promise<number> {
  const to = firstIdOf(now - OPEN)
  // A tool may add rows here too: one that claims the future shows as forged, and must not end the checkpoints.
  const [last] = await db.query<{ to_id: string }>(
    sql`SELECT to_id FROM audit_checkpoints WHERE to_id <= ${to} ORDER BY to_id DESC LIMIT 1`,
  )
  const from = last?.to_id ?? FIRST_ID
  const found = await tally(db, from, to)
  if (found.rows > 0) await signCheckpoint(db, key, { from_id: from, to_id: to, ...found }, now)
  return found.rows
}

/** Signs what was found between two ids. */
export async function signCheckpoint(
  db: Queryable,
  key: Buffer,
  found: Omit<Checkpoint, 'id' | 'at' | 'mac'>,
  now: number,
): Promise<void> {
  const unsigned = { id: uuidv7(now), at: now, ...found }
  const { id, from_id: from, to_id: to, rows, digest } = unsigned
  await db.query(sql`
    INSERT INTO audit_checkpoints (id, at, from_id, to_id, rows, digest, mac)
    VALUES (${id}, ${new Date(now)}, ${from}, ${to}, ${rows}, ${digest}, ${checkpointMac(key, unsigned)})`)
}

export interface CheckpointerOptions {
  readonly database: Database
  readonly clock: Clock
  /** The first of SESSION_SECRET. */
  readonly secret: string
}

/** Makes the checkpoint of one tenant, or with null that of the registry; to be called every 10 minutes for each that was written to. */
export function createCheckpointer({
  database,
  clock,
  secret,
}: CheckpointerOptions): (tenant: Tenant | null) => Promise<void> {
  return async (tenant) => {
    const key = auditKey(secret, tenant?.schema ?? CONTROL_SCHEMA)
    const run = async (db: Queryable): Promise<number> => await checkpoint(db, key, clock.now())
    await (tenant === null
      ? database.control({ as: 'resolver' }, run)
      : database.tenant(tenant, { access: 'write' }, run))
  }
}
