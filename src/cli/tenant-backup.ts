import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { systemClock } from '#base/clock.ts'
import { auditKey, CONTROL_SCHEMA } from '#tenancy/audit.ts'
import { createBackups, type Backups } from '#tenancy/backup/backups.ts'
import { writeOut } from './output-file.ts'
import { withRegistry, type Session } from './session.ts'
import { table } from './table.ts'
import { answer, tell, type Terminal } from './terminal.ts'

interface Options {
  readonly json?: boolean
  readonly out?: string
  readonly as?: string
  readonly placement?: string
  readonly check?: boolean
}

/** `tenant backup|restore` */
export function defineBackup(command: Command, terminal: Terminal): void {
  const taken: Command = command
    .command('backup <slug>')
    .description('everything a tenant has as one sealed file, from which `tenant restore` brings it back')
    .option(
      '--out <file>',
      'where it goes, `-` is standard output (default: <slug>.backup); never over a file that exists',
    )
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nEncrypted with a key of SESSION_SECRET: without that secret nobody can read it, you neither. Keep the two apart.',
    )
    .action(async (slug: string, { out = `${slug}.backup`, json }: Options) => {
      await withRegistry(terminal, async (session) => {
        const tenant = await session.registry.tenants.get(session.actor, slug)
        const make = async () => await backupsOf(session).backup(tenant, session.actor)
        await writeOut(taken, terminal, { slug, out, json }, make)
      })
    })

  command
    .command('restore <file>')
    .description('a tenant from a backup, whole or not at all; `-` is standard input')
    .option('--as <slug>', 'as another tenant, beside the one it was made of')
    .option('--placement <name>', 'the Postgres server that gets it (default: that of the backup)')
    .option('--check', 'read all of it and write nothing')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nNever over a tenant that lives. Migrations that came after the backup run on the way.')
    .action(async (from: string, { json, check, as, placement }: Options) => {
      await withRegistry(terminal, async (session) => {
        const source = from === '-' ? terminal.stdin : createReadStream(resolve(terminal.cwd, from))
        const backups = backupsOf(session)
        const rows = (what: string, counts: Readonly<Record<string, number>>) =>
          Object.entries(counts).map(([name, count]) => ({ what: name, rows: count, fate: what }))
        if (check === true) {
          const report = await backups.check(session.actor, source)
          tell(terminal, `Whole: ${report.from.slug}, taken at ${report.from.taken_at}.`)
          return answer(terminal, json, report, () => table(rows('there', report.rows)))
        }
        const input = { ...(as === undefined ? {} : { as }), ...(placement === undefined ? {} : { placement }) }
        const report = await backups.restore(session.actor, source, input)
        tell(terminal, `${report.slug}, as ${report.from.slug} was at ${report.from.taken_at}.`)
        answer(terminal, json, report, () =>
          table([
            ...rows('restored', report.rows),
            ...Object.entries(report.registry).flatMap(([name, fates]) =>
              Object.entries(fates).map(([fate, count]) => ({ what: `registry/${name}`, rows: count, fate })),
            ),
          ]),
        )
      })
    })
}

const backupsOf = ({ config, database }: Session): Backups =>
  createBackups({
    database,
    clock: systemClock,
    auditKey: auditKey(config.sessionSecrets[0] ?? '', CONTROL_SCHEMA),
    secrets: config.sessionSecrets,
    slugPrefix: config.database.slugPrefix,
  })
