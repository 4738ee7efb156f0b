import type { ControlDb } from '#db/database.ts'
import { sql } from '#db/sql.ts'

/** What of the two is refused everywhere (D22): the token, the person, or neither. */
export async function blockedOf(
  db: ControlDb,
  token: string | null,
  person: string,
): Promise<'token' | 'person' | null> {
  const [row] = await db.query<{ kind: 'token' | 'person' }>(sql`
    SELECT kind FROM revocations WHERE (kind = 'token' AND digest = ${token}) OR (kind = 'person' AND digest = ${person})
    ORDER BY kind DESC LIMIT 1`)
  return row?.kind ?? null
}
