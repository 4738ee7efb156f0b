import { z } from 'zod'
import type { Tenant } from '#tenancy/tenant.ts'
import { defineOperation, type LimitsReport } from './operation.ts'

const number = (about: string) => z.int().nullable().describe(`${about}; null: not limited.`)

const limits = z
  .object({
    plan: z.string().nullable().describe('The name of the plan; null: the limits of the server.'),
    requests_per_minute_tenant: number('Requests per minute of all its people and keys together'),
    requests_per_minute_caller: number(
      'Requests per minute of one person or key, who may have a limit per hour besides',
    ),
    concurrent_calls: number('Calls of the tenant at the same time, in each process of the server'),
    result_bytes: number('Octets of one result'),
    call_seconds: number('Seconds of one call of a tool that names no time of its own'),
    shared: z.boolean().describe('Do all processes of the server count requests together, or each for itself?'),
  })
  .meta({ title: 'Limits' })

/** What holds for a tenant: its plan's limits, and the server's where that has none. Size and time are never above the server's. */
export function limitsFor({ plan, limits: own }: Pick<Tenant, 'plan' | 'limits'>, server: LimitsReport) {
  const counted = server.requests_per_minute_tenant !== null
  return {
    plan,
    requests_per_minute_tenant: counted ? (own.calls_per_minute ?? server.requests_per_minute_tenant) : null,
    requests_per_minute_caller: counted ? (own.calls_per_minute_principal ?? server.requests_per_minute_caller) : null,
    concurrent_calls: least(own.concurrent_calls, server.concurrent_calls, 'own'),
    result_bytes: least(own.result_bytes, server.result_bytes),
    call_seconds: least(own.call_seconds, server.call_seconds),
    shared: server.shared,
  }
}

function least(own: number | null, server: number | null, wins?: 'own'): number | null {
  if (own === null || server === null) return own ?? server
  return wins === 'own' ? own : Math.min(own, server)
}

export const getLimits = defineOperation({
  id: 'get_limits',
  title: 'Get limits',
  description:
    'How many requests the tenant and each of its people and keys may make, and how large and long a call may be. The RateLimit headers say what is left.',
  scopes: [],
  effect: 'read',
  input: z.strictObject({}),
  output: limits,
  run: async (_input, call) => limitsFor(call.tenant, call.limits),
})
