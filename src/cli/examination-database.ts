import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '#base/clock.ts'
import type { Config } from '#base/config.ts'
import { ensureSessionSecret } from '#base/config-secret.ts'
import type { Database } from '#db/database.ts'
import { openDatabase } from '#db/open.ts'
import { sql } from '#db/sql.ts'
import { examineCapacity } from './examination-capacity.ts'
import { examineCitus } from './examination-citus.ts'
import { examineDrift } from './examination-drift.ts'
import { examineLogins } from './examination-logins.ts'
import { examinePrivileges } from './examination-privileges.ts'
import { examineReplicas } from './examination-replicas.ts'
import { examineServers } from './examination-servers.ts'
import { examineWall } from './examination-wall.ts'
import { explain } from './failure.ts'
import { failed, ok, type Finding } from './finding.ts'
import { logOf } from './session.ts'
import type { Terminal } from './terminal.ts'

/** What is asked of the database beyond what is always looked at. */
export interface DatabaseQuestions {
  /** Slugs; only these tenants are compared with the migrations. null: all. */
  readonly tenants: readonly string[] | null
  /** How many replicas share the server's connections. */
  readonly replicas: number
}

/** Can it be reached, is it migrated, are roles, connections and tenants as they must be? Opens it, and closes it again. */
export async function examineDatabase(
  config: Config,
  terminal: Terminal,
  asked: DatabaseQuestions,
): Promise<readonly Finding[]> {
  if (config.database.url === null && !(await isThere(join(config.dataDir, 'db'))))
    return [ok('database', 'embedded, not made yet: `serve` or `migrate` makes it')]
  let database: Database
  try {
    database = await openDatabase({ config: ensureSessionSecret(config), log: logOf(terminal), clock: systemClock })
  } catch (error) {
    return [failed('database', explain(error))]
  }
  try {
    return await examineOpen(database, config, asked)
  } catch (error) {
    return [failed('database', explain(error))]
  } finally {
    await database.close()
  }
}

async function examineOpen(database: Database, config: Config, asked: DatabaseQuestions): Promise<readonly Finding[]> {
  const { admin, kind } = database
  const privileges = kind === 'embedded' ? null : await admin.privileges()
  const rights = privileges === null ? [] : examinePrivileges(privileges, config.database.appRole)
  // Without the owner's role nothing more can be read.
  if (privileges !== null && privileges.admin.cannotTake.length > 0)
    return [ok('database', `${kind}, reached`), ...rights]
  const version = await admin.controlVersion()
  if (version === null)
    return [
      ...rights,
      failed(
        'database',
        `${kind}, reached, but never migrated: run \`gatehouse migrate\`, until then nothing is served`,
      ),
    ]
  const started = performance.now()
  await database.ping()
  const took = Math.round(performance.now() - started)
  const reached = ok('database', `${kind}, answers in ${took} ms`)
  const { control, tenant } = admin.required
  if (version < control)
    return [
      reached,
      failed(
        'migrations',
        `the registry is at version ${version}, this program needs ${control}: run \`gatehouse migrate\``,
      ),
    ]
  const [tenants] = await database.control({ as: 'operator' }, async (db) => {
    return await db.query<{ all: number; behind: number }>(sql`
      SELECT count(*)::integer AS all, (count(*) FILTER (WHERE schema_version < ${tenant}))::integer AS behind
      FROM tenants WHERE status <> 'deleted'`)
  })
  const { all = 0, behind = 0 } = tenants ?? {}
  const migrations =
    behind > 0
      ? failed('migrations', `${behind} of ${all} tenants are behind version ${tenant}: run \`gatehouse migrate\``)
      : ok('migrations', `registry at version ${version}, ${all} tenants at version ${tenant}`)
  const { findings: servers, away } = await examineServers(database, config.database.appRole)
  return [
    reached,
    ...rights,
    migrations,
    ...(await examineDrift(database, asked.tenants, away)),
    await examineWall(database),
    // Whose server is away cannot log in, and that is told already.
    ...(away.size > 0 ? [] : await examineLogins(database, config.database)),
    ...(await citusOf(database)),
    ...servers,
    ...(await examineReplicas(database, away)),
    ...(kind === 'embedded' ? [] : await examineCapacity(database, config, asked.replicas, away)),
  ]
}

async function citusOf({ admin }: Database): Promise<readonly Finding[]> {
  const state = await admin.citus()
  return state === null ? [] : examineCitus(state)
}

/** Is there a file or folder? */
export const isThere = async (path: string): Promise<boolean> =>
  await stat(path).then(
    () => true,
    () => false,
  )
