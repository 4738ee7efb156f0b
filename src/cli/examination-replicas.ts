import { DatabaseUnavailable, type Database } from '#db/database.ts'
import { because, explain } from './failure.ts'
import { failed, ok, warning, type Finding } from './finding.ts'

const STAYS = 'Until then reads stay on the primary'

/** The read replicas (DATABASE_REPLICA_URL...): are they reached, of the right server, and is what was written there? */
export async function examineReplicas(
  database: Pick<Database, 'admin' | 'replica'>,
  away: ReadonlySet<string>,
): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  for (const placement of database.admin.placements.filter((name) => !away.has(name))) {
    const found = await examineReplica(database, placement)
    if (found === null) continue
    findings.push(placement === 'default' ? found : { ...found, check: `${found.check} ${placement}` })
  }
  return findings
}

async function examineReplica({ replica }: Pick<Database, 'replica'>, placement: string): Promise<Finding | null> {
  const variable = `DATABASE_REPLICA_URL${placement === 'default' ? '' : `_${placement.toUpperCase()}`}`
  try {
    const state = await replica(placement)
    if (state === null) return null
    const { recovering, ours, timeline, receiving, lag, age } = state
    if (!ours) return failed('replica', `${variable} is of another server than its primary: it is never read`)
    if (!recovering) return failed('replica', `${variable} is no replica, it is not in recovery: it is never read`)
    if (!timeline)
      return warning('replica', `${variable} has no checkpoint on its primary's timeline yet (failover). ${STAYS}`)
    const receives = receiving ? '' : ', and receives nothing at present'
    if (lag > 0) {
      const last = age === null ? '' : `; the last commit it has is ${Math.round(age)} s old`
      return warning('replica', `${variable} is ${lag} octets of WAL behind after a second${last}${receives}. ${STAYS}`)
    }
    if (!receiving)
      return warning('replica', `${variable} has all that was written${receives}: what comes next may be late`)
    return ok('replica', 'streams, and has all that was written')
  } catch (error) {
    const why = error instanceof DatabaseUnavailable ? `cannot be reached${because(error)}` : explain(error)
    return failed('replica', `${variable}: ${why}. Reads stay on the primary`)
  }
}
