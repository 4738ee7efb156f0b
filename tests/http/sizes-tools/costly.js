import { defineTool, z } from 'gatehouse'

export default defineTool({
  title: 'Costly',
  description: 'Counts as five calls.',
  scopes: [],
  access: 'none',
  cost: 5,
  input: z.object({}),
  run: async () => 'Done.',
})
