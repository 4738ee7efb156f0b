import { Option } from 'commander'
import type { OrganizationInput } from '#tenancy/organizations.ts'
import type { Define } from './commands.ts'
import { confirm } from './confirm.ts'
import { withRegistry } from './session.ts'
import { moment, sheet, table } from './table.ts'
import { answer, tell } from './terminal.ts'

interface Options {
  readonly json?: boolean
  readonly yes?: boolean
}
interface AddOptions extends Options {
  readonly issuer: string
  readonly kind: OrganizationInput['kind']
  readonly value: string
  readonly join: NonNullable<OrganizationInput['join_mode']>
  readonly role: NonNullable<OrganizationInput['default_role']>
}

/** `org add|list|remove` */
export const define: Define = (command, { terminal }) => {
  command
    .command('add <slug>')
    .description('people of this organisation at their provider belong to the tenant')
    .requiredOption('--issuer <url>', 'the issuer, byte for byte')
    .addOption(
      new Option('--kind <kind>', 'org_id: Auth0 and organisation claims; tid: Entra')
        .choices(['org_id', 'tid'])
        .makeOptionMandatory(),
    )
    .requiredOption('--value <id>', "the organisation's id there")
    .addOption(new Option('--join <mode>', 'how people join').choices(['auto', 'invite', 'request']).default('auto'))
    .addOption(new Option('--role <role>', 'their first role').choices(['viewer', 'member', 'admin']).default('member'))
    .option('--json', 'print one JSON document')
    .action(async (slug: string, { issuer, kind, value, join, role, json }: AddOptions) => {
      await withRegistry(terminal, async ({ registry, actor }) => {
        const tenant = await registry.tenants.get(actor, slug)
        const input = { iss: issuer, kind, value, join_mode: join, default_role: role }
        const record = await registry.organizations.add(tenant, actor, input)
        answer(terminal, json, record, () => sheet({ ...record, created_at: moment(record.created_at, Date.now()) }))
      })
    })

  command
    .command('list <slug>')
    .description('the organisations of a tenant')
    .option('--json', 'print one JSON document')
    .action(async (slug: string, { json }: Options) => {
      await withRegistry(terminal, async ({ registry, actor }) => {
        const organizations = await registry.organizations.list(await registry.tenants.get(actor, slug), actor)
        if (organizations.length === 0) tell(terminal, `${slug} has no organisations.`)
        answer(terminal, json, organizations, () =>
          table(
            organizations.map(({ id, iss, kind, value, join_mode, default_role }) => ({
              id,
              issuer: iss,
              kind,
              value,
              join: join_mode,
              role: default_role,
            })),
          ),
        )
      })
    })

  const remove = command
    .command('remove <slug> <organisation>')
    .description('nobody joins by it any more; named by its value or its row id')
    .option('--yes', 'do not ask')
    .option('--json', 'print one JSON document')
    .action(async (slug: string, reference: string, { json, yes }: Options) => {
      await withRegistry(terminal, async ({ registry, actor }) => {
        const tenant = await registry.tenants.get(actor, slug)
        await confirm(remove, terminal, {
          yes,
          loss: `Nobody will join ${slug} by ${reference} any more.`,
          word: reference,
        })
        await registry.organizations.remove(tenant, actor, reference)
        answer(
          terminal,
          json,
          { slug, organization: reference, removed: true },
          () => `${reference} no longer belongs to ${slug}.`,
        )
      })
    })
}
