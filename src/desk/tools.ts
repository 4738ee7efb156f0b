import { z } from 'zod'
import type { TenantTool, ToolSwitches } from '#tenancy/tenant-tools.ts'
import { defineOperation, defineOperatorOperation } from './operation.ts'

const slug = z.string().min(1).max(41).describe('Slug of the tenant.')

const tools = z
  .object({
    items: z.array(
      z.object({
        name: z.string(),
        title: z.string(),
        on: z.boolean().describe('Off: for everybody in the tenant it is as if it were not there.'),
        known: z
          .boolean()
          .describe('false: the server has no tool of this name any more. Should it have one again, that stays off.'),
      }),
    ),
  })
  .meta({ title: 'TenantTools' })

const names = (about: string) => z.array(z.string().min(1).max(128)).max(1000).exactOptional().describe(about)
const switches = {
  off: names('Names of tools to switch off.'),
  on: names('Names of tools to switch on again.'),
}

const show = (items: readonly TenantTool[]): z.output<typeof tools> => ({ items: items.map((item) => ({ ...item })) })
const switchesOf = ({ off = [], on = [] }: ToolSwitches): ToolSwitches => ({ off, on })

const GET =
  'Every tool that the server has, and which of them the tenant has switched off; prompts and resources have no switch.'
const UPDATE =
  'Switches off and on what is named and leaves the rest; counts on every replica within a second. An unknown name changes nothing.'

export const getTenantTools = defineOperation({
  id: 'get_tenant_tools',
  title: 'Get the tools of the tenant',
  description: GET,
  scopes: ['tenant:admin'],
  effect: 'read',
  input: z.strictObject({}),
  output: tools,
  run: async (_input, { registry, tenant, actor }) => show(await registry.tools.list(tenant, actor)),
})

export const updateTenantTools = defineOperation({
  id: 'update_tenant_tools',
  title: 'Switch tools off and on',
  description: UPDATE,
  scopes: ['tenant:admin'],
  effect: 'power',
  input: z.strictObject(switches),
  output: tools,
  run: async (input, { registry, tenant, actor, precondition }) =>
    show(await registry.tools.set(tenant, actor, switchesOf(input), (present) => precondition?.(show(present)))),
})

export const getOperatorTenantTools = defineOperatorOperation({
  id: 'operator_get_tenant_tools',
  title: 'Get the tools of a tenant',
  description: GET,
  scopes: [],
  effect: 'read',
  input: z.strictObject({ slug }),
  output: tools,
  run: async (input, { registry, actor }) =>
    show(await registry.tools.list(await registry.tenants.get(actor, input.slug), actor)),
})

export const updateOperatorTenantTools = defineOperatorOperation({
  id: 'operator_update_tenant_tools',
  title: 'Switch tools of a tenant off and on',
  description: `${UPDATE} It is the tenant’s own switch: its admins can turn it back.`,
  scopes: [],
  effect: 'power',
  input: z.strictObject({ slug, ...switches }),
  output: tools,
  async run(input, { registry, actor, precondition }) {
    const tenant = await registry.tenants.get(actor, input.slug)
    return show(await registry.tools.set(tenant, actor, switchesOf(input), (present) => precondition?.(show(present))))
  },
})
