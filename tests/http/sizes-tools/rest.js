import { setTimeout as pause } from 'node:timers/promises'
import { defineTool, z } from 'gatehouse'

export default defineTool({
  title: 'Rest',
  description: 'Answers after a while.',
  scopes: [],
  access: 'none',
  input: z.object({ milliseconds: z.int() }),
  run: async ({ milliseconds }, { signal }) => await pause(milliseconds, 'Rested.', { signal }),
})
