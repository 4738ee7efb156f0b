import { Option, type Command } from 'commander'
import type { KeyInput, KeyRecord, NewKey } from '#tenancy/keys.ts'
import type { Define } from './commands.ts'
import { confirm } from './confirm.ts'
import { duration, expiry, hourly, list } from './parse.ts'
import { withRegistry } from './session.ts'
import { moment, sheet, table } from './table.ts'
import { answer, EXIT, tell, type Terminal } from './terminal.ts'
import { OFF_THE_COMMAND_LINE, readToken } from './token-input.ts'

interface Options {
  readonly json?: boolean
  readonly yes?: boolean
}
interface TermOptions extends Options {
  readonly name?: string
  readonly scopes?: readonly string[]
  readonly cidr?: readonly string[]
  readonly expires?: number | 'never'
  readonly requestsPerHour?: number | 'none'
  readonly role?: NonNullable<KeyInput['role']>
}

/** `key create|list|show|update|rotate|adopt|revoke|validate|usage` */
export const define: Define = (command, { terminal }) => {
  terms(command.command('create <slug>'))
    .description('make a key; it is shown this once')
    .addOption(
      new Option('--role <role>', 'the most it can do').choices(['viewer', 'member', 'admin']).default('member'),
    )
    .action(
      async (
        slug: string,
        {
          name,
          scopes = ['*'],
          cidr = [],
          expires = 'never',
          requestsPerHour = 'none',
          role = 'member',
          json,
        }: TermOptions,
      ) => {
        await withRegistry(
          terminal,
          async ({ registry, actor }) => {
            const tenant = await registry.tenants.get(actor, slug)
            const limit = limitOf(requestsPerHour)
            const input = {
              name: name ?? 'key',
              scopes,
              cidrs: cidr,
              expires_at: momentOf(expires),
              requests_per_hour: limit,
              role,
            }
            showNew(terminal, json, await registry.keys.create(tenant, actor, input))
          },
          { tools: true },
        )
      },
    )

  command
    .command('list <slug>')
    .description('the keys of a tenant, expired and revoked ones too')
    .option('--json', 'print one JSON document')
    .action(async (slug: string, { json }: Options) => {
      await withRegistry(terminal, async ({ registry, actor }) => {
        const { items } = await registry.keys.list(await registry.tenants.get(actor, slug), actor)
        if (items.length === 0) tell(terminal, `${slug} has no keys.`)
        const now = Date.now()
        answer(terminal, json, items, () =>
          table(
            items.map(({ id, name, scopes, role, creator, status, expires_at, last_used_at }) => ({
              id,
              name,
              scopes,
              role,
              creator,
              status,
              expires: moment(expires_at, now),
              last_used: moment(last_used_at, now),
            })),
          ),
        )
      })
    })

  command
    .command('show <slug> <key-id>')
    .description('one key, never its secret')
    .option('--json', 'print one JSON document')
    .action(async (slug: string, id: string, { json }: Options) => {
      await withRegistry(terminal, async ({ registry, actor }) => {
        show(terminal, json, await registry.keys.show(await registry.tenants.get(actor, slug), actor, id))
      })
    })

  const update = terms(command.command('update <slug> <key-id>'))
    .description('change what is given; the secret stays')
    .action(async (slug: string, id: string, { name, scopes, cidr, expires, requestsPerHour, json }: TermOptions) => {
      const changes = {
        ...(name === undefined ? {} : { name }),
        ...(scopes === undefined ? {} : { scopes }),
        ...(cidr === undefined ? {} : { cidrs: cidr }),
        ...(expires === undefined ? {} : { expires_at: momentOf(expires) }),
        ...(requestsPerHour === undefined ? {} : { requests_per_hour: limitOf(requestsPerHour) }),
      }
      if (Object.keys(changes).length === 0)
        update.error('error: say what to change: --name, --scopes, --cidr, --expires or --requests-per-hour', {
          exitCode: EXIT.usage,
        })
      await withRegistry(
        terminal,
        async ({ registry, actor }) => {
          const tenant = await registry.tenants.get(actor, slug)
          show(terminal, json, await registry.keys.update(tenant, actor, id, changes))
        },
        { tools: true },
      )
    })

  command
    .command('rotate <slug> <key-id>')
    .description('make a new key with the same rights; the old one works a while longer')
    .option('--overlap <duration>', 'how long the old one still works; 0: it stops at once', duration, duration('24h'))
    .option('--expires <when>', 'of the new one: 90d, 2027-01-31, or never (default: that of the old one)', expiry)
    .option('--json', 'print one JSON document')
    .action(async (slug: string, id: string, { overlap, expires, json }: TermOptions & { overlap: number }) => {
      await withRegistry(
        terminal,
        async ({ registry, actor }) => {
          const tenant = await registry.tenants.get(actor, slug)
          const rotation = { overlap, ...(expires === undefined ? {} : { expires_at: momentOf(expires) }) }
          showNew(terminal, json, await registry.keys.rotate(tenant, actor, id, rotation))
        },
        { tools: true },
      )
    })

  command
    .command('adopt <slug> <key-id>')
    .description('take over a key whose maker is gone: it works again, up to its own role, as one that operators made')
    .option('--json', 'print one JSON document')
    .action(async (slug: string, id: string, { json }: Options) => {
      await withRegistry(terminal, async ({ registry, actor }) => {
        const tenant = await registry.tenants.get(actor, slug)
        show(terminal, json, await registry.keys.adopt(tenant, actor, id))
      })
    })

  const revoke = command
    .command('revoke <slug> <key-id>')
    .description('end a key for good, within a second')
    .option('--yes', 'do not ask')
    .option('--json', 'print one JSON document')
    .action(async (slug: string, id: string, { json, yes }: Options) => {
      await withRegistry(terminal, async ({ registry, actor }) => {
        const tenant = await registry.tenants.get(actor, slug)
        const { name } = await registry.keys.show(tenant, actor, id)
        await confirm(revoke, terminal, { yes, loss: `The key ${id} (${name}) stops working for good.`, word: id })
        await registry.keys.revoke(tenant, actor, id)
        show(terminal, json, await registry.keys.show(tenant, actor, id))
      })
    })

  const validate = command
    .command('validate <slug> [file]')
    .description(`whether a key works and what it may do; from standard input or a file. ${OFF_THE_COMMAND_LINE}`)
    .option('--json', 'print one JSON document')
    .action(async (slug: string, file: string | undefined, { json }: Options) => {
      const key = await readToken(validate, terminal, file)
      await withRegistry(
        terminal,
        async ({ registry, actor }) => {
          const judged = await registry.keys.validate(await registry.tenants.get(actor, slug), actor, key)
          const { verdict, record, scopes } = judged
          answer(terminal, json, judged, () =>
            sheet({ verdict, may: scopes, ...(record === null ? {} : readable(record)) }),
          )
        },
        { tools: true },
      )
    })

  command
    .command('usage <slug> <key-id>')
    .description('what was called with a key in the last 30 days')
    .option('--json', 'print one JSON document')
    .action(async (slug: string, id: string, { json }: Options) => {
      await withRegistry(terminal, async ({ registry, actor }) => {
        const report = await registry.keys.usage(await registry.tenants.get(actor, slug), actor, id)
        const { tools, totals } = report
        answer(terminal, json, report, () => table([...tools, { tool: 'all', ...totals }].map((row) => ({ ...row }))))
      })
    })
}

const limitOf = (limit: number | 'none'): number | null => (limit === 'none' ? null : limit)
const momentOf = (expires: number | 'never'): number | null => (expires === 'never' ? null : expires)

/** What a key is made with, and what of it can change. */
const terms = (command: Command): Command =>
  command
    .option('--name <name>', 'what it is for')
    .option('--scopes <scopes>', 'what it may do, separated by commas; * is all data (default for a new key)', list)
    .option('--cidr <networks>', 'the only networks it works from, separated by commas', list)
    .option('--expires <when>', '90d, 2027-01-31, or never (default for a new key)', expiry)
    .option('--requests-per-hour <count>', 'what it may ask, or none (default for a new key)', hourly)
    .option('--json', 'print one JSON document')

/** The key itself is all of stdout, so that it can be piped to where it belongs; with --json it is a member of the document. */
function showNew(terminal: Terminal, json: boolean | undefined, { key, record }: NewKey): void {
  if (json !== true) tell(terminal, `${sheet(readable(record))}\n\nThis is the only time the key is shown:`)
  answer(terminal, json, { ...record, key }, () => key)
}

function show(terminal: Terminal, json: boolean | undefined, record: KeyRecord): void {
  answer(terminal, json, record, () => sheet(readable(record)))
}

function readable(record: KeyRecord): Readonly<Record<string, unknown>> {
  const now = Date.now()
  return {
    ...record,
    created_at: moment(record.created_at, now),
    expires_at: moment(record.expires_at, now),
    revoked_at: moment(record.revoked_at, now),
    last_used_at: moment(record.last_used_at, now),
  }
}
