import { Option, type Command } from 'commander'
import type { InvitationRecord, NewInvitation } from '#tenancy/invitations.ts'
import type { PersonRole } from '#tenancy/roles.ts'
import { confirm } from './confirm.ts'
import { showMember } from './member-sheet.ts'
import { duration } from './parse.ts'
import { withRegistry } from './session.ts'
import { moment, sheet, table } from './table.ts'
import { answer, tell, type Terminal } from './terminal.ts'

interface Options {
  readonly json?: boolean
  readonly yes?: boolean
}
interface InviteOptions extends Options {
  readonly role: PersonRole
  readonly expires: number
}

const ROLES = ['viewer', 'member', 'admin', 'owner'] as const
const INVITATION = 'the address, or the id of the invitation'
const PERSON = 'the user id (provider:sub), an address that is unique in the tenant, or the row id'

/** `member invite|invitations|reinvite|uninvite` and `member requests|approve|decline` */
export function defineJoining(command: Command, terminal: Terminal): void {
  defineInvitations(command, terminal)
  defineRequests(command, terminal)
}

function defineInvitations(command: Command, terminal: Terminal): void {
  command
    .command('invite <slug> <email>')
    .description('invite an address; prints a one-time link, shown this once')
    .addOption(new Option('--role <role>', 'their role').choices(ROLES).default('member'))
    .option('--expires <duration>', 'how long the link lives, at most 30d', duration, duration('7d'))
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nNothing is sent. Who opens the link must sign in with exactly this address, verified, and accept themself; only then are they a member.',
    )
    .action(async (slug: string, email: string, { role, expires, json }: InviteOptions) => {
      await withRegistry(terminal, async ({ registry, actor }) => {
        const tenant = await registry.tenants.get(actor, slug)
        showNew(terminal, json, await registry.invitations.invite(tenant, actor, { email, role, life: expires }))
      })
    })

  command
    .command('invitations <slug>')
    .description('the invitations of a tenant, used and expired ones too')
    .option('--json', 'print one JSON document')
    .action(async (slug: string, { json }: Options) => {
      await withRegistry(terminal, async ({ registry, actor }) => {
        const { items } = await registry.invitations.list(await registry.tenants.get(actor, slug), actor)
        if (items.length === 0) tell(terminal, `${slug} has no invitations.`)
        const now = Date.now()
        answer(terminal, json, items, () =>
          table(
            items.map(({ email, role, state, inviter, expires_at, id }) => ({
              email,
              role,
              state,
              inviter: inviter ?? 'operator',
              expires: moment(expires_at, now),
              id,
            })),
          ),
        )
      })
    })

  command
    .command('reinvite')
    .description('make a new link for an open or expired invitation; the old one ends')
    .argument('<slug>')
    .argument('<invitation>', INVITATION)
    .option('--expires <duration>', 'how long the link lives, at most 30d', duration, duration('7d'))
    .option('--json', 'print one JSON document')
    .action(async (slug: string, reference: string, { expires, json }: InviteOptions) => {
      await withRegistry(terminal, async ({ registry, actor }) => {
        const tenant = await registry.tenants.get(actor, slug)
        showNew(terminal, json, await registry.invitations.resend(tenant, actor, reference, { life: expires }))
      })
    })

  command
    .command('uninvite')
    .description('end an invitation that was not accepted yet')
    .argument('<slug>')
    .argument('<invitation>', INVITATION)
    .option('--json', 'print one JSON document')
    .action(async (slug: string, reference: string, { json }: Options) => {
      await withRegistry(terminal, async ({ registry, actor }) => {
        const tenant = await registry.tenants.get(actor, slug)
        const record = await registry.invitations.revoke(tenant, actor, reference)
        answer(terminal, json, record, () => sheet(readable(record)))
      })
    })
}

function defineRequests(command: Command, terminal: Terminal): void {
  command
    .command('requests <slug>')
    .description('the people who asked to join a tenant')
    .option('--json', 'print one JSON document')
    .action(async (slug: string, { json }: Options) => {
      await withRegistry(terminal, async ({ registry, actor }) => {
        const { items } = await registry.requests.list(await registry.tenants.get(actor, slug), actor)
        if (items.length === 0) tell(terminal, `Nobody asks to join ${slug}.`)
        answer(terminal, json, items, () =>
          table(
            items.map(({ user_id, email, name, role, evidence, created_at }) => ({
              user_id,
              email,
              name,
              role,
              by: evidence,
              asked: moment(created_at, Date.now()),
            })),
          ),
        )
      })
    })

  command
    .command('approve')
    .description('let in who asked to join')
    .argument('<slug>')
    .argument('<member>', PERSON)
    .addOption(new Option('--role <role>', 'their role (default: what the domain says)').choices(ROLES))
    .option('--json', 'print one JSON document')
    .action(async (slug: string, reference: string, { role, json }: Partial<InviteOptions>) => {
      await withRegistry(terminal, async ({ registry, actor }) => {
        const tenant = await registry.tenants.get(actor, slug)
        showMember(terminal, json, await registry.requests.approve(tenant, actor, reference, role))
      })
    })

  const decline = command
    .command('decline')
    .description('do not let in who asked to join; they can ask again after 30 days')
    .argument('<slug>')
    .argument('<member>', PERSON)
    .option('--yes', 'do not ask')
    .option('--json', 'print one JSON document')
    .action(async (slug: string, reference: string, { json, yes }: Options) => {
      await withRegistry(terminal, async ({ registry, actor }) => {
        const tenant = await registry.tenants.get(actor, slug)
        const { id, user_id: who } = await registry.members.show(tenant, actor, reference)
        await confirm(decline, terminal, { yes, loss: `${who} cannot ask to join ${slug} for 30 days.`, word: who })
        const record = await registry.requests.decline(tenant, actor, id)
        answer(terminal, json, record, () =>
          sheet({ ...record, declined_until: moment(record.declined_until, Date.now()) }),
        )
      })
    })
}

function showNew(terminal: Terminal, json: boolean | undefined, invitation: NewInvitation): void {
  tell(terminal, 'Hand the link to the person in private. It is shown this once.')
  answer(terminal, json, invitation, () => sheet({ ...readable(invitation), link: invitation.link }))
}

function readable(record: InvitationRecord): Readonly<Record<string, unknown>> {
  const { id, slug, email, role, state, inviter } = record
  const now = Date.now()
  return {
    id,
    slug,
    email,
    role,
    state,
    inviter: inviter ?? 'operator',
    created_at: moment(record.created_at, now),
    expires_at: moment(record.expires_at, now),
    accepted_at: moment(record.accepted_at, now),
  }
}
