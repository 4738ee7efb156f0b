import { defineTool, sql, z } from 'gatehouse'

/** More work than its time limit allows, in the database itself. */
export default defineTool({
  title: 'Long query',
  description: 'Counts for a very long time.',
  scopes: ['projects:read'],
  access: 'read',
  timeout: 800,
  input: z.object({}),
  run: async (_, { db }) => {
    const [row] = await db.query(sql`SELECT count(*)::text AS count FROM generate_series(1, 1000000000)`)
    return row.count
  },
})
