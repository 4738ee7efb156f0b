import { Argument, Option } from 'commander'
import { systemClock } from '#base/clock.ts'
import { ensureSessionSecret } from '#base/config-secret.ts'
import type { Database, MigrateOptions, MigrationProgress } from '#db/database.ts'
import { openDatabase } from '#db/open.ts'
import { assertTenants, migrationReport } from '#tenancy/migration-report.ts'
import type { Define } from './commands.ts'
import { display, reasonOf } from './migrate-display.ts'
import { tellStatus } from './migrate-status.ts'
import { count, duration, list } from './parse.ts'
import { configOf, logOf, operator } from './session.ts'
import { table } from './table.ts'
import { answer, EXIT, tell, type Terminal } from './terminal.ts'

interface Options {
  readonly workers: number
  readonly canary: number | readonly string[]
  readonly only?: readonly string[]
  readonly lockTimeout?: number
  readonly statementTimeout?: number
  readonly dryRun?: boolean
  readonly json?: boolean
}

/** More would only wait for each other: Postgres works on as many at a time as it has cores. */
const MOST_WORKERS = 32

/** `migrate`, `migrate status`. Exit 3 when some tenants are left behind. It may be ended and run again at any time, and goes on where it stopped. */
export const define: Define = (command, { terminal, end }) => {
  command
    .addArgument(
      new Argument('[status]', 'only tell: versions, who is behind and why, what runs now').choices(['status']),
    )
    .option('--workers <count>', 'tenants at a time on each Postgres server, at most 32', workers, 4)
    .addOption(
      new Option('--canary <count or slugs>', 'tried first, one by one; when one fails nothing else is tried')
        .argParser(canaries)
        .default(1),
    )
    .option('--only <slugs>', 'these tenants and no others', list)
    .option(
      '--lock-timeout <duration>',
      'to wait for a table; calls of its tenant wait as long (default: 2s)',
      duration,
    )
    .option('--statement-timeout <duration>', 'for each statement of a migration, 0 for none (default: 10m)', duration)
    .option('--dry-run', 'say what would be done, and change nothing')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nThe registry first, then each tenant in a transaction of its own. A tenant that fails is listed with the reason, and the others go on.',
    )
    .action(async (status: 'status' | undefined, options: Options) => {
      if (status !== undefined) return await tellStatus(terminal, options.json)
      const config = ensureSessionSecret(configOf(terminal))
      const adminConnections = options.workers + 1
      const database = await openDatabase({ config, log: logOf(terminal), clock: systemClock, adminConnections })
      try {
        if (options.dryRun === true) await tellPlan(database, terminal, options)
        else await migrate(database, terminal, options, end)
      } finally {
        await database.close()
      }
    })
}

async function migrate(
  database: Database,
  terminal: Terminal,
  options: Options,
  end: (exit: typeof EXIT.partial) => void,
): Promise<void> {
  const { admin } = database
  const { workers, only, canary, lockTimeout, statementTimeout, json } = options
  await admin.bootstrap()
  const named = [...(only ?? []), ...(typeof canary === 'number' ? [] : canary)]
  if (named.length > 0) await assertTenants(database, operator(), named)
  const chosen: MigrateOptions = {
    workers,
    canary,
    ...(only === undefined ? {} : { only }),
    ...(lockTimeout === undefined ? {} : { lockTimeout }),
    ...(statementTimeout === undefined ? {} : { statementTimeout }),
  }
  const stop = new AbortController()
  const interrupt = (): void => {
    tell(terminal, '\nstopping after the tenants at hand; run it again to go on')
    stop.abort()
  }
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  const began = performance.now()
  let result: MigrationProgress
  try {
    const onProgress = display(terminal, () => performance.now())
    result = await admin.migrateTenants({ ...chosen, signal: stop.signal, onProgress })
  } finally {
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', interrupt)
  }
  const { total, done, failed, left, stopped } = result
  const seconds = Math.round((performance.now() - began) / 100) / 10
  const version = await admin.controlVersion()
  const most = Math.max(...Object.values(result.workers), 0)
  if (most > 0 && most < Math.min(workers, total))
    tell(terminal, `${most} at a time: the server has no more connections to spare`)
  answer(
    terminal,
    json,
    {
      control_version: version,
      tenant_version: admin.required.tenant,
      total,
      done,
      left,
      stopped,
      seconds,
      workers: result.workers,
      failed,
    },
    () =>
      [
        `The registry is at version ${version}.`,
        total === 0
          ? `Every tenant is at version ${admin.required.tenant}.`
          : `${done} of ${total} tenants were brought to version ${admin.required.tenant}. It took ${seconds} s.`,
        ...(left > 0 ? [`${left} tenants are behind.`] : []),
        ...(stopped === 'canary' ? ['The canary failed, so nothing else was tried (--canary).'] : []),
      ].join('\n'),
  )
  for (const failure of failed) tell(terminal, `failed: ${reasonOf(failure)}`)
  if (failed.length > 0 || stopped !== null || (left > 0 && only === undefined)) end(EXIT.partial)
}

/** What would be done, from the registry as it is now. */
async function tellPlan(database: Database, terminal: Terminal, { json, only }: Options): Promise<void> {
  const { required } = database.admin
  const before = await database.admin.controlVersion()
  if (before === null || before < required.control)
    return answer(
      terminal,
      json,
      { control_version: before, control_required: required.control, tenants: null },
      () =>
        `The registry would go from version ${before ?? 'none'} to ${required.control}; tenants are known after that.`,
    )
  const { versions } = await migrationReport(database, operator(), only)
  const behind = versions.filter(({ version }) => version < required.tenant)
  answer(
    terminal,
    json,
    { control_version: before, control_required: required.control, tenant_version: required.tenant, tenants: behind },
    () =>
      behind.length === 0
        ? `Nothing: every tenant is at version ${required.tenant}.`
        : table(
            behind.map(({ placement, version, tenants }) => ({
              placement,
              from: version,
              to: required.tenant,
              tenants,
            })),
          ),
  )
}

function workers(text: string): number {
  return Math.min(count(text), MOST_WORKERS)
}

/** `0`, `3`, or `acme,globex`. */
const canaries = (text: string): number | readonly string[] =>
  /^\d{1,3}$/.test(text) ? Number(text) : list(text, undefined)
