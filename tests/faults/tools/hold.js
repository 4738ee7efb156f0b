import { setTimeout as pause } from 'node:timers/promises'
import { defineTool, sql, z } from 'gatehouse'

/** A write that stays open for as long as it is told, and says so. */
export default defineTool({
  title: 'Hold',
  description: 'Writes a project, tells of it, waits, and is done.',
  scopes: ['projects:write'],
  access: 'write',
  input: z.object({ id: z.uuid(), ms: z.int() }),
  run: async ({ id, ms }, { db, now, signal, progress, log }) => {
    const at = new Date(now())
    await db.query(sql`
      INSERT INTO projects (id, name, created_by, created_at, updated_at) VALUES (${id}, 'held', 'faults', ${at}, ${at})`)
    log.info({ id }, 'holding')
    await progress(1, 2)
    await pause(ms, undefined, { signal })
    return 'done'
  },
})
