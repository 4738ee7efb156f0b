import { z } from 'zod'
import { RegistryError } from '#tenancy/registry-error.ts'
import type { TenantRecord } from '#tenancy/tenant-record.ts'
import { listInput, pageAnswer, pageAsked, pageOf, time } from './fields.ts'
import { defineOperatorOperation } from './operation.ts'

const slug = z.string().min(1).max(41).describe('Slug of the tenant.')

const placement = z.string().describe('Which database holds it; default is DATABASE_URL.')
const origin = z.enum(['operator', 'provision', 'personal', 'development']).describe('How it came to be.')

export const tenant = z
  .object({
    id: z.uuid(),
    slug,
    name: z.string(),
    status: z.enum(['active', 'suspended', 'deleted']),
    placement,
    origin,
    plan: z.string().nullable().describe('The name of its plan; null: the limits of the server.'),
    mcp_admin: z.boolean().describe('Do the tools for admins count over MCP?'),
    operator_access: z.boolean().describe('May operators see it as one of its members?'),
    delete_after: time.nullable(),
    delete_asked_by: z.string().nullable(),
    created_at: time,
    suspended_at: time.nullable(),
    deleted_at: time.nullable(),
  })
  .meta({ title: 'OperatorTenant' })

export const showTenant = (record: TenantRecord): z.output<typeof tenant> => tenant.parse(record)

const summary = z
  .object({
    id: z.uuid(),
    slug,
    name: z.string(),
    status: z.enum(['active', 'suspended', 'deleted']),
    origin,
    placement,
    schema_version: z.int(),
    members: z.int().describe('Active ones.'),
    owners: z.int(),
    domains: z.array(z.string()).describe('Verified ones, 5 at most.'),
    keys: z.int().describe('Neither revoked nor expired.'),
    last_used_at: time.nullable().describe('The hour in which it was last called.'),
    operator_access: z.boolean(),
    delete_after: time.nullable(),
    created_at: time,
  })
  .meta({ title: 'OperatorTenantSummary' })

export const listTenants = defineOperatorOperation({
  id: 'operator_list_tenants',
  title: 'List tenants',
  description:
    'Tenants, the newest first, with what says how they are doing. Deleted ones only when they are asked for.',
  scopes: [],
  effect: 'read',
  input: z.strictObject({
    search: z
      .string()
      .min(1)
      .max(200)
      .exactOptional()
      .describe('Only those with this in their slug, name or a domain.'),
    status: z.enum(['active', 'suspended', 'deleted']).exactOptional(),
    ...listInput,
  }),
  output: pageOf(summary),
  async run({ search, limit, cursor, ...query }, { registry, actor }) {
    const text = search === undefined ? {} : { text: search }
    const page = await registry.tenants.search(actor, { ...query, ...text }, pageAsked({ limit, cursor }))
    return pageAnswer(page, (row) => summary.parse(row))
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
    return showTenant(await registry.tenants.show(actor, slug))
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
  run: async (input, { registry, actor }) => showTenant(await registry.tenants.show(actor, input.slug)),
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
    return showTenant(await registry.tenants.show(actor, input.slug))
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
    return showTenant(await registry.tenants.show(actor, input.slug))
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
