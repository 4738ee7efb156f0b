import { defineTool, z } from 'gatehouse'

export default defineTool({
  title: 'Answer bytes',
  description: 'Answers a text as long as asked for.',
  scopes: [],
  access: 'none',
  input: z.object({ bytes: z.int() }),
  run: async ({ bytes }) => 'x'.repeat(bytes),
})
