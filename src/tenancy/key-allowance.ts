import type { ControlDb } from '#db/database.ts'
import { sql } from '#db/sql.ts'
import { RegistryError } from './registry-error.ts'
import type { Tenant } from './tenant.ts'

/** Keys of one member that work at the same time, and that they make in a day: all of a tenant's are read for one page. */
export const MOST_KEYS = 100
const MOST_KEYS_A_DAY = 200

const DAY = 86_400_000

/**
 * May this member have one key more? Rows are kept for ever, so that making and revoking without end would fill the registry of everybody.
 * conflict: too many work; limited: too many were made. Two at once may both be let through.
 * @param member null: an operator's key, which nothing limits. @param most that may work; null: any number.
 * @param now milliseconds since the epoch.
 */
export async function needKeyAllowance(
  db: ControlDb,
  tenant: Tenant,
  member: string | null,
  most: number | null,
  now: number,
): Promise<void> {
  if (member === null) return
  const [row] = await db.query<{ working: number; made: number }>(sql`
    SELECT count(*) FILTER (WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ${new Date(now)}))::integer AS working,
      count(*) FILTER (WHERE created_at > ${new Date(now - DAY)})::integer AS made
    FROM api_keys WHERE tenant_id = ${tenant.id} AND creator_member_id = ${member}`)
  if (most !== null && (row?.working ?? 0) >= most)
    throw new RegistryError('conflict', `you have ${most} keys that work: revoke some first`)
  if ((row?.made ?? 0) >= MOST_KEYS_A_DAY)
    throw new RegistryError('limited', `you made ${MOST_KEYS_A_DAY} keys in 24 hours: make more tomorrow`, null, 3600)
}
