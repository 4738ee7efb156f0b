import { z } from 'zod'
import type { MemberRecord } from '#tenancy/members.ts'
import { listInput, pageAnswer, pageAsked, pageOf, personRole, slug, time } from './fields.ts'
import { defineOperation } from './operation.ts'

const reference = z
  .string()
  .min(1)
  .max(400)
  .describe('Id of the membership, user_id (provider:subject), or the email address when only one member has it.')

const member = z
  .object({
    id: z.uuid().describe('Of the membership, not of the person.'),
    slug,
    user_id: z.string().describe('provider:subject, for example google:1098765'),
    provider: z.string(),
    iss: z.string(),
    sub: z.string(),
    email: z.string().nullable().describe('As their provider vouched for it last.'),
    name: z.string().nullable(),
    role: personRole,
    status: z.enum(['active', 'requested', 'removed']),
    source: z
      .enum(['operator', 'domain', 'organization', 'invitation', 'provision', 'personal', 'development'])
      .describe('How they came to belong.'),
    evidence: z.string().nullable().describe('The domain or organisation their membership rests on; null: on nothing.'),
    home: z.boolean().describe('Does the plain /mcp lead them here?'),
    tokens_not_before: time.nullable().describe('Tokens issued earlier are refused.'),
    created_at: time,
    removed_at: time.nullable(),
  })
  .meta({ title: 'Member' })

const show = (record: MemberRecord): z.output<typeof member> => member.parse(record)

export const listMembers = defineOperation({
  id: 'list_members',
  title: 'List members',
  description: 'Who belongs to this tenant, who asked to, and who was removed, in the order in which they came.',
  scopes: ['tenant:admin'],
  effect: 'read',
  input: z.strictObject({
    search: z.string().max(100).exactOptional().describe('Only who has this in their name, address or user_id.'),
    role: personRole.exactOptional(),
    status: z.enum(['active', 'requested', 'removed']).exactOptional(),
    ...listInput,
  }),
  output: pageOf(member),
  run: async ({ limit, cursor, ...filter }, { registry, tenant, actor }) =>
    pageAnswer(await registry.members.list(tenant, actor, { ...filter, ...pageAsked({ limit, cursor }) }), show),
})

export const getMember = defineOperation({
  id: 'get_member',
  title: 'Get a member',
  description: 'One member. Everybody may read about themselves.',
  scopes: [],
  effect: 'read',
  input: z.strictObject({ member: reference }),
  output: member,
  run: async (input, { registry, tenant, actor }) => show(await registry.members.show(tenant, actor, input.member)),
})

export const setMemberRole = defineOperation({
  id: 'set_member_role',
  title: 'Change a role',
  description: 'Makes a member viewer, member, admin or owner. Owners are made and unmade by owners; one always stays.',
  scopes: ['tenant:admin'],
  effect: 'power',
  input: z.strictObject({ member: reference, role: personRole }),
  output: member,
  run: async (input, { registry, tenant, actor, precondition }) =>
    show(await registry.members.setRole(tenant, actor, input.member, input.role, (row) => precondition?.(show(row)))),
})

export const removeMember = defineOperation({
  id: 'remove_member',
  title: 'Remove a member',
  description:
    'Ends a membership within a second, and the keys made by it. Everybody may leave, but for the last owner.',
  scopes: [],
  effect: 'power',
  input: z.strictObject({ member: reference }),
  output: z.object({ member: z.string(), removed: z.literal(true) }),
  async run(input, { registry, tenant, actor, precondition }) {
    await registry.members.remove(tenant, actor, input.member, (row) => precondition?.(show(row)))
    return { member: input.member, removed: true as const }
  },
})

export const revokeMemberTokens = defineOperation({
  id: 'revoke_member_tokens',
  title: 'Revoke the tokens of a member',
  description:
    'Refuses every token of this person that was issued before now; they have to sign in again. API keys go on.',
  scopes: [],
  effect: 'power',
  input: z.strictObject({ member: reference }),
  output: z.object({ member: z.string(), revoked: z.literal(true) }),
  async run(input, { registry, tenant, actor }) {
    await registry.members.revokeTokens(tenant, actor, input.member)
    return { member: input.member, revoked: true as const }
  },
})
