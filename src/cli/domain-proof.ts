import { Option, type Command } from 'commander'
import type { CheckReport, ClaimRecord } from '#tenancy/claims.ts'
import type { DomainInput, DomainRecord } from '#tenancy/domains.ts'
import { confirm } from './confirm.ts'
import { peopleProviders } from './named-person.ts'
import { list } from './parse.ts'
import { withRegistry } from './session.ts'
import { moment, plain, sheet, table } from './table.ts'
import { answer, EXIT, tell, type Terminal } from './terminal.ts'

interface Options {
  readonly json?: boolean
  readonly yes?: boolean
}
interface TermOptions extends Options {
  readonly assertedBy?: readonly string[]
  readonly join?: NonNullable<DomainInput['join_mode']>
  readonly role?: NonNullable<DomainInput['default_role']>
  readonly subdomains?: boolean
  readonly allowOnce?: boolean
}

/** `domain claim|show|check|waiting|approve|set` */
export function defineProof(command: Command, terminal: Terminal): void {
  terms(command.command('claim <slug> <domain>'))
    .description('claim a domain for a tenant, to be proved by a TXT record in its DNS; prints the record')
    .option('--subdomains', 'include its subdomains')
    .option('--allow-once', 'let an address that was verified once (GitHub) join by itself')
    .action(async (slug: string, domain: string, options: TermOptions) => {
      await withRegistry(terminal, async ({ config, registry, actor }) => {
        const tenant = await registry.tenants.get(actor, slug)
        const given = { asserted_by: await peopleProviders(config), ...termsOf(options) }
        const record = await registry.claims.claim(tenant, actor, { domain, ...given })
        answer(terminal, options.json, record, () => instructions(record))
      })
    })

  command
    .command('show <slug> <domain>')
    .description('one domain, and the TXT record that proves it')
    .option('--json', 'print one JSON document')
    .action(async (slug: string, domain: string, { json }: Options) => {
      await withRegistry(terminal, async ({ registry, actor }) => {
        const record = await registry.claims.show(await registry.tenants.get(actor, slug), actor, domain)
        answer(terminal, json, record, () => instructions(record))
      })
    })

  command
    .command('check <slug> <domain>')
    .description('look for the record now: what is there, and what is probably wrong')
    .option('--json', 'print one JSON document')
    .action(async (slug: string, domain: string, { json }: Options) => {
      await withRegistry(terminal, async ({ registry, actor }) => {
        const report = await registry.claims.check(await registry.tenants.get(actor, slug), actor, domain)
        answer(terminal, json, report, () => found(report))
      })
    })

  command
    .command('waiting')
    .description('proved domains of all tenants that wait for you, and who has them now')
    .option('--json', 'print one JSON document')
    .action(async ({ json }: Options) => {
      await withRegistry(terminal, async ({ registry, actor }) => {
        const waiting = await registry.claims.waiting(actor)
        if (waiting.length === 0) tell(terminal, 'Nothing waits for you.')
        const now = Date.now()
        answer(terminal, json, waiting, () =>
          table(
            waiting.map(({ slug, domain, why, held_by, awaiting_since }) => ({
              slug,
              domain,
              why,
              held_by,
              since: moment(awaiting_since, now),
            })),
          ),
        )
      })
    })

  const approve = command
    .command('approve <slug> <domain>')
    .description('verify a proved domain that waits for you, also one that another tenant has')
    .option('--yes', 'do not ask')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nThe record is looked for once more. A tenant that has the domain now keeps its members and its data, and nobody joins it by the\ndomain any more. Approving a domain that lapsed once lets people of that domain join the tenant again: make sure it still is whose it was.',
    )
    .action(async (slug: string, domain: string, { json, yes }: Options) => {
      await withRegistry(terminal, async ({ registry, actor }) => {
        const tenant = await registry.tenants.get(actor, slug)
        const loss = `People of ${domain} will join ${slug}, and no other tenant by this domain.`
        await confirm(approve, terminal, { yes, loss, word: domain })
        const record = await registry.claims.approve(tenant, actor, domain)
        answer(terminal, json, record, () => sheet(readable(record)))
      })
    })

  const set: Command = terms(command.command('set <slug> <domain>'))
    .description('change how people join by a domain')
    .option('--subdomains', 'include its subdomains')
    .option('--no-subdomains', 'this name alone')
    .option('--allow-once', 'let an address that was verified once (GitHub) join by itself')
    .option('--no-allow-once', 'let it ask to join')
    .action(async (slug: string, domain: string, options: TermOptions) => {
      const changes = termsOf(options)
      if (Object.keys(changes).length === 0)
        set.error('error: say what to change: --join, --role, --asserted-by, --[no-]subdomains or --[no-]allow-once', {
          exitCode: EXIT.usage,
        })
      await withRegistry(terminal, async ({ registry, actor }) => {
        const record = await registry.claims.set(await registry.tenants.get(actor, slug), actor, domain, changes)
        answer(terminal, options.json, record, () => sheet(readable(record)))
      })
    })
}

/** The options that `claim` and `set` share. */
const terms = (command: Command): Command =>
  command
    .option('--asserted-by <providers>', 'ids of the providers whose word counts for it, separated by commas', list)
    .addOption(new Option('--join <mode>', 'how people join').choices(['auto', 'invite', 'request']))
    .addOption(new Option('--role <role>', 'their first role').choices(['viewer', 'member', 'admin']))
    .option('--json', 'print one JSON document')

/** Only what was said. */
const termsOf = ({ assertedBy, join, role, subdomains, allowOnce }: TermOptions): Partial<DomainInput> => ({
  ...(assertedBy === undefined ? {} : { asserted_by: assertedBy }),
  ...(join === undefined ? {} : { join_mode: join }),
  ...(role === undefined ? {} : { default_role: role }),
  ...(subdomains === undefined ? {} : { include_subdomains: subdomains }),
  ...(allowOnce === undefined ? {} : { allow_once: allowOnce }),
})

/** A domain, a line for each fact. */
export function readable({ problem, ...record }: DomainRecord): Readonly<Record<string, unknown>> {
  const now = Date.now()
  return {
    ...record,
    created_at: moment(record.created_at, now),
    verified_at: moment(record.verified_at, now),
    checked_at: moment(record.checked_at, now),
    next_check: moment(record.next_check, now),
    lapses_at: moment(record.lapses_at, now),
    expires_at: moment(record.expires_at, now),
    problem: problem?.message ?? null,
  }
}

function instructions(record: ClaimRecord): string {
  const { name_relative, name_absolute, expected, ...domain } = record
  if (expected === null) return sheet(readable(domain))
  const wanted = { type: 'TXT', name: name_absolute, 'name without the zone': name_relative, value: expected }
  return `${sheet(wanted)}\n\n${sheet(readable(domain))}`
}

function found({ seen, asked, ...record }: CheckReport): string {
  const rows = seen.flatMap(({ name, values, from }) => values.map((value) => ({ seen_at: name, value, from })))
  const what = rows.length === 0 ? `No record was seen (asked: ${asked}).` : table(rows)
  const verdict = record.problem === null ? `${record.domain} is ${record.state}.` : plain(record.problem.message)
  return `${verdict}\n\n${what}\n\n${instructions(record)}`
}
