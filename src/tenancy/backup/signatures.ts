import { timingSafeEqual } from 'node:crypto'
import type { Queryable } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { auditMac, type AuditRow } from '../audit.ts'
import { auditAfter } from '../audit-read.ts'
import { readCheckpoints } from '../audit-verify.ts'
import { checkpointMac, FIRST_ID, tally, type Checkpoint } from '../checkpoint.ts'

const BATCH = 1_000

export interface Resigning {
  /** `auditKey` of the schema it came from, one for each of SESSION_SECRET. */
  readonly from: readonly Buffer[]
  /** Of the schema it is in now, of the first of SESSION_SECRET. */
  readonly to: Buffer
  /** Rows tell of the tenant by its id. */
  readonly tenant: { readonly from: string; readonly to: string }
}

/**
 * An audit that came into another schema is signed again, for its MACs are bound to the schema (D35): row by row what was right before is right
 * afterwards. What had been altered, or was missing from a window, keeps its old signature and shows as before.
 * @returns how many rows were signed.
 */
export async function signAgain(db: Queryable, { from, to, tenant }: Resigning): Promise<number> {
  // Windows are judged by the old MACs, so before any row is changed.
  const whole: Checkpoint[] = []
  for (const each of await readCheckpoints(db)) {
    const found = await tally(db, each.from_id, each.to_id)
    const right = from.some((key) => same(each.mac, checkpointMac(key, each)))
    if (right && found.rows === each.rows && found.digest === each.digest) whole.push(each)
  }
  let signed = 0
  for (let after = FIRST_ID; ;) {
    const rows = await auditAfter(db, after, BATCH)
    const good = rows.filter((row) => from.some((key) => same(row.mac, auditMac(key, row))))
    await write(
      db,
      good.map((row) => {
        const moved = { ...row, tenant_id: row.tenant_id === tenant.from ? tenant.to : row.tenant_id }
        return { ...moved, mac: auditMac(to, moved) }
      }),
    )
    signed += good.length
    if (rows.length < BATCH) break
    after = rows.at(-1)?.id ?? after
  }
  for (const each of whole) {
    const { digest } = await tally(db, each.from_id, each.to_id)
    const mac = checkpointMac(to, { ...each, digest })
    await db.query(sql`UPDATE audit_checkpoints SET digest = ${digest}, mac = ${mac} WHERE id = ${each.id}`)
  }
  return signed
}

async function write(db: Queryable, rows: readonly AuditRow[]): Promise<void> {
  if (rows.length === 0) return
  await db.query(sql`
    UPDATE audit SET tenant_id = n.tenant_id, mac = n.mac
    FROM unnest(${rows.map(({ id }) => id)}::uuid[], ${rows.map((row) => row.tenant_id)}::uuid[], ${rows.map(({ mac }) => mac)}::text[])
      AS n (id, tenant_id, mac)
    WHERE audit.id = n.id`)
}

const same = (a: string, b: string): boolean => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
