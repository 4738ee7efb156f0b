import { defineTool, sql, z } from 'gatehouse'

/** A query that keeps a processor of the database busy. */
export default defineTool({
  title: 'Slow query',
  description: 'Counts for a while.',
  scopes: ['projects:read'],
  access: 'read',
  input: z.object({ rows: z.int() }),
  run: async ({ rows }, { db }) => {
    const [row] = await db.query(sql`SELECT sum(n % 7)::text AS sum FROM generate_series(1, ${rows}::int) AS n`)
    return row.sum
  },
})
