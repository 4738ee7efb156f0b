import { z } from 'zod'
import { listInput, pageAnswer, pageAsked, pageOf, personRole, slug, time } from './fields.ts'
import { defineOperation } from './operation.ts'

const reference = z.string().min(1).max(400).describe('Id of the request, user_id, or the email address.')

const request = z
  .object({
    id: z.uuid(),
    slug,
    user_id: z.string(),
    email: z.string().nullable(),
    name: z.string().nullable(),
    role: personRole.describe('What they become unless the approval says otherwise.'),
    evidence: z.string().nullable().describe('The domain or organisation that led them here.'),
    created_at: time,
  })
  .meta({ title: 'JoinRequest' })

export const listRequests = defineOperation({
  id: 'list_requests',
  title: 'List requests to join',
  description: 'Who asked to join and waits for an answer. Who was declined is not listed for 30 days.',
  scopes: ['tenant:admin'],
  effect: 'read',
  input: z.strictObject(listInput),
  output: pageOf(request),
  run: async (input, { registry, tenant, actor }) =>
    pageAnswer(await registry.requests.list(tenant, actor, pageAsked(input)), (row) => request.parse(row)),
})

export const approveRequest = defineOperation({
  id: 'approve_request',
  title: 'Approve a request',
  description: 'Makes who asked a member who stands by themself: their domain or organisation is no longer asked for.',
  scopes: ['tenant:admin'],
  effect: 'power',
  input: z.strictObject({
    request: reference,
    role: personRole.exactOptional().describe('Default: the role that the request names.'),
  }),
  output: z.object({ id: z.uuid(), slug, user_id: z.string(), role: personRole, status: z.enum(['active']) }),
  async run(input, { registry, tenant, actor }) {
    const { id, slug, user_id, role } = await registry.requests.approve(tenant, actor, input.request, input.role)
    return { id, slug, user_id, role, status: 'active' as const }
  },
})

export const declineRequest = defineOperation({
  id: 'decline_request',
  title: 'Decline a request',
  description: 'Says no for 30 days; after that their next sign-in asks again. They are told no more than before.',
  scopes: ['tenant:admin'],
  effect: 'power',
  input: z.strictObject({ request: reference }),
  output: z.object({ id: z.uuid(), slug, user_id: z.string(), declined_until: time.nullable() }),
  run: async (input, { registry, tenant, actor }) => await registry.requests.decline(tenant, actor, input.request),
})
