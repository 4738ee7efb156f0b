import { systemClock } from '#base/clock.ts'
import { ensureSessionSecret } from '#base/config-secret.ts'
import type { Database, MigrationProgress } from '#db/database.ts'
import { openDatabase } from '#db/open.ts'
import { sql } from '#db/sql.ts'
import type { Define } from './commands.ts'
import { count } from './parse.ts'
import { configOf, logOf } from './session.ts'
import { answer, EXIT, tell, type Terminal } from './terminal.ts'

/** `migrate`: exit 3 when some tenants could not be brought up. It may be run again at any time, and goes on where it stopped. */
export const define: Define = (command, { terminal, end }) => {
  command
    .option('--workers <count>', 'tenants at a time', count, 4)
    .option('--json', 'print one JSON document')
    .action(async ({ workers, json }: { workers: number; json?: boolean }) => {
      const config = ensureSessionSecret(configOf(terminal))
      const database = await openDatabase({ config, log: logOf(terminal), clock: systemClock })
      try {
        const { admin } = database
        await admin.bootstrap()
        const { total, done, failed: left } = await admin.migrateTenants({ workers, onProgress: display(terminal) })
        const failed = await withSlugs(database, left)
        const version = await admin.controlVersion()
        answer(
          terminal,
          json,
          { control_version: version, tenant_version: admin.required.tenant, total, done, failed },
          () =>
            [
              `The registry is at version ${version}.`,
              total === 0
                ? `Every tenant is at version ${admin.required.tenant}.`
                : `${done} of ${total} tenants were brought to version ${admin.required.tenant}.`,
            ].join('\n'),
        )
        for (const { slug, error } of failed) tell(terminal, `failed: ${slug}: ${error}`)
        if (failed.length > 0) end(EXIT.partial)
      } finally {
        await database.close()
      }
    })
}

type Failed = MigrationProgress['failed'][number]

/** As every row about a tenant, with the tenant's slug. */
async function withSlugs(
  database: Database,
  failed: readonly Failed[],
): Promise<readonly (Failed & { readonly slug: string })[]> {
  if (failed.length === 0) return []
  const rows = await database.control({ as: 'operator' }, async (db) => {
    const schemas = failed.map(({ schema }) => schema)
    return await db.query<{ slug: string; schema: string }>(
      sql`SELECT slug, schema FROM tenants WHERE schema = ANY (${schemas})`,
    )
  })
  const slugs = new Map(rows.map(({ slug, schema }) => [schema, slug]))
  return failed.map((each) => ({ slug: slugs.get(each.schema) ?? each.schema, ...each }))
}

const WIDTH = 30

/** A bar that grows on a terminal; elsewhere a line at each tenth, so that a log stays short. */
function display(terminal: Terminal): (progress: MigrationProgress) => void {
  let told = -1
  return ({ total, done, current, failed }) => {
    if (total === 0) return
    const over = done + failed.length
    if (terminal.stderr.isTTY === true) {
      const bar = '#'.repeat(Math.round((over / total) * WIDTH)).padEnd(WIDTH, '.')
      const line = `[${bar}] ${over}/${total} ${current ?? ''}`.slice(0, (terminal.stderr.columns ?? 80) - 1)
      terminal.stderr.write(`\r\u001b[K${line}${over === total ? '\n' : ''}`)
      return
    }
    const tenth = Math.floor((over / total) * 10)
    if (tenth === told) return
    told = tenth
    tell(terminal, `${over} of ${total} tenants`)
  }
}
