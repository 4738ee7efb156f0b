import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import { InvalidArgumentError, type Command } from 'commander'
import { systemClock } from '#base/clock.ts'
import { createArchive, type Archive } from '#tenancy/archive/archive.ts'
import { auditKey, CONTROL_SCHEMA } from '#tenancy/audit.ts'
import { writeOut } from './output-file.ts'
import { withRegistry, type Session } from './session.ts'
import { table } from './table.ts'
import { answer, tell, type Terminal } from './terminal.ts'

interface Options {
  readonly json?: boolean
  readonly out?: string
  readonly maxBytes?: number
}

/** `tenant export|import` */
export function defineArchive(command: Command, terminal: Terminal): void {
  const taken: Command = command
    .command('export <slug>')
    .description('everything a tenant has, as one archive: data, audit, and what the registry knows, without secrets')
    .option(
      '--out <file>',
      'where it goes, `-` is standard output (default: <slug>.tar.gz); never over a file that exists',
    )
    .option('--json', 'print one JSON document')
    .action(async (slug: string, { out = `${slug}.tar.gz`, json }: Options) => {
      await withRegistry(terminal, async (session) => {
        const tenant = await session.registry.tenants.get(session.actor, slug)
        const make = async () => await archiveOf(session).exportTenant(tenant, session.actor)
        await writeOut(taken, terminal, { slug, out, json }, make)
      })
    })

  command
    .command('import <slug> <file>')
    .description('the data of an archive into a tenant that has none; `-` is standard input')
    .option('--max-bytes <count>', 'of everything in it, unpacked (default: 10 GiB)', octets)
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nData only: members, keys, domains and settings in the archive are left out, its audit is kept with the mark `imported.`.\nEverything or nothing: when a count or digest is wrong, the tenant stays empty.',
    )
    .action(async (slug: string, from: string, { json, maxBytes }: Options) => {
      await withRegistry(terminal, async (session) => {
        const tenant = await session.registry.tenants.get(session.actor, slug)
        const source = from === '-' ? terminal.stdin : createReadStream(resolve(terminal.cwd, from))
        const report = await archiveOf(session).importTenant(
          tenant,
          session.actor,
          source,
          maxBytes === undefined ? {} : { maxBytes },
        )
        tell(terminal, `From ${report.from.slug}, exported at ${report.from.exported_at}.`)
        const rows = (fate: string, counts: Readonly<Record<string, number>>) =>
          Object.entries(counts).map(([name, count]) => ({ what: name, rows: count, fate }))
        answer(terminal, json, { slug, ...report }, () =>
          table([
            ...rows('imported', report.imported),
            ...rows('imported, marked', { audit: report.audit }),
            ...rows('left out', report.left_out),
          ]),
        )
      })
    })
}

const archiveOf = ({ config, database }: Session): Archive => {
  const [secret = ''] = config.sessionSecrets
  return createArchive({
    database,
    clock: systemClock,
    auditKey: auditKey(secret, CONTROL_SCHEMA),
    tenantAuditKey: (schema) => auditKey(secret, schema),
  })
}

function octets(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError('Write a whole number of bytes.')
  return Number(text)
}
