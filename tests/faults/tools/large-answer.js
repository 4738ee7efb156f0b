import { defineTool, sql, z } from 'gatehouse'

/** Writes, and then answers more than an answer may hold: what was written must be gone. */
export default defineTool({
  title: 'Large answer',
  description: 'Answers as many bytes as asked for.',
  scopes: ['projects:write'],
  access: 'write',
  input: z.object({ id: z.uuid(), bytes: z.int() }),
  run: async ({ id, bytes }, { db, now }) => {
    const at = new Date(now())
    await db.query(sql`
      INSERT INTO projects (id, name, created_by, created_at, updated_at) VALUES (${id}, 'large', 'faults', ${at}, ${at})`)
    return 'x'.repeat(bytes)
  },
})
