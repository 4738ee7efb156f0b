import { z } from 'zod'
import { AUDIT_FORMATS } from '#tenancy/audit-export.ts'
import { AUDIT_OUTCOMES, AUDIT_SOURCES, type AuditQuery } from '#tenancy/audit-query.ts'
import { encodeCursor } from '#toolkit/cursor.ts'
import { listInput, moment, pageAsked, pageOf, time } from './fields.ts'
import { defineOperation } from './operation.ts'

const filters = {
  action: z.string().max(129).exactOptional().describe('One action, or all that begin so: domain.*, delete_*.'),
  actor: z
    .string()
    .max(2048)
    .exactOptional()
    .describe("A user_id, a member's email address or id, an API key's id or name, or operator:<name>."),
  target: z.string().max(2048).exactOptional().describe('Exactly this, or the email address of a member.'),
  outcome: z
    .enum(AUDIT_OUTCOMES)
    .exactOptional()
    .describe('refused: turned away before a tool ran; failed: in a tool.'),
  source: z
    .enum(AUDIT_SOURCES)
    .exactOptional()
    .describe('tools: tool calls and refused requests; admin: changes to the tenant, its people, domains and keys.'),
  since: moment.exactOptional().describe('Only what happened then or later.'),
  until: moment.exactOptional().describe('Only what happened before.'),
}

const entry = z
  .object({
    id: z.uuid(),
    at: time.describe('When it happened.'),
    source: z.enum(AUDIT_SOURCES),
    action: z.string().describe("A tool's name, object.verb in the past tense, or refused.<code>."),
    outcome: z.enum(AUDIT_OUTCOMES),
    actor: z.object({
      type: z.enum(['person', 'key', 'operator', 'system', 'unknown']),
      id: z.string().nullable().describe("A person's user_id, a key's id, an operator's name."),
      name: z.string().nullable(),
      email: z.string().nullable(),
    }),
    target: z.string().nullable(),
    target_name: z.string().nullable().describe('The member or key that it was about, as people know it.'),
    ip: z.string().nullable(),
    request_id: z.string().nullable(),
    latency_ms: z.number().nullable(),
    detail: z.record(z.string(), z.unknown()).nullable(),
  })
  .meta({ title: 'AuditEntry' })

type Filters = { readonly [Name in keyof typeof filters]?: z.output<(typeof filters)[Name]> }

function queryOf({ since, until, ...query }: Filters): AuditQuery {
  return {
    ...query,
    ...(since === undefined ? {} : { since: Date.parse(since) }),
    ...(until === undefined ? {} : { until: Date.parse(until) }),
  }
}

export const listAuditEntries = defineOperation({
  id: 'list_audit_entries',
  title: 'List the audit log',
  description:
    'Who did what in this tenant, the latest first: tool calls, refused requests, and changes by admins. Reading it is recorded too.',
  scopes: ['audit:read'],
  effect: 'read',
  input: z.strictObject({ ...filters, ...listInput }),
  output: pageOf(entry).extend({
    complete: z
      .boolean()
      .describe('false: the tenant is suspended or being moved, and its tool calls could not be read.'),
  }),
  async run({ limit, cursor, ...query }, { registry, tenant, actor }) {
    const page = await registry.audit.list(tenant, actor, queryOf(query), pageAsked({ limit, cursor }))
    return {
      items: page.items.map((row) => entry.parse(row)),
      next_cursor: page.next === null ? null : encodeCursor({ after: page.next }),
      complete: page.complete,
    }
  },
})

export const exportAudit = defineOperation({
  id: 'export_audit',
  title: 'Export the audit log',
  description:
    'Everything that matches as one file, the latest first, sent as it is read. A file that ends without its last line complete was cut off.',
  scopes: ['audit:read'],
  effect: 'read',
  input: z.strictObject({ format: z.enum(AUDIT_FORMATS).default('ndjson'), ...filters }),
  output: z.object({ filename: z.string(), media_type: z.string(), text: z.custom<AsyncIterable<string>>() }),
  run: async ({ format, ...query }, { registry, tenant, actor }) =>
    await registry.audit.export(tenant, actor, queryOf(query), format),
})
