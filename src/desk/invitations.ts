import { z } from 'zod'
import type { InvitationRecord } from '#tenancy/invitations.ts'
import { doer, listInput, pageAnswer, pageAsked, pageOf, personRole, slug, time } from './fields.ts'
import { defineOperation } from './operation.ts'

const reference = z.string().min(1).max(400).describe('Id of the invitation, or the address it is for.')

const invitation = z
  .object({
    id: z.uuid(),
    slug,
    email: z.string(),
    role: personRole,
    state: z
      .enum(['pending', 'accepted', 'revoked', 'expired'])
      .describe('revoked also when whoever invited may not invite any more.'),
    inviter: doer('invited'),
    inviter_name: z.string().nullable().describe('Their name, else their address, where one is known.'),
    created_at: time,
    expires_at: time,
    accepted_at: time.nullable(),
  })
  .meta({ title: 'Invitation' })

const life = z
  .int()
  .min(60)
  .max(30 * 86_400)
  .exactOptional()
  .describe('Seconds until it expires, one minute to 30 days; default 7 days.')

const sent = invitation
  .extend({
    token: z
      .string()
      .nullable()
      .describe(
        'The value of the one-time link, for the person invited alone; shown this once. null: it was shown before.',
      ),
    link: z
      .string()
      .nullable()
      .describe('Where the person accepts, with that value behind the #. null: it was shown before.'),
  })
  .meta({ title: 'NewInvitation' })

const lifeOf = (seconds: number | undefined): { readonly life?: number } =>
  seconds === undefined ? {} : { life: seconds * 1000 }

const show = (record: InvitationRecord): z.output<typeof invitation> => invitation.parse(record)

export const listInvitations = defineOperation({
  id: 'list_invitations',
  title: 'List invitations',
  description: 'Who was invited, and what became of it.',
  scopes: ['tenant:admin'],
  effect: 'read',
  input: z.strictObject({
    state: z.enum(['pending', 'accepted', 'revoked', 'expired']).exactOptional(),
    ...listInput,
  }),
  output: pageOf(invitation),
  run: async ({ limit, cursor, ...filter }, { registry, tenant, actor }) =>
    pageAnswer(await registry.invitations.list(tenant, actor, { ...filter, ...pageAsked({ limit, cursor }) }), show),
})

export const getInvitation = defineOperation({
  id: 'get_invitation',
  title: 'Get an invitation',
  description: 'One invitation, never its link.',
  scopes: ['tenant:admin'],
  effect: 'read',
  input: z.strictObject({ invitation: reference }),
  output: invitation,
  run: async (input, { registry, tenant, actor }) =>
    show(await registry.invitations.show(tenant, actor, input.invitation)),
})

export const inviteMember = defineOperation({
  id: 'invite_member',
  title: 'Invite a member',
  description:
    'Invites an address and answers a one-time link, which nobody is sent: hand it over. It counts for whoever signs in with that verified ' +
    'address and accepts. Nobody invites above their own role, and a key invites nobody.',
  scopes: ['tenant:admin'],
  effect: 'power',
  input: z.strictObject({
    email: z.string().min(3).max(320).describe('A plain address, without a name around it.'),
    role: personRole.default('member'),
    expires_in: life,
  }),
  output: sent,
  secrets: ['token', 'link'],
  run: async ({ email, role, expires_in }, { registry, tenant, actor }) =>
    await registry.invitations.invite(tenant, actor, { email, role, ...lifeOf(expires_in) }),
})

export const resendInvitation = defineOperation({
  id: 'resend_invitation',
  title: 'Make a new link for an invitation',
  description: 'A new one-time link for an open or expired invitation, with a life of its own. The old link ends.',
  scopes: ['tenant:admin'],
  effect: 'power',
  input: z.strictObject({ invitation: reference, expires_in: life }),
  output: sent,
  secrets: ['token', 'link'],
  run: async (input, { registry, tenant, actor }) =>
    await registry.invitations.resend(tenant, actor, input.invitation, lifeOf(input.expires_in)),
})

export const revokeInvitation = defineOperation({
  id: 'revoke_invitation',
  title: 'Revoke an invitation',
  description: 'Ends an invitation that was not accepted yet.',
  scopes: ['tenant:admin'],
  effect: 'power',
  input: z.strictObject({ invitation: reference }),
  output: invitation,
  run: async (input, { registry, tenant, actor, precondition }) =>
    show(await registry.invitations.revoke(tenant, actor, input.invitation, (row) => precondition?.(show(row)))),
})
