import { z } from 'zod'
import { encodeCursor } from '#toolkit/cursor.ts'
import { RegistryError } from '#tenancy/registry-error.ts'
import type { TenantRecord } from '#tenancy/tenant-record.ts'
import { listInput, pageOf, time } from './fields.ts'
import { defineOperatorOperation } from './operation.ts'

const slug = z.string().min(1).max(41).describe('Slug of the tenant.')

const tenant = z
  .object({
    id: z.uuid(),
    slug,
    name: z.string(),
    status: z.enum(['active', 'suspended', 'deleted']),
    placement: z.string().describe('Which database holds it; default is DATABASE_URL.'),
    origin: z.enum(['operator', 'provision', 'personal', 'development']).describe('How it came to be.'),
    mcp_admin: z.boolean().describe('Do the tools for admins count over MCP?'),
    operator_access: z.boolean().describe('May operators see it as one of its members?'),
    delete_after: time.nullable(),
    delete_asked_by: z.string().nullable(),
    created_at: time,
    suspended_at: time.nullable(),
    deleted_at: time.nullable(),
  })
  .meta({ title: 'OperatorTenant' })

const show = (record: TenantRecord): z.output<typeof tenant> => tenant.parse(record)

export const listTenants = defineOperatorOperation({
  id: 'operator_list_tenants',
  title: 'List tenants',
  description: 'All tenants in the order in which they were made, deleted ones too: their slugs are never used again.',
  scopes: [],
  effect: 'read',
  input: z.strictObject({
    search: z.string().min(1).max(200).exactOptional().describe('Only those with this in their slug or name.'),
    status: z.enum(['active', 'suspended', 'deleted']).exactOptional(),
    ...listInput,
  }),
  output: pageOf(tenant),
  async run({ search, status, limit, cursor }, { registry, actor }) {
    const wanted = search?.toLowerCase()
    const rest = (await registry.tenants.list(actor)).filter(
      (row) =>
        row.id > (cursor?.after ?? '') &&
        (status === undefined || row.status === status) &&
        (wanted === undefined || row.slug.includes(wanted) || row.name.toLowerCase().includes(wanted)),
    )
    const items = rest.slice(0, limit)
    const last = items.at(-1)
    const next_cursor = rest.length > limit && last !== undefined ? encodeCursor({ after: last.id }) : null
    return { items: items.map(show), next_cursor }
  },
})

export const createTenant = defineOperatorOperation({
  id: 'operator_create_tenant',
  title: 'Create a tenant',
  description: 'A tenant with a schema of its own and nobody in it yet: invite its first owner, or verify its domain.',
  scopes: [],
  effect: 'power',
  input: z.strictObject({
    slug: slug.describe('a-z first, then a-z 0-9 _, at most 41 characters; never renamed, never used again.'),
    name: z.string().min(1).max(200).exactOptional().describe('Display name; default: the slug.'),
    placement: z.string().min(1).max(64).exactOptional().describe('Which database holds it; default: DATABASE_URL.'),
  }),
  output: tenant,
  async run(input, { registry, actor }) {
    const { slug } = await registry.tenants.create(actor, input)
    return show(await registry.tenants.show(actor, slug))
  },
})

export const getOperatorTenant = defineOperatorOperation({
  id: 'operator_get_tenant',
  title: 'Get a tenant',
  description: 'One tenant, also a deleted one.',
  scopes: [],
  effect: 'read',
  input: z.strictObject({ slug }),
  output: tenant,
  run: async (input, { registry, actor }) => show(await registry.tenants.show(actor, input.slug)),
})

export const suspendTenant = defineOperatorOperation({
  id: 'operator_suspend_tenant',
  title: 'Suspend a tenant',
  description: 'Nobody gets in any more, and when this is answered no call of it is under way. Nothing is lost.',
  scopes: [],
  effect: 'power',
  input: z.strictObject({ slug }),
  output: tenant,
  async run(input, { registry, actor }) {
    await registry.tenants.suspend(await registry.tenants.get(actor, input.slug), actor)
    return show(await registry.tenants.show(actor, input.slug))
  },
})

export const resumeTenant = defineOperatorOperation({
  id: 'operator_resume_tenant',
  title: 'Resume a tenant',
  description: 'Lets the people of a suspended tenant in again.',
  scopes: [],
  effect: 'power',
  input: z.strictObject({ slug }),
  output: tenant,
  async run(input, { registry, actor }) {
    await registry.tenants.resume(await registry.tenants.get(actor, input.slug), actor)
    return show(await registry.tenants.show(actor, input.slug))
  },
})

export const deleteTenant = defineOperatorOperation({
  id: 'operator_delete_tenant',
  title: 'Delete a tenant',
  description:
    'At once and for good: its schema and data are dropped, its domains freed, its keys ended. There is no waiting period here.',
  scopes: [],
  effect: 'power',
  input: z.strictObject({
    slug,
    confirm: z.string().max(100).describe('The slug once more, to say that it is meant.'),
  }),
  output: z.object({ slug, deleted: z.literal(true) }),
  async run({ slug, confirm }, { registry, actor }) {
    const tenant = await registry.tenants.get(actor, slug)
    if (confirm !== slug) throw new RegistryError('invalid', `say ${slug} once more to delete it`, 'confirm')
    await registry.tenants.delete(tenant, actor)
    return { slug, deleted: true as const }
  },
})
