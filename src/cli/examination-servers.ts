import { DatabaseUnavailable, type Database } from '#db/database.ts'
import { examinePrivileges } from './examination-privileges.ts'
import { examineWall } from './examination-wall.ts'
import { because, explain } from './failure.ts'
import { failed, ok, type Finding } from './finding.ts'

interface Servers {
  readonly findings: readonly Finding[]
  /** Those that cannot be looked at. */
  readonly away: ReadonlySet<string>
}

/**
 * The servers beside the registry's own (DATABASE_URL_<NAME>): are they reached, what may their users do, how thick is the wall there? One that
 * is away is a finding by its variable's name and keeps nothing from being said of the others.
 */
export async function examineServers(database: Pick<Database, 'admin' | 'kind'>, appRole: boolean): Promise<Servers> {
  const findings: Finding[] = []
  const away = new Set<string>()
  for (const name of database.admin.placements) {
    if (name === 'default') continue
    try {
      const rights = examinePrivileges(await database.admin.privileges(name), appRole)
      const wall = await examineWall(database, name)
      findings.push(ok(`database ${name}`, 'reached'))
      findings.push(...[...rights, wall].map((one) => ({ ...one, check: `${one.check} ${name}` })))
    } catch (error) {
      away.add(name)
      const why = error instanceof DatabaseUnavailable ? `cannot be reached${because(error)}` : explain(error)
      const detail = `DATABASE_URL_${name.toUpperCase()}: ${why}. Its tenants are not served, and were not looked at`
      findings.push(failed(`database ${name}`, detail))
    }
  }
  return { findings, away }
}
