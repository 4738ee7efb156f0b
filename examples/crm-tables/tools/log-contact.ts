import { defineTool, sql, ToolError, uuidv7, z } from 'gatehouse'

export default defineTool({
  title: 'Log a contact',
  description: 'Keeps a note about a contact: what was said or agreed.',
  scopes: ['contacts:write'],
  access: 'write',
  input: z.object({ id: z.uuid().describe('Of the contact'), text: z.string().min(1).max(4000) }),
  async run({ id, text }, { db, now }) {
    const kept = await db.query(sql`
      INSERT INTO x_contact_notes (id, contact_id, text, created_at)
      SELECT ${uuidv7(now())}, id, ${text}, ${new Date(now())} FROM x_contacts WHERE id = ${id} RETURNING id`)
    // The same words for an id of another organisation: its row cannot be seen from here.
    if (kept.length === 0) throw new ToolError('contact not found')
    return 'Kept.'
  },
})
