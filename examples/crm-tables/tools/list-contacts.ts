import { cursorOf, defineTool, encodeCursor, sql, z } from 'gatehouse'

interface Row {
  readonly id: string
  readonly name: string
  readonly email: string
  readonly notes: number
}

export default defineTool({
  title: 'List contacts',
  description:
    'Contacts by name, a page at a time, each with the number of its notes. Pass next_cursor back as cursor.',
  scopes: ['contacts:read'],
  access: 'read',
  input: z.object({
    q: z.string().max(200).optional().describe('Part of a name'),
    limit: z.number().int().min(1).max(100).default(20),
    cursor: cursorOf({ name: z.string(), id: z.uuid() }).optional(),
  }),
  output: z.object({
    items: z.array(z.object({ id: z.uuid(), name: z.string(), email: z.string(), notes: z.number().int() })),
    next_cursor: z.string().nullable(),
  }),
  async run({ q, limit, cursor }, { db }) {
    const rows = await db.query<Row>(sql`
      SELECT c.id, c.name, c.email, (SELECT count(*)::int FROM x_contact_notes n WHERE n.contact_id = c.id) AS notes
      FROM x_contacts c
      WHERE (${q ?? null}::text IS NULL OR strpos(lower(c.name), lower(${q ?? null})) > 0)
        AND (${cursor?.name ?? null}::text IS NULL OR (c.name, c.id) > (${cursor?.name ?? null}, ${cursor?.id ?? null}::uuid))
      ORDER BY c.name, c.id LIMIT ${limit + 1}`)
    const items = rows.slice(0, limit)
    const last = items.at(-1)
    const next_cursor =
      rows.length > limit && last !== undefined ? encodeCursor({ name: last.name, id: last.id }) : null
    return {
      text: items.map(({ name, email, id }) => `- ${name} <${email}>, id ${id}`).join('\n') || 'No contacts.',
      structured: { items, next_cursor },
    }
  },
})
