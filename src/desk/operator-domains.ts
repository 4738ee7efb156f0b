import { z } from 'zod'
import { domain, name, showDomain, terms } from './domains.ts'
import { time } from './fields.ts'
import { defineOperatorOperation } from './operation.ts'

const slug = z.string().min(1).max(41).describe('Slug of the tenant.')

const waiting = z
  .object({
    id: z.uuid(),
    slug,
    domain: z.string(),
    why: z.enum(['contested', 'approval']).describe('contested: another has it; approval: its proof lapsed once.'),
    held_by: z.string().nullable().describe('Slug of the tenant that has it now.'),
    awaiting_since: time,
  })
  .meta({ title: 'WaitingClaim' })

export const listWaitingClaims = defineOperatorOperation({
  id: 'operator_list_waiting_claims',
  title: 'List claims that wait',
  description: "Domains that were proved and wait for an operator's word, the longest waiting first; all of them.",
  scopes: [],
  effect: 'read',
  input: z.strictObject({}),
  output: z.object({ items: z.array(waiting), next_cursor: z.null() }),
  run: async (_input, { registry, actor }) => ({
    items: (await registry.claims.waiting(actor)).map((row) => waiting.parse(row)),
    next_cursor: null,
  }),
})

export const approveClaim = defineOperatorOperation({
  id: 'operator_approve_claim',
  title: 'Approve a claim',
  description:
    'Verifies a domain whose record is there now, also when it lapsed once or another tenant has it. That tenant keeps its members and data, ' +
    'and nobody joins it by the domain any more.',
  scopes: [],
  effect: 'power',
  input: z.strictObject({ slug, domain: name }),
  output: domain,
  run: async (input, { registry, actor }) =>
    showDomain(await registry.claims.approve(await registry.tenants.get(actor, input.slug), actor, input.domain)),
})

export const verifyDomain = defineOperatorOperation({
  id: 'operator_verify_domain',
  title: 'Verify a domain by hand',
  description:
    'Gives a tenant a domain by the word of an operator, which is recorded as such. No DNS record is looked at.',
  scopes: [],
  effect: 'power',
  input: z.strictObject({
    slug,
    domain: name,
    asserted_by: terms.asserted_by,
    include_subdomains: terms.include_subdomains.exactOptional(),
    join_mode: terms.join_mode.exactOptional(),
    default_role: terms.default_role.exactOptional(),
    allow_once: terms.allow_once.exactOptional(),
  }),
  output: domain,
  run: async ({ slug, ...input }, { registry, actor }) =>
    showDomain(await registry.domains.add(await registry.tenants.get(actor, slug), actor, input)),
})
