import type { Database } from '#db/database.ts'
import { sql } from '#db/sql.ts'

/**
 * Takes work that one replica does for all: nobody else gets it for `lease` milliseconds from `now`. One that dies in the middle leaves it to the
 * others after that. Throws DatabaseUnavailable.
 */
export async function takeChore(database: Database, name: string, now: number, lease: number): Promise<boolean> {
  const rows = await database.control({ as: 'resolver' }, async (db) => {
    return await db.query(sql`
      INSERT INTO chores (name, taken_until) VALUES (${name}, ${new Date(now + lease)})
      ON CONFLICT (name) DO UPDATE SET taken_until = excluded.taken_until WHERE chores.taken_until <= ${new Date(now)}
      RETURNING name`)
  })
  return rows.length > 0
}
