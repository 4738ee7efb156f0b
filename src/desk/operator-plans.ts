import { z } from 'zod'
import { PLAN_RANGES } from '#tenancy/plans.ts'
import type { TenantLimits } from '#tenancy/tenant.ts'
import { showTenant, tenant } from './operator-tenants.ts'
import { time } from './fields.ts'
import { defineOperatorOperation } from './operation.ts'

const name = z.string().min(1).max(41).describe('Name of the plan: a-z first, then a-z 0-9 _.')

const limit = (of: keyof TenantLimits, about: string) =>
  z
    .int()
    .min(PLAN_RANGES[of][0])
    .max(PLAN_RANGES[of][1])
    .nullable()
    .describe(`${about}; null: what the configuration of the server says.`)

const limits = {
  calls_per_minute: limit('calls_per_minute', 'Calls per minute of a tenant'),
  calls_per_minute_principal: limit('calls_per_minute_principal', 'Calls per minute of one person or key'),
  concurrent_calls: limit('concurrent_calls', 'Calls of a tenant at the same time'),
  result_bytes: limit('result_bytes', 'Octets of one result, never above the server’s'),
  call_seconds: limit('call_seconds', 'Seconds of one call, never above the server’s'),
  keys: limit('keys', 'Working API keys of one member'),
}

const plan = z
  .object({ name, title: z.string(), ...limits, tenants: z.int().describe('How many have it.'), changed_at: time })
  .meta({ title: 'Plan' })

export const listPlans = defineOperatorOperation({
  id: 'operator_list_plans',
  title: 'List plans',
  description: 'Every plan: what its tenants may do at most.',
  scopes: [],
  effect: 'read',
  input: z.strictObject({}),
  output: z.object({ items: z.array(plan) }),
  run: async (_input, { registry, actor }) => ({ items: [...(await registry.plans.list(actor))] }),
})

export const getPlan = defineOperatorOperation({
  id: 'operator_get_plan',
  title: 'Get a plan',
  description: 'One plan.',
  scopes: [],
  effect: 'read',
  input: z.strictObject({ plan: name }),
  output: plan,
  run: async (input, { registry, actor }) => await registry.plans.show(actor, input.plan),
})

export const setPlan = defineOperatorOperation({
  id: 'operator_set_plan',
  title: 'Set a plan',
  description: 'Makes a plan, or changes what is given of it. Every replica goes by it within a second.',
  scopes: [],
  effect: 'power',
  input: z.strictObject({
    plan: name,
    title: z.string().min(1).max(100).exactOptional().describe('What people read; default: the name.'),
    calls_per_minute: limits.calls_per_minute.exactOptional(),
    calls_per_minute_principal: limits.calls_per_minute_principal.exactOptional(),
    concurrent_calls: limits.concurrent_calls.exactOptional(),
    result_bytes: limits.result_bytes.exactOptional(),
    call_seconds: limits.call_seconds.exactOptional(),
    keys: limits.keys.exactOptional(),
  }),
  output: plan,
  run: async ({ plan: named, ...input }, { registry, actor }) => await registry.plans.set(actor, named, input),
})

export const removePlan = defineOperatorOperation({
  id: 'operator_remove_plan',
  title: 'Remove a plan',
  description: 'Ends a plan that no tenant has.',
  scopes: [],
  effect: 'power',
  input: z.strictObject({ plan: name }),
  output: z.object({ name, removed: z.literal(true) }),
  async run(input, { registry, actor }) {
    await registry.plans.remove(actor, input.plan)
    return { name: input.plan, removed: true as const }
  },
})

export const setTenantPlan = defineOperatorOperation({
  id: 'operator_set_tenant_plan',
  title: 'Give a tenant a plan',
  description: 'From then on its calls are held to the limits of the plan, on every replica within a second.',
  scopes: [],
  effect: 'power',
  input: z.strictObject({
    slug: z.string().min(1).max(41).describe('Slug of the tenant.'),
    plan: name.nullable().describe('Name of the plan; null: none, the limits of the server.'),
  }),
  output: tenant,
  run: async ({ slug, plan: named }, { registry, actor }) =>
    showTenant(await registry.plans.assign(await registry.tenants.get(actor, slug), actor, named)),
})
