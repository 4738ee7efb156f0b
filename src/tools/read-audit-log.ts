import { z } from 'zod'
import { cursorOf, defineTool, encodeCursor, sql } from '#toolkit/tool.ts'
import { isoOf, time, timeOut } from './shared/fields.ts'
import { cut, limit, listText, pageOf, rowsFor } from './shared/page.ts'

const outcome = z
  .enum(['ok', 'refused', 'failed'])
  .describe('ok; refused: turned away before the tool ran; failed: the tool or its arguments.')

const entry = z.strictObject({
  id: z.uuid(),
  at: timeOut,
  action: z.string().describe('Name of the tool, or refused.<code>'),
  actor: z.strictObject({
    iss: z.string().nullable(),
    sub: z.string().nullable(),
    key_id: z.string().nullable().describe('The API key used; null: the person signed in'),
  }),
  target: z.string().nullable().describe('Id of what the call was about'),
  outcome,
  latency_ms: z.int().nullable(),
  request_id: z.string().nullable(),
  ip: z.string().nullable(),
  detail: z.record(z.string(), z.unknown()).nullable(),
  arguments_digest: z
    .string()
    .nullable()
    .describe('Keyed digest of the arguments; the arguments themselves are not kept'),
})
type Entry = z.output<typeof entry>

interface EntryRow extends Omit<Entry, 'at' | 'actor'> {
  readonly at: Date
  readonly iss: string | null
  readonly sub: string | null
  readonly key_id: string | null
}

const toEntry = ({ at, iss, sub, key_id, ...rest }: EntryRow): Entry => ({
  ...rest,
  at: isoOf(at),
  actor: { iss, sub, key_id },
})

const entryLine = ({ at, action, actor, target, outcome }: Entry): string =>
  [at, actor.sub ?? actor.key_id ?? 'unknown', action, target ?? '', outcome].filter((part) => part !== '').join(' ')

export default defineTool({
  title: 'Read audit log',
  description:
    'Lists who did what in this organisation, newest first: tool calls and refused requests. Reads appear about a second after they happened.',
  scopes: ['audit:read'],
  access: 'read',
  input: z.object({
    action: z
      .string()
      .max(128)
      .optional()
      .describe('Only this action, for example create_project or refused.rate_limited.'),
    actor: z
      .string()
      .max(2048)
      .optional()
      .describe('Only this person (user_id or its part after the colon) or API key id.'),
    outcome: outcome.optional(),
    since: time.optional().describe('Only what happened at this time or later.'),
    until: time.optional().describe('Only what happened before this time.'),
    limit,
    cursor: cursorOf({ at: time, id: z.uuid() }).optional(),
  }),
  output: pageOf(entry),
  run: async ({ action = null, actor = null, outcome = null, since = null, until = null, limit, cursor }, { db }) => {
    const after = cursor?.id ?? null
    const afterAt = cursor?.at ?? null
    // Rows hold the subject alone; a user_id is provider:subject.
    const subject = actor?.slice(actor.indexOf(':') + 1) ?? null
    const rows = await db.query<EntryRow>(sql`
      SELECT id, at, action, iss, sub, key_id, target, outcome, latency_ms, request_id, ip, detail, arguments_digest FROM audit
      WHERE (${action}::text IS NULL OR action = ${action}::text)
        AND (${actor}::text IS NULL OR sub IN (${actor}::text, ${subject}::text) OR key_id = ${actor}::text)
        AND (${outcome}::text IS NULL OR outcome = ${outcome}::text)
        AND (${since}::timestamptz IS NULL OR at >= ${since}::timestamptz)
        AND (${until}::timestamptz IS NULL OR at < ${until}::timestamptz)
        AND (${after}::uuid IS NULL OR (at, id) < (${afterAt}::timestamptz, ${after}::uuid))
      ORDER BY at DESC, id DESC LIMIT ${rowsFor(limit)}::integer`)
    const page = cut(rows, limit, ({ at, id }) => encodeCursor({ at: isoOf(at), id }))
    const items = page.rows.map(toEntry)
    const { next_cursor } = page
    return { text: listText('entries', items.map(entryLine), next_cursor), structured: { items, next_cursor } }
  },
})
