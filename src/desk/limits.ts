import { z } from 'zod'
import { defineOperation } from './operation.ts'

const perMinute = z
  .int()
  .nullable()
  .describe('Requests per minute, counted by each replica for itself; null: not limited.')

const limits = z
  .object({
    requests_per_minute_tenant: perMinute,
    requests_per_minute_caller: perMinute.describe(
      'Of one person or key, per minute and replica; null: not limited. A key may have a limit per hour besides.',
    ),
  })
  .meta({ title: 'Limits' })

export const getLimits = defineOperation({
  id: 'get_limits',
  title: 'Get limits',
  description:
    'How many requests the tenant and each of its people and keys may make. The RateLimit headers say what is left.',
  scopes: [],
  effect: 'read',
  input: z.strictObject({}),
  output: limits,
  run: async (_input, call) => call.limits,
})
