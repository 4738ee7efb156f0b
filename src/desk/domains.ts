import { z } from 'zod'
import { encodeCursor } from '#toolkit/cursor.ts'
import type { ClaimRecord } from '#tenancy/claims.ts'
import type { DomainRecord } from '#tenancy/domains.ts'
import { listInput, pageOf, slug, time } from './fields.ts'
import { defineOperation } from './operation.ts'

export const name = z
  .string()
  .min(1)
  .max(253)
  .describe('The domain, for example acme.com; an international one as punycode.')

export const terms = {
  asserted_by: z
    .array(z.string().min(1).max(64))
    .min(1)
    .max(20)
    .describe('Ids of the providers that may say whose address of the domain is whose: google, oidc ...'),
  include_subdomains: z.boolean().describe('Do addresses at names below it count too?'),
  join_mode: z
    .enum(['auto', 'request', 'invite'])
    .describe('auto: people of the domain join at sign-in; request: they ask, an admin decides; invite: neither.'),
  default_role: z.enum(['viewer', 'member', 'admin']).describe('What people who join by it are at first.'),
  allow_once: z
    .boolean()
    .describe('May an address join by itself that was verified once, not at each sign-in (GitHub, database sign-ups)?'),
}

export const domain = z
  .object({
    id: z.uuid(),
    slug,
    domain: z.string(),
    state: z
      .enum(['pending', 'verified', 'lapsed', 'expired', 'contested'])
      .describe('Only verified lets people join. contested: proved, but another has it; an operator decides.'),
    verified_by: z.enum(['dns', 'operator', 'provision']).nullable(),
    ...terms,
    created_at: time,
    verified_at: time.nullable(),
    checked_at: time.nullable(),
    next_check: time.nullable().describe('When it is looked at again by itself; null: never.'),
    problem: z
      .object({ code: z.string(), message: z.string().describe('For the person who has to mend it.') })
      .nullable()
      .describe('What the last check found wrong.'),
    lapses_at: time.nullable().describe('When it lapses unless its record is back; null: it is in order.'),
    expires_at: time.nullable().describe('When the claim ends unless it is proved; null: it does not.'),
  })
  .meta({ title: 'Domain' })

const claim = domain
  .extend({
    name_relative: z
      .string()
      .nullable()
      .describe('Name of the TXT record, for panels that add the domain themselves; null: nothing is to be proved.'),
    name_absolute: z.string().nullable().describe('Name of the TXT record in full.'),
    expected: z.string().nullable().describe('Value of the TXT record.'),
  })
  .meta({ title: 'DomainClaim' })

const report = claim
  .extend({
    seen: z
      .array(
        z.object({
          name: z.string(),
          values: z.array(z.string()),
          from: z.string().describe('The DNS servers that said so.'),
        }),
      )
      .describe('Records that were found, at the right name and at likely wrong ones.'),
    asked: z.string().describe('The DNS servers that were asked.'),
  })
  .meta({ title: 'DomainCheck' })

/** Some of the terms, as a claim or a change gives them. */
const someTerms = {
  asserted_by: terms.asserted_by.exactOptional(),
  include_subdomains: terms.include_subdomains.exactOptional(),
  join_mode: terms.join_mode.exactOptional(),
  default_role: terms.default_role.exactOptional(),
  allow_once: terms.allow_once.exactOptional(),
}

export const showDomain = (record: DomainRecord): z.output<typeof domain> => domain.parse(record)
const showClaim = (record: ClaimRecord): z.output<typeof claim> => claim.parse(record)

export const listDomains = defineOperation({
  id: 'list_domains',
  title: 'List domains',
  description: 'The email domains of this tenant by name: how far their proof is, and how people join by them.',
  scopes: [],
  effect: 'read',
  input: z.strictObject(listInput),
  output: pageOf(domain),
  async run(input, { registry, tenant, actor }) {
    const { limit, cursor } = input
    const after = cursor?.after ?? ''
    const rest = (await registry.domains.list(tenant, actor)).filter((row) => row.domain > after)
    const items = rest.slice(0, limit)
    const last = items.at(-1)
    const next_cursor = rest.length > limit && last !== undefined ? encodeCursor({ after: last.domain }) : null
    return { items: items.map(showDomain), next_cursor }
  },
})

export const claimDomain = defineOperation({
  id: 'claim_domain',
  title: 'Claim a domain',
  description:
    'Begins the claim of an email domain and answers the DNS TXT record that proves it. Nobody joins by it before check_domain finds that ' +
    'record. An open claim is answered as it is.',
  // A member of a tenant without an owner may prove its domain too: the registry knows when.
  scopes: [],
  effect: 'power',
  input: z.strictObject({ domain: name, ...someTerms }),
  output: claim,
  run: async (input, { registry, tenant, actor }) => showClaim(await registry.claims.claim(tenant, actor, input)),
})

export const getDomain = defineOperation({
  id: 'get_domain',
  title: 'Get a domain',
  description: 'One domain, with the TXT record that proves it while there is something to prove.',
  scopes: [],
  effect: 'read',
  input: z.strictObject({ domain: name }),
  output: claim,
  run: async (input, { registry, tenant, actor }) => showClaim(await registry.claims.show(tenant, actor, input.domain)),
})

export const checkDomain = defineOperation({
  id: 'check_domain',
  title: 'Check a domain now',
  description:
    'Looks in the DNS now and answers what stands there, the probable mistake, and what became of the domain. At most once in 10 seconds; ' +
    'it is looked at by itself too.',
  scopes: [],
  effect: 'change',
  input: z.strictObject({ domain: name }),
  output: report,
  run: async (input, { registry, tenant, actor }) =>
    report.parse(await registry.claims.check(tenant, actor, input.domain)),
})

export const updateDomain = defineOperation({
  id: 'update_domain',
  title: 'Change how people join by a domain',
  description: 'Changes what is given of join mode, first role, providers and subdomains. Who joined before stays.',
  scopes: ['tenant:admin'],
  effect: 'power',
  input: z.strictObject({ domain: name, ...someTerms }),
  output: claim,
  run: async ({ domain, ...changes }, { registry, tenant, actor, precondition }) =>
    showClaim(await registry.claims.set(tenant, actor, domain, changes, (row) => precondition?.(showClaim(row)))),
})

export const removeDomain = defineOperation({
  id: 'remove_domain',
  title: 'Remove a domain',
  description:
    'Takes a domain off the list: nobody joins by it any more. Members stay, and can be removed by themselves.',
  scopes: ['tenant:admin'],
  effect: 'power',
  input: z.strictObject({ domain: name }),
  output: z.object({ domain: z.string(), removed: z.literal(true) }),
  async run(input, { registry, tenant, actor, precondition }) {
    await registry.domains.remove(tenant, actor, input.domain, (row) => precondition?.(showClaim(row)))
    return { domain: input.domain, removed: true as const }
  },
})
