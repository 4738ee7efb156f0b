import type { ControlDb } from '#db/database.ts'
import { sql } from '#db/sql.ts'

/** Is this token, or this person, refused everywhere (D22)? */
export async function isBlocked(db: ControlDb, kind: 'token' | 'person', digest: string): Promise<boolean> {
  const rows = await db.query(sql`SELECT 1 FROM revocations WHERE kind = ${kind} AND digest = ${digest}`)
  return rows.length > 0
}
