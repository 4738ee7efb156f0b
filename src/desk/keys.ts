import { z } from 'zod'
import type { KeyRecord, NewKey } from '#tenancy/keys.ts'
import { doer, listInput, moment, pageAnswer, pageAsked, pageOf, slug, time } from './fields.ts'
import { defineOperation } from './operation.ts'
import { rangeInput, rangeOf, usageReport } from './usage.ts'

const id = z.string().min(1).max(64).describe('Public id of the key: the part after gh_key_.')

const key = z
  .object({
    id: z.string().describe('The public part of gh_key_<id>_<secret>_<checksum>.'),
    slug,
    name: z.string(),
    scopes: z.array(z.string()),
    role: z.enum(['viewer', 'member', 'admin']).describe('The most it can do, whatever its scopes say.'),
    cidrs: z.array(z.string()).describe('The only networks it works from; empty: any.'),
    requests_per_hour: z.int().nullable().describe('null: no limit of its own.'),
    creator: doer('made it'),
    creator_active: z.boolean().describe('false: its creator is no member any more, so it works for nobody.'),
    status: z.enum(['active', 'expired', 'revoked']),
    created_at: time,
    expires_at: time.nullable(),
    revoked_at: time.nullable(),
    last_used_at: time.nullable().describe('To the minute.'),
    last_used_ip: z.string().nullable(),
    rotated_to: z.string().nullable().describe('Id of the key that takes its place.'),
  })
  .meta({ title: 'ApiKey' })

const created = key
  .extend({
    key: z
      .string()
      .nullable()
      .describe('The key itself; shown this once and stored nowhere. null: it was shown before, see Idempotency-Key.'),
  })
  .meta({ title: 'NewApiKey' })

const terms = {
  name: z.string().min(1).max(100).describe('What it is for.'),
  scopes: z
    .array(z.string().min(1).max(100))
    .min(1)
    .max(100)
    .describe('What it may do, within your own scopes; * is all data scopes.'),
  cidrs: z.array(z.string().min(1).max(64)).max(100).describe('Networks such as 203.0.113.0/24; none: any.'),
  expires_at: moment.describe('1 to 365 days ahead.'),
  requests_per_hour: z.int().min(1).max(1_000_000).nullable().describe('null: no limit of its own.'),
}

const show = (record: KeyRecord): z.output<typeof key> => key.parse(record)
const showNew = ({ key, record }: NewKey): z.output<typeof created> => ({ ...show(record), key })

/** The same with the expiry as the registry takes it. */
const timed = <Terms extends { readonly expires_at?: string }>({
  expires_at,
  ...terms
}: Terms): Omit<Terms, 'expires_at'> & { readonly expires_at?: number } =>
  expires_at === undefined ? terms : { ...terms, expires_at: Date.parse(expires_at) }

export const listApiKeys = defineOperation({
  id: 'list_api_keys',
  title: 'List API keys',
  description: 'Your own keys; all of the tenant for admins. Expired and revoked ones too, never a secret.',
  scopes: [],
  effect: 'read',
  input: z.strictObject(listInput),
  output: pageOf(key),
  run: async (input, { registry, tenant, actor }) =>
    pageAnswer(await registry.keys.list(tenant, actor, pageAsked(input)), show),
})

export const createApiKey = defineOperation({
  id: 'create_api_key',
  title: 'Create an API key',
  description:
    'A key for a program, within your own scopes; it never reaches further than you do at the time of use. It works for 90 days unless ' +
    'told otherwise. Keys cannot make keys.',
  scopes: [],
  effect: 'power',
  input: z.strictObject({
    name: terms.name,
    scopes: terms.scopes.default(['*']),
    cidrs: terms.cidrs.exactOptional(),
    expires_at: terms.expires_at.exactOptional(),
    requests_per_hour: terms.requests_per_hour.exactOptional(),
  }),
  output: created,
  secrets: ['key'],
  run: async (input, { registry, tenant, actor }) => showNew(await registry.keys.create(tenant, actor, timed(input))),
})

export const getApiKey = defineOperation({
  id: 'get_api_key',
  title: 'Get an API key',
  description: 'One key, never its secret.',
  scopes: [],
  effect: 'read',
  input: z.strictObject({ id }),
  output: key,
  run: async (input, { registry, tenant, actor }) => show(await registry.keys.show(tenant, actor, input.id)),
})

export const updateApiKey = defineOperation({
  id: 'update_api_key',
  title: 'Change an API key',
  description: 'Changes what is given of name, scopes, networks, expiry and limit. The secret stays.',
  scopes: [],
  effect: 'power',
  input: z.strictObject({
    id,
    name: terms.name.exactOptional(),
    scopes: terms.scopes.exactOptional(),
    cidrs: terms.cidrs.exactOptional(),
    expires_at: terms.expires_at.exactOptional(),
    requests_per_hour: terms.requests_per_hour.exactOptional(),
  }),
  output: key,
  run: async ({ id, ...changes }, { registry, tenant, actor, precondition }) =>
    show(await registry.keys.update(tenant, actor, id, timed(changes), (row) => precondition?.(show(row)))),
})

export const rotateApiKey = defineOperation({
  id: 'rotate_api_key',
  title: 'Rotate an API key',
  description:
    'Makes a new key with the same rights. The old one works for a while longer, so that nothing has to stop.',
  scopes: [],
  effect: 'power',
  input: z.strictObject({
    id,
    overlap: z
      .int()
      .min(0)
      .max(30 * 86_400)
      .default(86_400)
      .describe('Seconds for which the old key works on; 0: it stops at once.'),
    expires_at: terms.expires_at.exactOptional().describe('Of the new key; default: that of the old one.'),
  }),
  output: created,
  secrets: ['key'],
  run: async ({ id, overlap, ...rest }, { registry, tenant, actor }) =>
    showNew(await registry.keys.rotate(tenant, actor, id, { overlap: overlap * 1000, ...timed(rest) })),
})

export const revokeApiKey = defineOperation({
  id: 'revoke_api_key',
  title: 'Revoke an API key',
  description: 'Ends a key for good, everywhere within a second.',
  scopes: [],
  effect: 'power',
  input: z.strictObject({ id }),
  output: z.object({ id: z.string(), revoked: z.literal(true) }),
  async run(input, { registry, tenant, actor, precondition }) {
    await registry.keys.revoke(tenant, actor, input.id, (row) => precondition?.(show(row)))
    return { id: input.id, revoked: true as const }
  },
})

export const adoptApiKey = defineOperation({
  id: 'adopt_api_key',
  title: 'Adopt an API key',
  description: 'Takes over a key whose creator is gone: it works again, and from now on no further than you do.',
  scopes: ['tenant:owner'],
  effect: 'power',
  input: z.strictObject({ id }),
  output: key,
  run: async (input, { registry, tenant, actor }) => show(await registry.keys.adopt(tenant, actor, input.id)),
})

export const validateApiKey = defineOperation({
  id: 'validate_api_key',
  title: 'Validate an API key',
  description:
    'What became of a key that somebody holds: does it work, since when not, and what may it do. This is no use of the key.',
  scopes: [],
  effect: 'read',
  input: z.strictObject({ key: z.string().min(1).max(256).describe('The whole key.') }),
  output: z.object({
    verdict: z
      .enum(['active', 'malformed', 'unknown', 'expired', 'revoked', 'stopped'])
      .describe('unknown: none that you may see, or with another secret. stopped: its creator is gone.'),
    record: key.nullable().describe('null: malformed or unknown.'),
    scopes: z.array(z.string()).describe('What it may do at this moment; empty unless it is active.'),
  }),
  async run(input, { registry, tenant, actor }) {
    const { verdict, record, scopes } = await registry.keys.validate(tenant, actor, input.key)
    return { verdict, record: record === null ? null : show(record), scopes: [...scopes] }
  },
})

export const getApiKeyUsage = defineOperation({
  id: 'get_api_key_usage',
  title: 'Get the usage of an API key',
  description: 'What was called with one key: in all, per hour or day, and per tool.',
  scopes: [],
  effect: 'read',
  input: z.strictObject({ id, ...rangeInput }),
  output: usageReport,
  run: async ({ id, ...range }, { registry, tenant, actor }) =>
    usageReport.parse(await registry.keys.usage(tenant, actor, id, rangeOf(range))),
})
