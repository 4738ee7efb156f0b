import type { Config } from '#base/config.ts'
import type { Database } from '#db/database.ts'
import { failed, ok, warning, type Finding } from './finding.ts'

/** Beside the pool: the admin's, and the one that listens. */
const BESIDE = 2 + 1

/** Connections that one replica may come to hold on one server. The listener's is on the default one; counted everywhere, it errs high. */
function perReplica({ database, rateLimit, rateLimitStore, workers }: Config, placement: string): number {
  const { poolMax, tenantLogin, tenantConnections } = database
  const counts = placement === 'default' && rateLimit.on && rateLimitStore.kind === 'postgres'
  return workers * (poolMax + BESIDE + (counts ? 1 : 0) + (tenantLogin ? tenantConnections : 0))
}

/** Do the pools of all replicas fit into what each server gives, also while a roll-out runs old and new ones side by side? */
export async function examineCapacity(
  { admin }: Database,
  config: Config,
  replicas: number,
  away: ReadonlySet<string> = new Set(),
): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  for (const placement of admin.placements.filter((name) => !away.has(name))) {
    const { maxConnections, reserved, others, limit } = await admin.capacity(placement)
    const each = perReplica(config, placement)
    const check = placement === 'default' ? 'connections' : `connections ${placement}`
    const given = Math.min(maxConnections - reserved, limit ?? Number.POSITIVE_INFINITY) - others
    const sum = `${replicas} ${replicas === 1 ? 'replica' : 'replicas'} x ${each} = ${replicas * each} of ${given} (max_connections ${maxConnections}, ${reserved} reserved, ${others} of others${limit === null ? '' : `, limit ${limit}`})`
    const less = 'Lower DATABASE_POOL_MAX, raise max_connections, or put a pooler between (DATABASE_DIRECT_URL past it)'
    if (replicas * each > given) findings.push(failed(check, `${sum}: calls will be refused a connection. ${less}`))
    else if (2 * replicas * each > given)
      findings.push(
        warning(check, `${sum}: a roll-out that starts all new ones beside the old ones does not fit. ${less}`),
      )
    else findings.push(ok(check, sum))
  }
  return findings
}
