import { z } from 'zod'
import { RegistryError } from '#tenancy/registry-error.ts'
import type { TenantRecord } from '#tenancy/tenant-record.ts'
import type { TenantSettings } from '#tenancy/tenant-settings.ts'
import { slug, time } from './fields.ts'
import { defineOperation } from './operation.ts'

const tenant = z
  .object({
    id: z.uuid(),
    slug,
    name: z.string().describe('Display name; can change.'),
    status: z.enum(['active', 'suspended']),
    delete_after: time.nullable().describe('It is deleted after this; null: it stays.'),
    created_at: time,
  })
  .meta({ title: 'Tenant' })

const settings = z
  .object({
    mcp_admin: z.boolean().describe('May admins use the tools for admins from a chat?'),
    operator_access: z.boolean().describe('May operators look at this tenant as one of its members?'),
  })
  .meta({ title: 'TenantSettings' })

const show = (record: TenantRecord): z.output<typeof tenant> => tenant.parse(record)
const showSettings = (present: TenantSettings): z.output<typeof settings> => settings.parse(present)

export const getTenant = defineOperation({
  id: 'get_tenant',
  title: 'Get the tenant',
  description: 'The tenant that this token and address lead to.',
  scopes: [],
  effect: 'read',
  input: z.strictObject({}),
  output: tenant,
  run: async (_input, call) => show(await call.registry.tenants.show(call.actor, call.tenant.slug)),
})

export const updateTenant = defineOperation({
  id: 'update_tenant',
  title: 'Rename the tenant',
  description: 'Changes the display name. The slug stays for ever.',
  scopes: ['tenant:admin'],
  effect: 'change',
  input: z.strictObject({ name: z.string().min(1).max(200) }),
  output: tenant,
  async run({ name }, { registry, tenant, actor, precondition }) {
    return show(await registry.tenants.rename(tenant, actor, name, (row) => precondition?.(show(row))))
  },
})

export const getTenantSettings = defineOperation({
  id: 'get_tenant_settings',
  title: 'Get the settings',
  description: 'What an owner turns on and off.',
  scopes: ['tenant:admin'],
  effect: 'read',
  input: z.strictObject({}),
  output: settings,
  run: async (_input, call) => showSettings(await call.registry.tenants.show(call.actor, call.tenant.slug)),
})

export const updateTenantSettings = defineOperation({
  id: 'update_tenant_settings',
  title: 'Change the settings',
  description: 'Turns on or off what is given; counts on every replica within a second.',
  scopes: ['tenant:owner'],
  effect: 'power',
  input: z.strictObject({
    mcp_admin: settings.shape.mcp_admin.exactOptional(),
    operator_access: settings.shape.operator_access.exactOptional(),
  }),
  output: settings,
  run: async (input, { registry, tenant, actor, precondition }) =>
    showSettings(
      await registry.tenants.setSettings(tenant, actor, input, (present) => precondition?.(showSettings(present))),
    ),
})

const MEDIA = 'application/gzip'
export const ARCHIVE_MEDIA: readonly string[] = [MEDIA]

export const exportTenant = defineOperation({
  id: 'export_tenant',
  title: 'Export the tenant',
  description:
    'Everything the tenant has as one archive, sent as it is read; no secret is in it. One that ends without end.json was cut off.',
  scopes: ['tenant:owner'],
  effect: 'read',
  input: z.strictObject({}),
  output: z.object({ filename: z.string(), media_type: z.string(), text: z.custom<AsyncIterable<Uint8Array>>() }),
  async run(_input, { archive, clock, tenant, actor }) {
    const day = new Date(clock.now()).toISOString().slice(0, 10)
    const text = await archive.exportTenant(tenant, actor)
    return { filename: `${tenant.slug}-${day}.tar.gz`, media_type: MEDIA, text }
  },
})

export const askTenantDeletion = defineOperation({
  id: 'ask_tenant_deletion',
  title: 'Ask for the deletion of the tenant',
  description:
    'The tenant works on for the waiting period and is deleted with everything in it then, unless it is taken back.',
  scopes: ['tenant:owner'],
  effect: 'power',
  input: z.strictObject({ confirm: z.string().max(100).describe('The slug of the tenant, to say that it is meant.') }),
  output: z.object({ slug, delete_after: time }),
  async run({ confirm }, { registry, tenant, actor }) {
    // By the name that the field has here.
    if (confirm !== tenant.slug) throw new RegistryError('invalid', `say ${tenant.slug} to have it deleted`, 'confirm')
    return { slug: tenant.slug, delete_after: await registry.tenants.askDeletion(tenant, actor, confirm) }
  },
})

export const keepTenant = defineOperation({
  id: 'keep_tenant',
  title: 'Take the deletion back',
  description: 'The tenant stays. Nothing to take back: nothing happens.',
  scopes: ['tenant:owner'],
  effect: 'power',
  input: z.strictObject({}),
  output: z.object({ slug, kept: z.literal(true) }),
  async run(_input, { registry, tenant, actor }) {
    await registry.tenants.keep(tenant, actor)
    return { slug: tenant.slug, kept: true as const }
  },
})
