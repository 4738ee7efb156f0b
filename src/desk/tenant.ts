import { z } from 'zod'
import type { TenantRecord } from '#tenancy/tenant-record.ts'
import { slug, time } from './fields.ts'
import { defineOperation } from './operation.ts'

const tenant = z.object({
  id: z.uuid(),
  slug,
  name: z.string().describe('Display name; can change.'),
  status: z.enum(['active', 'suspended']),
  created_at: time,
})

const show = (record: TenantRecord): z.output<typeof tenant> => tenant.parse(record)

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
