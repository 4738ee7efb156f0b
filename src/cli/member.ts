import { Option, type Command } from 'commander'
import type { PersonRole } from '#tenancy/roles.ts'
import type { Tenant } from '#tenancy/tenant.ts'
import type { Define } from './commands.ts'
import { confirm } from './confirm.ts'
import { defineJoining } from './member-joining.ts'
import { personOf } from './named-person.ts'
import { withRegistry, type Session } from './session.ts'
import { showMember } from './member-sheet.ts'
import { moment, table } from './table.ts'
import { answer, EXIT, tell, type Terminal } from './terminal.ts'

interface Options {
  readonly json?: boolean
  readonly yes?: boolean
}
interface AddOptions extends Options {
  readonly issuer?: string
  readonly sub?: string
  readonly provider?: string
  readonly email?: string
  readonly name?: string
  readonly role: PersonRole
}

const ROLES = ['viewer', 'member', 'admin', 'owner'] as const
const MEMBER = 'the user id (provider:sub), an address that is unique in the tenant, or the row id'

/** `member add|list|role|remove|revoke-tokens`, and what member-joining.ts has */
export const define: Define = (command, { terminal }) => {
  const add: Command = command
    .command('add <slug> [user-id]')
    .description('add a person: by user id (google:1098...), by iss|sub, or by --issuer and --sub')
    .option('--issuer <url>', 'their issuer, byte for byte')
    .option('--sub <subject>', 'who they are there')
    .option('--provider <id>', 'the provider of that issuer; found from the configuration when it is there')
    .option('--email <address>', 'for lists; never how they are recognised')
    .option('--name <name>', 'for lists')
    .addOption(new Option('--role <role>', 'their role').choices(ROLES).default('member'))
    .option('--json', 'print one JSON document')
    .action(async (slug: string, userId: string | undefined, { json, role, email, name, ...who }: AddOptions) => {
      await withRegistry(terminal, async ({ config, registry, actor }) => {
        const person = await personOf(config, { userId, ...who })
        if (typeof person === 'string') add.error(`error: ${person}`, { exitCode: EXIT.usage })
        const tenant = await registry.tenants.get(actor, slug)
        const about = { email: email ?? null, name: name ?? null }
        showMember(terminal, json, await registry.members.add(tenant, actor, { ...person, ...about, role }))
      })
    })

  command
    .command('list <slug>')
    .description('the people of a tenant, those who asked to join and those who were removed too')
    .option('--json', 'print one JSON document')
    .action(async (slug: string, { json }: Options) => {
      await withRegistry(terminal, async ({ registry, actor }) => {
        const { items } = await registry.members.list(await registry.tenants.get(actor, slug), actor)
        if (items.length === 0) tell(terminal, `${slug} has no members.`)
        answer(terminal, json, items, () =>
          table(
            items.map(({ user_id, email, role, status, source, home, created_at }) => ({
              user_id,
              email,
              role,
              status,
              source,
              home,
              joined: moment(created_at, Date.now()),
            })),
          ),
        )
      })
    })

  command
    .command('role')
    .description('change the role of a member, or let in who asked to join')
    .argument('<slug>')
    .argument('<member>', MEMBER)
    .addArgument(add.createArgument('<role>').choices(ROLES))
    .option('--json', 'print one JSON document')
    .action(async (slug: string, reference: string, role: PersonRole, { json }: Options) => {
      await withRegistry(terminal, async ({ registry: { tenants, members }, actor }) => {
        const tenant = await tenants.get(actor, slug)
        const { status, id } = await members.show(tenant, actor, reference)
        const record =
          status === 'requested'
            ? await members.approve(tenant, actor, id, role)
            : await members.setRole(tenant, actor, id, role)
        showMember(terminal, json, record)
      })
    })

  defineJoining(command, terminal)

  cut(command.command('remove'), terminal, {
    about: 'end a membership; it ends within a second',
    loss: (member, slug) => `${member} loses all access to ${slug}.`,
    act: async ({ registry, actor }, tenant, id) => await registry.members.remove(tenant, actor, id),
  })
  cut(command.command('revoke-tokens'), terminal, {
    about: 'refuse every token of a member that was issued until now; they sign in again',
    loss: (member) => `Every token of ${member} stops working; they must sign in again.`,
    act: async ({ registry, actor }, tenant, id) => await registry.members.revokeTokens(tenant, actor, id),
  })
}

interface Cut {
  readonly about: string
  readonly loss: (member: string, slug: string) => string
  readonly act: (session: Session, tenant: Tenant, id: string) => Promise<void>
}

/** The two acts that take something from a member. */
function cut(command: Command, terminal: Terminal, { about, loss, act }: Cut): void {
  command
    .description(about)
    .argument('<slug>')
    .argument('<member>', MEMBER)
    .option('--yes', 'do not ask')
    .option('--json', 'print one JSON document')
    .action(async (slug: string, reference: string, { json, yes }: Options) => {
      await withRegistry(terminal, async (session) => {
        const { registry, actor } = session
        const tenant = await registry.tenants.get(actor, slug)
        const { id, user_id: userId } = await registry.members.show(tenant, actor, reference)
        await confirm(command, terminal, { yes, loss: loss(userId, slug), word: userId })
        await act(session, tenant, id)
        showMember(terminal, json, await registry.members.show(tenant, actor, id))
      })
    })
}
