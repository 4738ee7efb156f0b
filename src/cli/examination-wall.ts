import type { Database } from '#db/database.ts'
import { ok, warning, type Finding } from './finding.ts'

const HARDEN =
  'Run `gatehouse migrate` once with a superuser in DATABASE_ADMIN_URL and the database refuses them too; only a superuser can'

/** D15: does the database of this placement itself refuse what db.query refuses? */
export async function examineWall(
  { admin, kind }: Pick<Database, 'admin' | 'kind'>,
  placement = 'default',
): Promise<Finding> {
  const { level, open } = await admin.wall(placement)
  if (level === 'hardened') return ok('wall', 'hardened: the database itself refuses every escape that was tried')
  const detail = `guarded: only Gatehouse itself refuses ${open.join(', ')}`
  // The embedded one stops mistakes, not hostile SQL (D19): known, and nothing to be done.
  if (kind === 'embedded') return ok('wall', detail)
  const harden =
    placement === 'default' ? HARDEN : HARDEN.replace('DATABASE_ADMIN_URL', `DATABASE_URL_${placement.toUpperCase()}`)
  return warning('wall', `${detail}. ${harden}`)
}
