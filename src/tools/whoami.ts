import { z } from 'zod'
import { defineTool, userId } from '#toolkit/tool.ts'

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
  run: async (_, { principal: { identity, tenant, role, scopes } }) => {
    const user_id = userId(identity)
    const structured = {
      user_id,
      email: identity.email,
      name: identity.name,
      provider: identity.provider,
      tenant: { slug: tenant.slug, name: tenant.name },
      role,
      scopes: [...scopes].sort(),
    }
    const who = [identity.name, identity.email].filter((part) => part !== null).join(', ')
    const text = [
      `You are ${who === '' ? user_id : `${who} (${user_id})`}.`,
      `Organisation: ${tenant.name} (${tenant.slug}), role ${role}.`,
      `Scopes: ${structured.scopes.join(' ') || 'none'}.`,
    ]
    return { text: text.join('\n'), structured }
  },
})
