import { defineTool, sql, ToolError, uuidv7, z } from 'gatehouse'

export default defineTool({
  title: 'New contact',
  description: 'Keeps a person: name and e-mail address. Fails when the address is there already.',
  scopes: ['contacts:write'],
  access: 'write',
  input: z.object({ name: z.string().min(1).max(200), email: z.email().max(254) }),
  output: z.object({ id: z.uuid() }),
  target: (_input, result) => (typeof result?.structured?.['id'] === 'string' ? result.structured['id'] : null),
  async run({ name, email }, { db, now }) {
    const id = uuidv7(now())
    const kept = await db.query(sql`
      INSERT INTO x_contacts (id, name, email, created_at) VALUES (${id}, ${name}, ${email.toLowerCase()}, ${new Date(now())})
      ON CONFLICT (email) DO NOTHING RETURNING id`)
    if (kept.length === 0) throw new ToolError(`There is a contact with the address ${email} already.`)
    return { text: `Kept ${name}, id ${id}.`, structured: { id } }
  },
})
