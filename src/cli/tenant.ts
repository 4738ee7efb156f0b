import type { TenantRecord } from '#tenancy/tenant-record.ts'
import type { Define } from './commands.ts'
import { confirm } from './confirm.ts'
import { onOff } from './parse.ts'
import { withRegistry, type Session } from './session.ts'
import { moment, sheet, table } from './table.ts'
import { defineBackup } from './tenant-backup.ts'
import { defineArchive } from './tenant-archive.ts'
import { defineMove } from './tenant-move.ts'
import { defineTools } from './tenant-tools.ts'
import { answer, tell, typed, type Terminal } from './terminal.ts'

interface Options {
  readonly json?: boolean
  readonly yes?: boolean
  readonly name?: string
  readonly placement?: string
  readonly now?: boolean
  readonly mcpAdmin?: boolean
  readonly operatorAccess?: boolean
}

/** `tenant create|list|show|settings|tools|plan|suspend|resume|delete|keep|export|import|backup|restore|move...` */
export const define: Define = (command, { terminal }) => {
  command
    .command('create <slug>')
    .description('make a tenant with an empty schema of its own')
    .option('--name <name>', 'display name (default: the slug)')
    .option('--placement <name>', 'the Postgres server that holds it: DATABASE_URL_<NAME>, lower case')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nA slug is a letter a-z, then a-z 0-9 _, at most 41 characters. It is never reused and never renamed.',
    )
    .action(async (slug: string, { json, ...input }: Options) => {
      await withRegistry(terminal, async (session) => {
        const { registry, actor } = session
        await registry.tenants.create(actor, { slug, ...input })
        await showOne(terminal, session, slug, json)
      })
    })

  command
    .command('list')
    .description('every tenant, deleted ones too')
    .option('--json', 'print one JSON document')
    .action(async ({ json }: Options) => {
      await withRegistry(terminal, async ({ registry, actor }) => {
        const tenants = await registry.tenants.list(actor)
        if (tenants.length === 0) tell(terminal, 'There are no tenants.')
        const now = Date.now()
        answer(terminal, json, tenants.map(wire), () =>
          table(
            tenants.map(({ slug, name, status, origin, placement, schemaVersion, created_at }) => ({
              slug,
              name,
              status,
              origin,
              placement,
              version: schemaVersion,
              created: moment(created_at, now),
            })),
          ),
        )
      })
    })

  command
    .command('show <slug>')
    .description('one tenant')
    .option('--json', 'print one JSON document')
    .action(async (slug: string, { json }: Options) => {
      await withRegistry(terminal, async (session) => await showOne(terminal, session, slug, json))
    })

  command
    .command('suspend <slug>')
    .description('end all access of a tenant at once; its data stays')
    .option('--yes', 'do not ask')
    .option('--json', 'print one JSON document')
    .action(async (slug: string, { json }: Options) => {
      await withRegistry(terminal, async (session) => {
        const { registry, actor } = session
        await registry.tenants.suspend(await registry.tenants.get(actor, slug), actor)
        await showOne(terminal, session, slug, json)
      })
    })

  command
    .command('resume <slug>')
    .description('give a suspended tenant its access back')
    .option('--json', 'print one JSON document')
    .action(async (slug: string, { json }: Options) => {
      await withRegistry(terminal, async (session) => {
        const { registry, actor } = session
        await registry.tenants.resume(await registry.tenants.get(actor, slug), actor)
        await showOne(terminal, session, slug, json)
      })
    })

  command
    .command('settings <slug>')
    .description('what an owner turns on and off; without an option it is shown')
    .option(
      '--mcp-admin <on|off>',
      'may admins and owners use their power over MCP, where an agent acts for them?',
      onOff,
    )
    .option(
      '--operator-access <on|off>',
      'may operators of this server look at the console as an admin sees it? Only an owner turns it on, in the console',
      onOff,
    )
    .option('--json', 'print one JSON document')
    .action(async (slug: string, { json, mcpAdmin, operatorAccess }: Options) => {
      await withRegistry(terminal, async (session) => {
        const { registry, actor } = session
        const tenant = await registry.tenants.get(actor, slug)
        await registry.tenants.setSettings(tenant, actor, {
          ...(mcpAdmin === undefined ? {} : { mcp_admin: mcpAdmin }),
          ...(operatorAccess === undefined ? {} : { operator_access: operatorAccess }),
        })
        await showOne(terminal, session, slug, json)
      })
    })

  command
    .command('plan <slug> <plan>')
    .description('give a tenant a plan, or `none`: the limits of the server')
    .option('--json', 'print one JSON document')
    .action(async (slug: string, plan: string, { json }: Options) => {
      await withRegistry(terminal, async (session) => {
        const { registry, actor } = session
        const tenant = await registry.tenants.get(actor, slug)
        await registry.plans.assign(tenant, actor, plan === 'none' ? null : plan)
        await showOne(terminal, session, slug, json)
      })
    })

  defineTools(command, terminal)

  const remove = command
    .command('delete <slug>')
    .description('delete a tenant with its schema and all its data after TENANT_DELETE_DAYS; it works on until then')
    .option('--now', 'at once instead, for good')
    .option('--yes', 'do not ask')
    .option('--json', 'print one JSON document')
    .action(async (slug: string, { json, yes, now = false }: Options) => {
      await withRegistry(terminal, async (session) => {
        const { registry, actor, config } = session
        const tenant = await registry.tenants.get(actor, slug)
        const loss = now
          ? `This deletes the tenant ${slug} and all its data, for good.`
          : `In ${config.tenantDeleteDays} days this deletes the tenant ${slug} and all its data, for good.`
        await confirm(remove, terminal, { yes, loss, word: slug })
        if (now) await registry.tenants.delete(tenant, actor)
        else sayWhen(terminal, await registry.tenants.askDeletion(tenant, actor, slug), slug)
        await showOne(terminal, session, slug, json)
      })
    })

  command
    .command('keep <slug>')
    .description('take the deletion of a tenant back, before it has begun')
    .option('--json', 'print one JSON document')
    .action(async (slug: string, { json }: Options) => {
      await withRegistry(terminal, async (session) => {
        const { registry, actor } = session
        await registry.tenants.keep(await registry.tenants.get(actor, slug), actor)
        await showOne(terminal, session, slug, json)
      })
    })

  defineArchive(command, terminal)
  defineBackup(command, terminal)
  defineMove(command, terminal)
}

const sayWhen = (terminal: Terminal, when: string, slug: string): void =>
  tell(terminal, `A running server deletes it after ${when}. Until then: ${typed(terminal, `tenant keep ${slug}`)}`)

async function showOne(terminal: Terminal, { registry, actor }: Session, slug: string, json?: boolean): Promise<void> {
  const record = await registry.tenants.show(actor, slug)
  const now = Date.now()
  answer(terminal, json, wire(record), () =>
    sheet({
      ...wire(record),
      limits: limitsInWords(record.limits),
      created_at: moment(record.created_at, now),
      suspended_at: moment(record.suspended_at, now),
      deleted_at: moment(record.deleted_at, now),
      delete_after: moment(record.delete_after, now),
    }),
  )
}

/** `-`: the server's own. */
const limitsInWords = (limits: TenantRecord['limits']): readonly string[] =>
  Object.entries(limits).flatMap(([name, most]) => (most === null ? [] : [`${name}=${String(most)}`]))

/** As JSON says it: snake_case throughout. */
const wire = ({ schemaVersion, ...record }: TenantRecord) => ({ ...record, schema_version: schemaVersion })
