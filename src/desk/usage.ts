import { z } from 'zod'
import type { UsageRange } from '#tenancy/usage-range.ts'
import { moment, slug, time } from './fields.ts'
import { defineOperation } from './operation.ts'

/** What every report of usage is asked with. */
export const rangeInput = {
  since: moment.exactOptional().describe('Default: 30 days before `until`. The hour or day it lies in counts whole.'),
  until: moment.exactOptional().describe('Exclusive; default: now.'),
  step: z.enum(['hour', 'day']).exactOptional().describe('Default: hours up to two days, else days (UTC).'),
}

type RangeInput = { readonly [Name in keyof typeof rangeInput]?: z.output<(typeof rangeInput)[Name]> }

export const rangeOf = ({ since, until, step }: RangeInput): Partial<UsageRange> => ({
  ...(since === undefined ? {} : { since: Date.parse(since) }),
  ...(until === undefined ? {} : { until: Date.parse(until) }),
  ...(step === undefined ? {} : { step }),
})

const counts = {
  calls: z.int(),
  failures: z.int().describe('Calls that failed; they count as calls too.'),
  refusals: z.int().describe('Requests turned away before a tool was reached.'),
  total_ms: z.number(),
  max_ms: z.number(),
}

export const usageReport = z
  .object({
    slug,
    since: time,
    until: time,
    step: z.enum(['hour', 'day']),
    whose: z
      .enum(['tenant', 'own', 'key'])
      .describe('own: who is no admin sees their own calls and those of their keys.'),
    totals: z.object(counts),
    series: z.array(z.object({ at: time, ...counts })).describe('Every step, also those without calls.'),
    tools: z.array(z.object({ tool: z.string(), ...counts })).describe('The most called first, 100 at most.'),
    callers: z
      .array(
        z.object({
          user_id: z.string(),
          key: z.string().nullable().describe('Id of the API key; null: a person.'),
          name: z.string().nullable(),
          email: z.string().nullable(),
          ...counts,
        }),
      )
      .describe('The busiest first, 100 at most.'),
    callers_total: z.int(),
  })
  .meta({ title: 'UsageReport' })

export const getUsage = defineOperation({
  id: 'get_usage',
  title: 'Get usage',
  description:
    'How much was called: in all, per hour or day, per tool and per person or key. What the last 10 seconds brought may be missing. ' +
    'Whoever is no admin sees what is theirs.',
  scopes: [],
  effect: 'read',
  input: z.strictObject(rangeInput),
  output: usageReport,
  run: async (input, { registry, tenant, actor }) =>
    usageReport.parse(await registry.usage.report(tenant, actor, rangeOf(input))),
})
