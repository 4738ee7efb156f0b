import { z } from 'zod'
import { whoami as tell } from '#tenancy/whoami.ts'
import { time } from './fields.ts'
import { defineOperation } from './operation.ts'

export const whoami = defineOperation({
  id: 'whoami',
  title: 'Who am I?',
  description:
    'Who the token says is calling, and what they may do here: the way to test a token without an MCP client.',
  scopes: [],
  effect: 'read',
  input: z.strictObject({}),
  output: z.object({
    user_id: z.string(),
    email: z.string().nullable(),
    name: z.string().nullable(),
    provider: z.string(),
    tenant: z.object({ slug: z.string(), name: z.string() }),
    role: z.enum(['viewer', 'member', 'admin', 'owner', 'service']),
    scopes: z.array(z.string()),
    identity: z.object({
      iss: z.string(),
      sub: z.string(),
      client_id: z.string().nullable(),
      scopes: z.array(z.string()).nullable(),
      email_verified: z.boolean(),
      organization: z.object({ kind: z.enum(['hd', 'org_id', 'tid']), value: z.string() }).nullable(),
      expires_at: time.nullable(),
    }),
  }),
  async run(_input, { actor: { principal } }) {
    const { iss, sub, client_id, scopes, email_verified, organization, exp } = principal.identity
    const expires_at = exp === null ? null : new Date(exp * 1000).toISOString()
    return {
      ...tell(principal),
      identity: {
        iss,
        sub,
        client_id,
        scopes: scopes === null ? null : [...scopes],
        email_verified,
        organization,
        expires_at,
      },
    }
  },
})
