import { z } from 'zod'
import { defineTool, whoami } from '#toolkit/tool.ts'

export default defineTool({
  title: 'Who am I',
  description:
    'Tells who you are signed in as, in which organisation, and what you may do there. Needs no permission; use it to check the connection.',
  scopes: [],
  access: 'none',
  input: z.object({}),
  output: z.strictObject({
    user_id: z.string().describe('provider:subject; the stable name of this account'),
    email: z.string().nullable(),
    name: z.string().nullable(),
    provider: z.string(),
    tenant: z
      .strictObject({ slug: z.string(), name: z.string() })
      .describe('The organisation whose data the tools see'),
    role: z.enum(['viewer', 'member', 'admin', 'owner', 'service']),
    scopes: z.array(z.string()).describe('What this token may do, sorted'),
  }),
  run: async (_, { principal }) => {
    const structured = whoami(principal)
    const { user_id, tenant, role, scopes } = structured
    const who = [structured.name, structured.email].filter((part) => part !== null).join(', ')
    const text = [
      `You are ${who === '' ? user_id : `${who} (${user_id})`}.`,
      `Organisation: ${tenant.name} (${tenant.slug}), role ${role}.`,
      `Scopes: ${scopes.join(' ') || 'none'}.`,
    ]
    return { text: text.join('\n'), structured }
  },
})
