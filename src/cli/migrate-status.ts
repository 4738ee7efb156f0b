import { migrationReport, type MigrationReport } from '#tenancy/migration-report.ts'
import { reasonOf } from './migrate-display.ts'
import { operator, withDatabase } from './session.ts'
import { moment, table } from './table.ts'
import { answer, tell, type Terminal } from './terminal.ts'

/** `migrate status` */
export async function tellStatus(terminal: Terminal, json: boolean | undefined): Promise<void> {
  await withDatabase(terminal, async (database) => {
    const report = await migrationReport(database, operator())
    answer(terminal, json, wire(report), () =>
      table(
        report.versions.map(({ placement, version, tenants }) => ({
          placement,
          version,
          tenants,
          served: version >= report.tenant.oldestServed ? 'yes' : 'no: 503',
        })),
      ),
    )
    if (json !== true) tellRest(terminal, report)
  })
}

function tellRest(terminal: Terminal, { control, tenant, behind, behindInAll, failures, runs }: MigrationReport): void {
  const now = Date.now()
  tell(
    terminal,
    `registry: version ${control.version ?? 'none'}, needed ${control.required}; tenants: needed ${tenant.required}`,
  )
  for (const { runner, started_at: started, total, done, failed, running, ended_at: ended } of runs) {
    const state = running ? 'runs now' : ended === null ? 'was ended from outside' : `ended ${moment(ended, now)}`
    tell(terminal, `${runner}: began ${moment(started, now)}, ${state}: ${done} of ${total} done, ${failed} failed`)
  }
  if (behindInAll > 0)
    tell(
      terminal,
      `${behindInAll} behind: ${behind
        .map(({ slug }) => slug)
        .slice(0, 10)
        .join(', ')}${behindInAll > 10 ? ' ...' : ''}`,
    )
  for (const failure of failures) tell(terminal, `failed ${moment(failure.failed_at, now)}: ${reasonOf(failure)}`)
}

/** As JSON says it: snake_case throughout. */
const wire = ({ control, tenant, versions, behind, behindInAll, failures, runs }: MigrationReport) => ({
  control,
  tenant: { required: tenant.required, oldest_served: tenant.oldestServed },
  versions,
  behind_in_all: behindInAll,
  behind,
  failures,
  runs,
})
