import { defineTool, sql, z } from 'gatehouse'

/** As large an answer as there may be, out of the database. */
export default defineTool({
  title: 'Big result',
  description: 'Answers as many bytes as asked for.',
  scopes: ['projects:read'],
  access: 'read',
  input: z.object({ bytes: z.int() }),
  run: async ({ bytes }, { db }) => {
    const rows = await db.query(sql`
      SELECT n::text AS id, repeat('"x"' || chr(10), 250) AS text FROM generate_series(1, ${Math.ceil(bytes / 1280)}::int) AS n`)
    return JSON.stringify(rows)
  },
})
