import type { ControlDb } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { blockedOf } from './blocked.ts'
import { personDigest } from './digest.ts'

/**
 * Why the sign-in of a person may not be renewed (D28), or null. They are blocked everywhere, removed from every tenant they belonged to,
 * or had their tokens revoked somewhere after they signed in: a new token must not escape what cut the old one (D22). Somebody who never
 * belonged anywhere is not stopped here: /mcp tells them.
 * @param signedIn milliseconds since the epoch.
 */
export async function renewalBar(
  db: ControlDb,
  { iss, sub }: { readonly iss: string; readonly sub: string },
  signedIn: number,
): Promise<string | null> {
  if ((await blockedOf(db, null, personDigest(iss, sub))) === 'person') return 'the person is blocked'
  const rows = await db.query<{ status: string; tokens_not_before: Date | null }>(
    sql`SELECT status, tokens_not_before FROM members WHERE iss = ${iss} AND sub = ${sub}`,
  )
  if (rows.length > 0 && rows.every(({ status }) => status === 'removed')) return 'the person was removed everywhere'
  const cut = rows.some(({ tokens_not_before }) => tokens_not_before !== null && signedIn < tokens_not_before.getTime())
  return cut ? "the person's tokens were revoked after this sign-in" : null
}
