import { setTimeout as pause } from 'node:timers/promises'
import { defineTool, z } from 'gatehouse'

/** Waits without a database. */
export default defineTool({
  title: 'Wait',
  description: 'Waits for as long as it is told.',
  scopes: [],
  access: 'none',
  input: z.object({ ms: z.int() }),
  run: async ({ ms }, { signal, log }) => {
    log.info({ ms }, 'waiting')
    await pause(ms, undefined, { signal })
    return 'done'
  },
})
