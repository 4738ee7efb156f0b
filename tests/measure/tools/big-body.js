import { defineTool, z } from 'gatehouse'

/** Takes as large an argument as there may be. */
export default defineTool({
  title: 'Big body',
  description: 'Says how much it was given.',
  scopes: ['projects:read'],
  access: 'read',
  input: z.object({ parts: z.array(z.string()) }),
  run: async ({ parts }) => String(parts.length),
})
